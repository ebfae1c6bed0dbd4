/**
 * Notification, the message of leader election: the state of a server and its vote. It has forms of 28, 40, and 44 or more bytes.
 */
import { MalformedFrameError } from '../malformed-frame-error.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { zxidEpoch } from '../zxid.ts'

/** States of a server, by their numbers on the wire. */
export const serverStates = ['looking', 'following', 'leading', 'observing'] as const
export type ServerState = (typeof serverStates)[number]

/** The leader, zxid and epoch that a server without a vote proposes: Java's Long.MIN_VALUE, exact as a number. */
export const noVote = -(2 ** 63)

/** Largest message of an election link, in bytes. */
export const notificationBytesMax = 512 * 1024

export interface Notification {
  /** What the sender is doing: it looks for a leader, follows, leads, or observes. */
  readonly state: ServerState
  /** sid of the server that the sender votes for or follows, or `noVote`. */
  readonly leader: number
  /** Last zxid of that server when the vote was cast. */
  readonly zxid: bigint
  /** The number of the sender's election; each server counts its own. */
  readonly round: number
  /** Current epoch of the proposed leader. */
  readonly peerEpoch: number
  /** 2 with a configuration, from 3.5 on; 0 and 1 without one. */
  readonly version: number
  /** Text of the configuration, `server.1=…` lines; empty where there is none. */
  readonly config: Uint8Array
}

/** Writes the form of version 2, which servers from 3.5 on use. */
export function writeNotification(writer: Writer, notification: Notification): void {
  writer.int(serverStates.indexOf(notification.state))
  writer.long(BigInt(notification.leader))
  writer.long(notification.zxid)
  writer.long(BigInt(notification.round))
  writer.long(BigInt(notification.peerEpoch))
  writer.int(2)
  writer.buffer(notification.config)
}

const empty = new Uint8Array(0)

/** @throws MalformedFrameError: drop the message then; the link is still good. */
export function readNotification(reader: Reader): Notification {
  const at = reader.pos
  const size = reader.remaining
  const number = reader.int()
  const state = serverStates[number]
  if (state === undefined) throw new MalformedFrameError(`unknown state ${number}`, at)
  const leader = voteNumber(reader)
  const zxid = reader.long()
  const round = voteNumber(reader)
  if (size === 28) return { state, leader, zxid, round, peerEpoch: zxidEpoch(zxid), version: 0, config: empty }
  const peerEpoch = voteNumber(reader)
  if (size === 40) return { state, leader, zxid, round, peerEpoch, version: 0, config: empty }
  const version = reader.int()
  if (version < 2) return { state, leader, zxid, round, peerEpoch, version, config: empty }
  const config = reader.bufferCopy()
  if (config === null) throw new MalformedFrameError('Unreasonable length = -1', reader.pos - 4)
  return { state, leader, zxid, round, peerEpoch, version, config }
}

function voteNumber(reader: Reader): number {
  const at = reader.pos
  const number = Number(reader.long())
  if (!Number.isSafeInteger(number) && number !== noVote) throw new MalformedFrameError(`${number} is out of range`, at)
  return number
}
