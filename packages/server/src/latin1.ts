/** ISO 8859-1, where a character is a byte: texts that are compared or taken apart before anybody knows what encoding they are in. */

export function latin1Text(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** The bytes of a text that has no character above 255. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
