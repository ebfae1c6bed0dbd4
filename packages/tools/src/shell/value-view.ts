/** What the bytes of a znode are: text, something compressed, or other bytes; and how other bytes are shown. */

export type CompressedFormat = 'gzip' | 'zlib' | 'zstd' | 'lz4' | 'snappy'

export type ValueView =
  | { readonly kind: 'empty' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'compressed'; readonly format: CompressedFormat }
  | { readonly kind: 'binary' }

/** Text is valid UTF-8 whose only control characters are tabs and line ends: a terminal would act on others. */
export function viewValue(data: Uint8Array): ValueView {
  if (data.length === 0) return { kind: 'empty' }
  const text = plainText(data)
  if (text !== undefined) return { kind: 'text', text }
  const format = compressedFormat(data)
  return format === undefined ? { kind: 'binary' } : { kind: 'compressed', format }
}

/** Undefined where it is not UTF-8 or holds control characters. */
function plainText(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
    return /(?![\t\n\r])\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

const magics: readonly (readonly [CompressedFormat, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  // The framing format of snappy, and that of the library snappy-java.
  ['snappy', [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50]],
  ['snappy', [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]],
]

function compressedFormat(data: Uint8Array): CompressedFormat | undefined {
  const found = magics.find(([, magic]) => magic.every((byte, i) => data[i] === byte))
  if (found !== undefined) return found[0]
  const [first = 0, second = 0] = data
  // Deflate with a window, and a header that is a multiple of 31 (RFC 1950).
  const isZlib = data.length > 6 && (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0
  return isZlib && (second & 0x20) === 0 ? 'zlib' : undefined
}

const ruler = '+--------+-------------------------------------------------+----------------+'

/** The bytes in hexadecimal, sixteen a line, with the printable characters beside them, in the form of zkCli's `get -x`. */
export function hexDump(data: Uint8Array): string {
  if (data.length === 0) return ''
  const lines = [
    '         +-------------------------------------------------+',
    '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
    ruler,
  ]
  for (let at = 0; at < data.length; at += 16) {
    const row = [...data.subarray(at, at + 16)]
    const hex = row.map((byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('')
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`|${at.toString(16).padStart(8, '0')}|${hex.padEnd(48)} |${text.padEnd(16)}|`)
  }
  return [...lines, ruler].join('\n')
}
