/**
 * A part of a string in its own memory. The engine makes a slice that keeps the whole string alive, and clients choose how long that is:
 * what is stored longer than a request must be a copy.
 */
export function ownString(text: string, from: number, to: number = text.length): string {
  let own = ''
  let i = from
  for (; i + 8 <= to; i += 8) {
    own += String.fromCharCode(
      text.charCodeAt(i),
      text.charCodeAt(i + 1),
      text.charCodeAt(i + 2),
      text.charCodeAt(i + 3),
      text.charCodeAt(i + 4),
      text.charCodeAt(i + 5),
      text.charCodeAt(i + 6),
      text.charCodeAt(i + 7),
    )
  }
  if (i < to) own += text.slice(i, to)
  // Joins the pieces now, once.
  own.charCodeAt(0)
  return own
}
