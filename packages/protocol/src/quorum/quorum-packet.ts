/**
 * QuorumPacket, the record that a leader and its learners exchange: `int type, long zxid, buffer data, vector<Id> authinfo`. The
 * stream has no frames: the lengths inside a packet say where it ends.
 */
import { MalformedFrameError } from '../malformed-frame-error.ts'
import { Reader } from '../reader.ts'
import { type Id, readId, writeId } from '../records.gen.ts'
import type { Writer } from '../writer.ts'

/** The numbers on the wire, with the names of Apache's `Leader.java`. */
export const quorumPacketType = {
  REQUEST: 1,
  PROPOSAL: 2,
  ACK: 3,
  COMMIT: 4,
  PING: 5,
  REVALIDATE: 6,
  SYNC: 7,
  INFORM: 8,
  COMMITANDACTIVATE: 9,
  NEWLEADER: 10,
  FOLLOWERINFO: 11,
  UPTODATE: 12,
  DIFF: 13,
  TRUNC: 14,
  SNAP: 15,
  OBSERVERINFO: 16,
  LEADERINFO: 17,
  ACKEPOCH: 18,
  INFORMANDACTIVATE: 19,
} as const

export type QuorumPacketName = keyof typeof quorumPacketType

/** By their numbers. */
const names: readonly (QuorumPacketName | undefined)[] = (() => {
  const byNumber: (QuorumPacketName | undefined)[] = []
  for (const [name, type] of Object.entries(quorumPacketType)) byNumber[type] = name as QuorumPacketName
  return byNumber
})()

export interface QuorumPacket {
  /** What the packet is for. */
  readonly type: QuorumPacketName
  /** The zxid that it is about; its meaning depends on `type`. */
  readonly zxid: bigint
  /** The body; null for none. */
  readonly data: Uint8Array | null
  /** The identities of a client, in a REQUEST. */
  readonly authinfo: readonly Id[] | null
}

/** The protocol version in LEADERINFO and LearnerInfo. Older versions are not supported. */
export const quorumProtocolVersion = 0x1_0000

/** Largest packet by default: a transaction of `jute.maxbuffer`, and as much again for the bytes around its data. */
export const quorumPacketBytesMaxDefault = 0x1f_ffff

export function writeQuorumPacket(writer: Writer, packet: QuorumPacket): void {
  writer.int(quorumPacketType[packet.type])
  writer.long(packet.zxid)
  writer.buffer(packet.data)
  writer.vector(packet.authinfo, writeId)
}

/** The data is a view of what is read. @throws MalformedFrameError for an unknown type, or bytes that are no packet. */
export function readQuorumPacket(reader: Reader): QuorumPacket {
  const at = reader.pos
  const number = reader.int()
  const type = names[number]
  if (type === undefined) throw new MalformedFrameError(`unknown quorum packet type ${number}`, at)
  const zxid = reader.long()
  const data = reader.buffer()
  const authinfo = reader.vector(8, readId)
  return { type, zxid, data, authinfo }
}

const none = new Uint8Array(0)

/**
 * Chunks of a stream → packets. Holds at most one incomplete packet. The data of packets are views of the chunks: a chunk with thousands
 * of packets is not copied in pieces.
 */
export class QuorumPacketStream {
  readonly #bytesMax: () => number
  readonly #reader = new Reader(none)
  #bytes: Uint8Array = none
  #pos = 0
  /** The memory of `#bytes`, where an incomplete packet grows in it. */
  #room: Uint8Array = none
  /** From `#pos` on, fewer bytes than this certainly hold no whole packet. */
  #need = 16

  /** `bytesMax`: largest packet, in bytes, a function where it may change; a packet that announces more is malformed. */
  constructor(bytesMax: number | (() => number) = quorumPacketBytesMaxDefault) {
    this.#bytesMax = typeof bytesMax === 'number' ? () => bytesMax : bytesMax
  }

  /** Adds a chunk. Its bytes must not change from now on. */
  push(chunk: Uint8Array): void {
    const rest = this.#bytes.length - this.#pos
    if (rest === 0) {
      this.#bytes = chunk
      this.#room = none
      this.#pos = 0
      return
    }
    const used = this.#bytes.length
    if (used + chunk.length <= this.#room.length) {
      // Behind everything that was passed on.
      this.#room.set(chunk, used)
      this.#bytes = this.#room.subarray(0, used + chunk.length)
      return
    }
    // A large packet may come in very many small chunks. Its length is a claim: at most twice what came is set aside for it.
    const length = rest + chunk.length
    this.#room = new Uint8Array(Math.max(length, Math.min(this.#need, 2 * length)))
    this.#room.set(this.#bytes.subarray(this.#pos))
    this.#room.set(chunk, rest)
    this.#bytes = this.#room.subarray(0, length)
    this.#pos = 0
  }

  /** The next whole packet, or undefined. @throws MalformedFrameError as `readQuorumPacket`; the stream is useless then. */
  next(): QuorumPacket | undefined {
    const available = this.#bytes.length - this.#pos
    if (available < this.#need) return undefined
    this.#need = this.#extent(available)
    if (available < this.#need) return undefined
    const reader = this.#reader.reset(this.#bytes, this.#pos, this.#pos + this.#need)
    const packet = readQuorumPacket(reader)
    this.#pos = reader.end
    this.#need = 16
    return packet
  }

  /** Removes and returns what `next` has not used: the bytes after SNAP are an image, not packets. */
  takeRest(): Uint8Array {
    const rest = this.#bytes.slice(this.#pos)
    this.#bytes = none
    this.#room = none
    this.#pos = 0
    return rest
  }

  /** The length of the packet at `#pos`, or its least possible length where its end has not arrived. */
  #extent(available: number): number {
    const reader = this.#reader.reset(this.#bytes, this.#pos, this.#bytes.length)
    let need = 16 + this.#length(reader.peekInt(12), 16) + 4
    if (need > available) return this.#checked(need)
    const count = reader.peekInt(need - 4)
    for (let i = 0; i < count * 2; i++) {
      need += 4
      if (this.#checked(need) > available) return need
      need += this.#length(reader.peekInt(need - 4), need)
      if (this.#checked(need) > available) return need
    }
    return need
  }

  #length(length: number, at: number): number {
    if (length < -1 || length > this.#bytesMax()) throw new MalformedFrameError(`Unreasonable length = ${length}`, at)
    return Math.max(0, length)
  }

  #checked(need: number): number {
    if (need > this.#bytesMax())
      throw new MalformedFrameError(`quorum packet of ${need} bytes or more, the limit is ${this.#bytesMax()},`, 0)
    return need
  }
}
