/**
 * RC2 in CBC mode, decryption alone (RFC 2268). JDK 8 and older programs encrypt the certificates of PKCS#12 files with it, with 40 bits,
 * and OpenSSL 3 no longer decrypts it. It protects nothing: certificates are public.
 */

/** PITABLE of RFC 2268. */
const permutation = Uint8Array.from(
  (
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb6266fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad'
  ).match(/../g) as string[],
  (pair) => Number.parseInt(pair, 16),
)

const blockBytes = 8

/** Removes the padding too. @throws RangeError where the text does not end in padding: the key is wrong. */
export function decryptRc2(key: Uint8Array, initial: Uint8Array, encrypted: Uint8Array): Uint8Array {
  if (encrypted.length === 0 || encrypted.length % blockBytes !== 0) throw new RangeError('no whole number of blocks')
  const words = expandedKey(key)
  const plain = new Uint8Array(encrypted.length)
  let before = initial
  for (let at = 0; at < encrypted.length; at += blockBytes) {
    const block = encrypted.subarray(at, at + blockBytes)
    const opened = decryptedBlock(words, block)
    for (let i = 0; i < blockBytes; i++) plain[at + i] = (opened[i] as number) ^ (before[i] as number)
    before = block
  }
  const padding = plain.at(-1) as number
  const isPadded = padding >= 1 && padding <= blockBytes && plain.subarray(-padding).every((byte) => byte === padding)
  if (!isPadded) throw new RangeError('wrong padding')
  return plain.subarray(0, plain.length - padding)
}

/** 64 words of 16 bits. The effective length of the key is its own, as PKCS#12 has it. */
function expandedKey(key: Uint8Array): Uint16Array {
  const bytes = new Uint8Array(128)
  bytes.set(key)
  const pi = (index: number): number => permutation[index & 0xff] as number
  for (let i = key.length; i < 128; i++) bytes[i] = pi((bytes[i - 1] as number) + (bytes[i - key.length] as number))
  bytes[128 - key.length] = pi(bytes[128 - key.length] as number)
  for (let i = 127 - key.length; i >= 0; i--)
    bytes[i] = pi((bytes[i + 1] as number) ^ (bytes[i + key.length] as number))
  return Uint16Array.from({ length: 64 }, (_, i) => (bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8))
}

function decryptedBlock(key: Uint16Array, block: Uint8Array): Uint8Array {
  const r = Uint16Array.from({ length: 4 }, (_, i) => (block[2 * i] as number) | ((block[2 * i + 1] as number) << 8))
  const word = (i: number): number => r[(i + 4) & 3] as number
  let next = 63
  const mix = (): void => {
    for (let i = 3; i >= 0; i--) {
      const shift = [1, 2, 3, 5][i] as number
      const turned = (word(i) >>> shift) | (word(i) << (16 - shift))
      r[i] = turned - (key[next--] as number) - (word(i - 1) & word(i - 2)) - (~word(i - 1) & word(i - 3))
    }
  }
  const mash = (): void => {
    for (let i = 3; i >= 0; i--) r[i] = word(i) - (key[word(i - 1) & 63] as number)
  }
  const rounds = [5, 6, 5]
  for (const [at, count] of rounds.entries()) {
    for (let i = 0; i < count; i++) mix()
    if (at < rounds.length - 1) mash()
  }
  return Uint8Array.from({ length: blockBytes }, (_, i) => ((r[i >> 1] as number) >> (8 * (i & 1))) & 0xff)
}
