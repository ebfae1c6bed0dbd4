/**
 * Strings on the wire. Jute strings are UTF-8. But Java's writer encodes each UTF-16 unit separately, so a supplementary character
 * arrives as two three-byte surrogates (BinaryOutputArchive.java). We read both forms and write real UTF-8.
 */

// Every host has these two. They are declared here, because this package does not use the types of a host.
declare const TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
declare const TextEncoder: new () => {
  encodeInto(text: string, target: Uint8Array): { readonly read: number; readonly written: number }
}

/** Longer texts go to the host: its call costs as much as making a text of some hundred characters here. */
export const longBytes = 512

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Decodes `bytes[start, end)`. Never throws: bytes that are not UTF-8 become U+FFFD, as in Java. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > longBytes) return decodeLong(bytes, start, end)
  let text = ''
  let i = start
  // Eight at a time: a string that grows by single characters is a chain of pieces, which the engine joins at the first use.
  for (; i + 8 <= end; i += 8) {
    const a = bytes[i] as number
    const b = bytes[i + 1] as number
    const c = bytes[i + 2] as number
    const d = bytes[i + 3] as number
    const e = bytes[i + 4] as number
    const f = bytes[i + 5] as number
    const g = bytes[i + 6] as number
    const h = bytes[i + 7] as number
    if ((a | b | c | d | e | f | g | h) > 0x7f) return decodeNonAscii(bytes, start, end)
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  const rest = end - i
  if (rest === 0) return text
  // The last characters, at most seven, also in one piece.
  const a = bytes[i] as number
  const b = rest > 1 ? (bytes[i + 1] as number) : 0
  const c = rest > 2 ? (bytes[i + 2] as number) : 0
  const d = rest > 3 ? (bytes[i + 3] as number) : 0
  const e = rest > 4 ? (bytes[i + 4] as number) : 0
  const f = rest > 5 ? (bytes[i + 5] as number) : 0
  const g = rest > 6 ? (bytes[i + 6] as number) : 0
  if ((a | b | c | d | e | f | g) > 0x7f) return decodeNonAscii(bytes, start, end)
  switch (rest) {
    case 1:
      return text + String.fromCharCode(a)
    case 2:
      return text + String.fromCharCode(a, b)
    case 3:
      return text + String.fromCharCode(a, b, c)
    case 4:
      return text + String.fromCharCode(a, b, c, d)
    case 5:
      return text + String.fromCharCode(a, b, c, d, e)
    case 6:
      return text + String.fromCharCode(a, b, c, d, e, f)
    default:
      return text + String.fromCharCode(a, b, c, d, e, f, g)
  }
}

/** A long text that is made piece by piece leaves garbage of several times its length. */
function decodeLong(bytes: Uint8Array, start: number, end: number): string {
  const text = decoder.decode(bytes.subarray(start, end))
  // Only ASCII has as many characters as bytes, or bytes that are not UTF-8, surrogates among them.
  return text.length === end - start && !text.includes('\ufffd') ? text : decodeNonAscii(bytes, start, end)
}

function decodeNonAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let from = start
  for (let i = start; i + 2 < end; i++) {
    // 0xED 0xA0..0xBF begins an encoded surrogate, which real UTF-8 forbids.
    if (bytes[i] !== 0xed || ((bytes[i + 1] as number) & 0xe0) !== 0xa0 || ((bytes[i + 2] as number) & 0xc0) !== 0x80)
      continue
    if (i > from) text += decoder.decode(bytes.subarray(from, i))
    text += String.fromCharCode(0xd000 | (((bytes[i + 1] as number) & 0x3f) << 6) | ((bytes[i + 2] as number) & 0x3f))
    i += 2
    from = i + 1
  }
  return text + decoder.decode(bytes.subarray(from, end))
}

/** Number of bytes `text` takes as UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) length += 1
    else if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      length += 2
      i++
    } else length += 2
  }
  return length
}

/** Writes `text` at `at`; the caller has made room. Returns the offset after it. */
export function encodeUtf8(text: string, target: Uint8Array, at: number): number {
  if (text.length > longBytes) return at + encoder.encodeInto(text, target.subarray(at)).written
  let pos = at
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return pos + encoder.encodeInto(text.slice(i), target.subarray(pos)).written
    target[pos++] = unit
  }
  return pos
}

/** Writes as much of `text` as fits before `end`. `read` counts its UTF-16 units, `written` the bytes. */
export function encodeUtf8Part(
  text: string,
  target: Uint8Array,
  at: number,
  end: number,
): { readonly read: number; readonly written: number } {
  return encoder.encodeInto(text, target.subarray(at, end))
}
