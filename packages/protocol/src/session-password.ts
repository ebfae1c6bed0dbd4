/** The password Apache derives from a session id: a checksum, not a secret (ZooKeeperServer.java, generatePasswd). */

const secret = 0xb3415c00n
const multiplier = 0x5deece66dn
const mask = (1n << 48n) - 1n

/** 16 bytes drawn from java.util.Random seeded with `sessionId XOR 0xB3415C00`. */
export function sessionPassword(sessionId: bigint): Uint8Array {
  let state = (BigInt.asUintN(64, sessionId ^ secret) ^ multiplier) & mask
  const password = new Uint8Array(16)
  for (let word = 0; word < 4; word++) {
    state = (state * multiplier + 11n) & mask
    let bits = Number(state >> 16n)
    for (let byte = 0; byte < 4; byte++) {
      password[word * 4 + byte] = bits & 0xff
      bits >>>= 8
    }
  }
  return password
}
