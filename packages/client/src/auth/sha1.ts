/** SHA-1 (FIPS 180-4), only for ZooKeeper's digest identities. Use it for nothing new: it is not a secure hash. */

export function sha1(bytes: Uint8Array): Uint8Array {
  const blocks = ((bytes.length + 8) >>> 6) + 1
  const padded = new Uint8Array(blocks * 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)
  const words = new Int32Array(80)
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4)
    block(words, state)
  }
  const digest = new DataView(new ArrayBuffer(20))
  state.forEach((word, i) => {
    digest.setInt32(i * 4, word)
  })
  return new Uint8Array(digest.buffer)
}

/** `words` holds the 16 of the block; the other 64 are made here. */
function block(words: Int32Array, state: Int32Array): void {
  const word = (i: number): number => words[i] as number
  for (let i = 16; i < 80; i++) words[i] = rotated(word(i - 3) ^ word(i - 8) ^ word(i - 14) ^ word(i - 16), 1)
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number]
  for (let i = 0; i < 80; i++) {
    const next = (rotated(a, 5) + mix(Math.floor(i / 20), b, c, d) + e + word(i)) | 0
    e = d
    d = c
    c = rotated(b, 30)
    b = a
    a = next
  }
  for (const [i, each] of [a, b, c, d, e].entries()) state[i] = (state[i] as number) + each
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

/** Returns the function of a round and its constant. */
function mix(round: number, b: number, c: number, d: number): number {
  if (round === 0) return ((b & c) | (~b & d)) + 0x5a827999
  if (round === 1) return (b ^ c ^ d) + 0x6ed9eba1
  if (round === 2) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}
