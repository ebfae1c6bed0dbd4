/** What a learner says about itself in FOLLOWERINFO and OBSERVERINFO, and the four bytes of LEADERINFO and ACKEPOCH. */
import { MalformedFrameError } from '../malformed-frame-error.ts'
import { Reader } from '../reader.ts'
import { Writer } from '../writer.ts'
import { quorumProtocolVersion } from './quorum-packet.ts'

export interface LearnerInfo {
  /** The number of the learner in the ensemble. */
  readonly sid: number
  /** The version of the quorum protocol that it speaks. */
  readonly protocolVersion: number
  /** The version of the configuration that it has. */
  readonly configVersion: bigint
}

export function learnerInfoBytes(sid: number, configVersion: bigint): Uint8Array {
  const writer = new Writer(20)
  writer.long(BigInt(sid))
  writer.int(quorumProtocolVersion)
  writer.long(configVersion)
  return writer.written()
}

/**
 * Servers before 3.5 leave out the last field, which is 0 then.
 * @throws MalformedFrameError for no data (protocol of 3.3), for less than sid and version, and for a sid beyond 2^53.
 */
export function parseLearnerInfo(data: Uint8Array | null): LearnerInfo {
  if (data === null) throw new MalformedFrameError('a learner that does not say who it is', 0)
  const reader = new Reader(data)
  const sid = safeNumber(reader.long(), 0)
  const protocolVersion = reader.int()
  const configVersion = reader.remaining >= 8 ? reader.long() : 0n
  return { sid, protocolVersion, configVersion }
}

export function intBytes(value: number): Uint8Array {
  const writer = new Writer(4)
  writer.int(value)
  return writer.written()
}

/** @throws MalformedFrameError where there are no four bytes. */
export function parseIntBytes(data: Uint8Array | null): number {
  if (data === null) throw new MalformedFrameError('no data where an int should be', 0)
  return new Reader(data).int()
}

/** A long that is an exact number. @throws MalformedFrameError for any other. */
export function safeNumber(value: bigint, at: number): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new MalformedFrameError(`${value} is out of range`, at)
  return number
}
