/** The data of a znode as text, JSON and hexadecimal digits, and back. */

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

export function base64Of(bytes: Uint8Array): string {
  let text = ''
  // A call takes a bounded number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

/** Undefined where the bytes are no text that an editor can show without changing it. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    // An editor writes other line ends than these.
    return /[\0\r]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** The same text with the members of JSON on lines of their own; undefined where it is no JSON object or array. */
export function prettyOf(text: string | undefined): string | undefined {
  if (text === undefined || !/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return undefined
  }
}

/** Lines of 16 bytes: `00 01 … 0f`. */
export function hexOf(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    lines.push([...bytes.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '))
  }
  return lines.join('\n')
}

/** Undefined where the text is anything but pairs of hexadecimal digits. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/\s/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

/** One line for a list: text, or hexadecimal digits where it is none. */
export function briefOf(base64: string, bytes: number): string {
  const data = bytesOf(base64)
  // A value that was cut may end within a letter.
  const cuts = bytes > data.length ? [0, 1, 2, 3] : [0]
  const text = cuts.map((cut) => textOf(data.subarray(0, data.length - cut))).find((each) => each !== undefined)
  const shown =
    text === undefined
      ? `hex ${hexOf(data.subarray(0, 16)).replaceAll('\n', ' ')}`
      : text.replaceAll(/\s+/g, ' ').slice(0, 200)
  return bytes > 200 ? `${shown}… (${bytes} bytes)` : shown
}
