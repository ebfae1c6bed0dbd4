/**
 * QuorumAuthPacket, the record of a login between two servers: `long magic, int status, buffer token`. The login goes in front of the
 * first packet of a learner, and behind the initial message of an election link.
 */
import { MalformedFrameError } from '../malformed-frame-error.ts'
import { Reader } from '../reader.ts'
import { Writer } from '../writer.ts'

/** Java's constant is written as `-0xa0dbcafecafe1234L`, which overflows to this number (QuorumAuth.java). */
export const quorumAuthMagic = 0x5f24_3501_3501_edccn
const magicBytes = 8
const headBytes = 16
/** A ticket of Kerberos is the longest token that is known. */
const tokenBytesMax = 65_536

export const quorumAuthStatus = { inProgress: 0, success: 1, error: -1 } as const
export type QuorumAuthStatus = keyof typeof quorumAuthStatus

const names = new Map(
  Object.entries(quorumAuthStatus).map(([name, status]) => [status as number, name as QuorumAuthStatus]),
)

export interface QuorumAuthPacket {
  /** Whether the login goes on, has succeeded or has failed. */
  readonly status: QuorumAuthStatus
  /** The token of the SASL mechanism; null for none. */
  readonly token: Uint8Array | null
}

export function quorumAuthBytes({ status, token }: QuorumAuthPacket): Uint8Array {
  const writer = new Writer(headBytes + (token?.length ?? 0))
  writer.long(quorumAuthMagic)
  writer.int(quorumAuthStatus[status])
  writer.buffer(token)
  return writer.written()
}

/** Whether the other server logs in: its next bytes are a QuorumAuthPacket. Undefined while more bytes are needed. */
export function beginsQuorumAuth(bytes: Uint8Array): boolean | undefined {
  const known = Math.min(bytes.length, magicBytes)
  for (let i = 0; i < known; i++) {
    if (bytes[i] !== Number((quorumAuthMagic >> BigInt(8 * (magicBytes - 1 - i))) & 0xffn)) return false
  }
  return known === magicBytes ? true : undefined
}

/**
 * The packet at the start of `bytes` and where it ends, or undefined while more bytes are needed. The token is a copy.
 * @throws MalformedFrameError for another magic number, an unknown status or an unreasonable length.
 */
export function parseQuorumAuth(bytes: Uint8Array): { packet: QuorumAuthPacket; end: number } | undefined {
  if (beginsQuorumAuth(bytes) === false) throw new MalformedFrameError('no packet of a login', 0)
  if (bytes.length < headBytes) return undefined
  const reader = new Reader(bytes)
  reader.long()
  const number = reader.int()
  const status = names.get(number)
  if (status === undefined) throw new MalformedFrameError(`unknown status ${number} of a login`, 8)
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes)
  const length = view.getInt32(12)
  if (length < -1 || length > tokenBytesMax) throw new MalformedFrameError(`Unreasonable length = ${length}`, 12)
  const end = headBytes + Math.max(0, length)
  if (bytes.length < end) return undefined
  return { packet: { status, token: length === -1 ? null : bytes.slice(headBytes, end) }, end }
}
