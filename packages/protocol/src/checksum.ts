/** The two checksums of ZooKeeper's files: Adler-32 over records and snapshots, CRC-32 in the digest of the tree. */

const adlerModulus = 65_521
/** How many bytes may be summed before the sums could exceed 32 bits. */
const adlerRun = 5_552

/** Adler-32 of `bytes[start, end)`, continued from `seed`, which is 1 for a fresh one. Unsigned. */
export function adler32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 1): number {
  let a = seed & 0xffff
  let b = seed >>> 16
  for (let at = start; at < end; ) {
    const stop = Math.min(end, at + adlerRun)
    for (; at + 4 <= stop; at += 4) {
      b += a += bytes[at] as number
      b += a += bytes[at + 1] as number
      b += a += bytes[at + 2] as number
      b += a += bytes[at + 3] as number
    }
    for (; at < stop; at++) b += a += bytes[at] as number
    a %= adlerModulus
    b %= adlerModulus
  }
  return ((b << 16) | a) >>> 0
}

/** Eight tables, so that one step takes eight bytes. */
const crcTables: readonly Uint32Array[] = (() => {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1
    return value
  })
  const tables = [first]
  for (let i = 1; i < 8; i++) {
    const before = tables[i - 1] as Uint32Array
    tables.push(before.map((value) => (value >>> 8) ^ (first[value & 0xff] as number)))
  }
  return tables
})()
const [crc0, crc1, crc2, crc3, crc4, crc5, crc6, crc7] = crcTables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** CRC-32 (IEEE) of `bytes[start, end)`, continued from `seed`, which is 0 for a fresh one. Unsigned. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  let crc = ~seed
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (crc7[crc & 0xff] as number) ^
      (crc6[(crc >>> 8) & 0xff] as number) ^
      (crc5[(crc >>> 16) & 0xff] as number) ^
      (crc4[crc >>> 24] as number) ^
      (crc3[bytes[at + 4] as number] as number) ^
      (crc2[bytes[at + 5] as number] as number) ^
      (crc1[bytes[at + 6] as number] as number) ^
      (crc0[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (crc0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return ~crc >>> 0
}
