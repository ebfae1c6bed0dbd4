/** Data of znodes, as users give it: text, bytes, or null. */
import { wellFormed, wrongType } from './checks.ts'

const empty = new Uint8Array(0)
const expected = 'a string, a Uint8Array or null'
const encoder = new TextEncoder()

type Getter<T> = (this: unknown) => T
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const slot = <T>(name: PropertyKey, owner: object = typedArray): Getter<T> =>
  Object.getOwnPropertyDescriptor(owner, name)?.get as Getter<T>
// The real type of an array, whatever its properties, its prototype or its realm say.
const kindOf = slot<string | undefined>(Symbol.toStringTag)
const bufferOf = slot<ArrayBufferLike>('buffer')
const lengthOf = slot<number>('length')
const offsetOf = slot<number>('byteOffset')
const isResizable = slot<boolean>('resizable', ArrayBuffer.prototype)

/** Undefined where `value` is not a Uint8Array. */
export function isBytes(value: unknown): value is Uint8Array {
  return kindOf.call(value) === 'Uint8Array'
}

/**
 * The bytes of a value; undefined means no bytes. Bytes that only the caller can change are used without a copy, and the caller
 * must not change them until the call has settled. Memory that others can change, or that can shrink, is copied.
 * @throws TypeError for anything else, and for bytes that were transferred away.
 */
export function dataOf(value: unknown, name: string, operation: string): Uint8Array | null {
  if (value === null) return value
  if (value === undefined) throw wrongType(operation, name, expected, value)
  if (typeof value === 'string') return encoder.encode(wellFormed(value, name, operation))
  if (!isBytes(value)) throw wrongType(operation, name, `${expected}${hint(value)}`, value)
  return steady(value, name, operation)
}

/** As `dataOf`, with a default. */
export function contentOf(value: unknown, name: string, operation: string): Uint8Array | null {
  return value === undefined ? empty : dataOf(value, name, operation)
}

/**
 * The bytes of a call when it is written, which may be long after the call began.
 * @throws TypeError where they were transferred away meanwhile: otherwise the call would write an empty znode.
 */
export function intact(bytes: Uint8Array | null, length: number | undefined): Uint8Array | null {
  if (bytes?.length === length) return bytes
  throw new TypeError('the data of this call was transferred away before it was sent')
}

/** Bytes whose length stays what it is now. @throws TypeError for bytes that were transferred away. */
export function steady(value: Uint8Array, name: string, operation: string): Uint8Array {
  const buffer = bufferOf.call(value)
  const length = lengthOf.call(value)
  if (length === 0) {
    if (isDetached(buffer)) throw new TypeError(`${operation}: ${name} was transferred away: its buffer is detached`)
    return empty
  }
  // A SharedArrayBuffer is not an ArrayBuffer; the getter throws for it.
  if (!(buffer instanceof ArrayBuffer) || isResizable?.call(buffer) === true) {
    return new Uint8Array(buffer, offsetOf.call(value), length).slice()
  }
  const isPlain = Object.getPrototypeOf(value) === Uint8Array.prototype && !Object.hasOwn(value, 'length')
  return isPlain ? value : new Uint8Array(buffer, offsetOf.call(value), length)
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    void new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

const byteLengthOf = slot<number>('byteLength', ArrayBuffer.prototype)

function isArrayBuffer(value: unknown): boolean {
  try {
    return byteLengthOf.call(value) >= 0
  } catch {
    return false
  }
}

/** Advice for common objects that hold bytes, or seem to. */
function hint(value: unknown): string {
  if (typeof value !== 'object') return ''
  const kind = kindOf.call(value)
  if (kind !== undefined || ArrayBuffer.isView(value))
    return ' (new Uint8Array(view.buffer, view.byteOffset, view.byteLength))'
  if (isArrayBuffer(value)) return ' (new Uint8Array(buffer))'
  return ' (a value: zk.node(path, json()) writes it)'
}
