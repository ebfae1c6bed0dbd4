/**
 * Ids and passwords of sessions, from a secret in the data directory. A client that sees an id, for example in a Stat, can compute
 * neither its password nor the id of another session. Sessions of Apache's have the password that Apache derives from their id.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { sessionPassword } from '@lightkeeper/protocol'

export const secretBytes = 32
const passwordBytes = 16
const rounds = 4
const halfBits = 28
const halfMask = 2 ** halfBits - 1
/** Zero in the input of every id of ours: if its inverse has another value here, the id is not ours. */
const markBits = 16
const markMask = 2 ** markBits - 1

export class SessionKeys {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /**
   * The id of the session with this number, 0 to 2^40 - 1: `serverId` in the first byte, as in Apache; in the other seven bytes a
   * permutation that only the owner of the secret can compute. Different numbers have different ids.
   */
  idOf(serverId: number, sequence: number): bigint {
    let left = Math.floor(sequence / 2 ** (halfBits - markBits))
    let right = (sequence % 2 ** (halfBits - markBits)) * 2 ** markBits
    for (let round = 0; round < rounds; round++) [left, right] = [right, left ^ this.#mix(round, right)]
    const permuted = (BigInt(left) << BigInt(halfBits)) | BigInt(right)
    return BigInt.asIntN(64, (BigInt(serverId) << 56n) | permuted)
  }

  /** Whether `idOf` made the id with this secret. It is also true for one in 65,536 other ids. */
  isOurs(id: bigint): boolean {
    let left = Number((id >> BigInt(halfBits)) & BigInt(halfMask))
    let right = Number(id & BigInt(halfMask))
    for (let round = rounds - 1; round >= 0; round--) [left, right] = [right ^ this.#mix(round, left), left]
    return (right & markMask) === 0
  }

  /** 16 bytes, which prove that their sender was given the session. */
  passwordOf(id: bigint): Uint8Array {
    if (!this.isOurs(id)) return sessionPassword(id)
    const message = Buffer.alloc(9)
    message.writeUInt8(rounds)
    message.writeBigInt64BE(id, 1)
    return new Uint8Array(createHmac('sha256', this.#secret).update(message).digest().subarray(0, passwordBytes))
  }

  /** Compares in a time that does not depend on the first difference. */
  isPasswordOf(id: bigint, password: Uint8Array | null): boolean {
    const expected = this.passwordOf(id)
    return password !== null && password.length === expected.length && timingSafeEqual(password, expected)
  }

  /** 28 bits. The messages differ from those of passwords in their first byte. */
  #mix(round: number, half: number): number {
    const message = Buffer.alloc(5)
    message.writeUInt8(round)
    message.writeUInt32BE(half, 1)
    return createHmac('sha256', this.#secret).update(message).digest().readUInt32BE(0) & halfMask
  }
}
