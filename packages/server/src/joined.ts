/** Bytes of a stream that came in pieces, for what must be looked at whole. One piece alone is not copied. */
export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const all = pieces.filter(({ length }) => length > 0)
  const [first = new Uint8Array(0), ...more] = all
  if (more.length === 0) return first
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of all) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
