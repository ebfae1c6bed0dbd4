/**
 * DER, as far as certificates and key stores need it: a value is a tag and a body, read in place. Lengths without a number and
 * strings in pieces (BER) are read too, because some programs write PKCS#12 files with them.
 */
import { joined } from '../joined.ts'

export class DerError extends Error {
  override readonly name = 'DerError'
}

export interface Der {
  readonly tag: number
  readonly body: Uint8Array
  /** Tag, length and body. */
  readonly whole: Uint8Array
}

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const

/** Values inside values above which the bytes are refused; a certificate has about ten. */
const depthMax = 64

/** The one value that `bytes` hold. @throws DerError where they hold none, or more. */
export function readDer(bytes: Uint8Array): Der {
  const { value, end } = valueAt(bytes, 0, 0)
  if (end !== bytes.length) throw new DerError(`${bytes.length - end} bytes too many`)
  return value
}

/** The first of the values that `bytes` hold; what follows is not looked at. @throws DerError where there is none. */
export function firstDer(bytes: Uint8Array): Der {
  return valueAt(bytes, 0, 0).value
}

/** The values in a sequence, a set, or an explicit tag. @throws DerError where the body is something else. */
export function childrenOf({ body }: Der): Der[] {
  const found: Der[] = []
  for (let at = 0; at < body.length; ) {
    const { value, end } = valueAt(body, at, 0)
    found.push(value)
    at = end
  }
  return found
}

/** The value at `index` in a sequence. @throws DerError where it is missing or has another tag than the wanted one. */
export function childOf(parent: Der, index: number, tag?: number): Der {
  const child = childrenOf(parent)[index]
  if (child === undefined) throw new DerError(`value ${index} is missing`)
  return tag === undefined ? child : expected(child, tag)
}

export function expected(value: Der, tag: number): Der {
  if (value.tag !== tag) throw new DerError(`tag ${value.tag.toString(16)} where ${tag.toString(16)} was expected`)
  return value
}

/** Decimal numbers with dots. @throws DerError where it is no object identifier. */
export function oidOf(value: Der): string {
  const { body } = expected(value, tags.oid)
  const numbers: bigint[] = []
  let number = 0n
  for (const [i, byte] of body.entries()) {
    number = (number << 7n) | BigInt(byte & 0x7f)
    if (byte >= 0x80) {
      if (i === body.length - 1) throw new DerError('an object identifier is cut off')
      continue
    }
    if (numbers.length === 0) {
      const first = number < 80n ? number / 40n : 2n
      numbers.push(first, number - first * 40n)
    } else numbers.push(number)
    number = 0n
  }
  if (numbers.length === 0) throw new DerError('an object identifier is empty')
  return numbers.join('.')
}

/** A number that is not negative and fits. @throws DerError for another one. */
export function numberOf(value: Der): number {
  const { body } = expected(value, tags.integer)
  let number = 0
  for (const byte of body) number = number * 256 + byte
  if (body.length === 0 || (body[0] as number) >= 0x80 || !Number.isSafeInteger(number)) {
    throw new DerError('a number is out of range')
  }
  return number
}

/** The bytes of an octet string, also of one in pieces; `tag` where an implicit tag stands in its place. */
export function octetsOf(value: Der, tag: number = tags.octetString): Uint8Array {
  if (value.tag === tag) return value.body
  if (value.tag !== (tag | 0x20)) throw new DerError(`tag ${value.tag.toString(16)} where bytes were expected`)
  return joined(...childrenOf(value).map((piece) => octetsOf(piece)))
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function valueAt(bytes: Uint8Array, at: number, depth: number): { readonly value: Der; readonly end: number } {
  if (depth > depthMax) throw new DerError('values are nested too deep')
  const tag = byteAt(bytes, at)
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag is too large')
  const first = byteAt(bytes, at + 1)
  if (first === 0x80) return openValueAt(bytes, at, tag, depth)
  let start = at + 2
  let length = first
  if (first > 0x80) {
    start += first & 0x7f
    length = 0
    for (let i = at + 2; i < start; i++) length = length * 256 + byteAt(bytes, i)
  }
  const end = start + length
  if (end > bytes.length) throw new DerError('a value is cut off')
  return { value: { tag, body: bytes.subarray(start, end), whole: bytes.subarray(at, end) }, end }
}

/** A value whose end two zero bytes mark. */
function openValueAt(
  bytes: Uint8Array,
  at: number,
  tag: number,
  depth: number,
): { readonly value: Der; readonly end: number } {
  if ((tag & 0x20) === 0) throw new DerError('a value has no length')
  let inside = at + 2
  while (byteAt(bytes, inside) !== 0 || byteAt(bytes, inside + 1) !== 0) inside = valueAt(bytes, inside, depth + 1).end
  const end = inside + 2
  return { value: { tag, body: bytes.subarray(at + 2, inside), whole: bytes.subarray(at, end) }, end }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new DerError('a value is cut off')
  return byte
}
