/** Packets of a turn are encoded once for all learners; each learner gets its own in order, and no bytes that change later. */
import { type QuorumPacket, QuorumPacketStream, Writer, writeQuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { LearnerLink } from './learner-link.ts'
import { Outboxes } from './outbox.ts'

/** A link that keeps what it is given, as it is: a socket that has no room does the same. */
class Kept {
  readonly remote = 'learner:1'
  readonly chunks: Uint8Array[] = []
  /** The same bytes as they were given. */
  readonly given: Uint8Array[] = []
  queuedBytes = 0
  isFull = false

  write(chunk: Uint8Array): boolean {
    this.given.push(chunk)
    written.push(this)
    if (this.isFull) {
      this.queuedBytes += chunk.length
      this.chunks.push(chunk)
    } else this.chunks.push(chunk.slice())
    return !this.isFull
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}

  get zxids(): bigint[] {
    const stream = new QuorumPacketStream(10_000)
    const zxids: bigint[] = []
    for (const chunk of this.chunks) {
      stream.push(chunk)
      for (let next = stream.next(); next !== undefined; next = stream.next()) zxids.push(next.zxid)
    }
    return zxids
  }
}

let clock: HandClock
let ends: Kept[]
let links: LearnerLink[]
/** The ends, in the order in which they were written to. */
let written: Kept[]

const bytesOf = (packet: QuorumPacket): Uint8Array => {
  const writer = new Writer(100)
  writeQuorumPacket(writer, packet)
  return writer.written().slice()
}
const packet = (zxid: bigint): QuorumPacket => ({ type: 'PROPOSAL', zxid, data: new Uint8Array(50), authinfo: null })
const limits = { packetBytesMax: 10_000, budgetBytes: 100_000, stallMs: 1_000 }

beforeEach(() => {
  clock = new HandClock()
  written = []
  const outboxes = new Outboxes(clock)
  ends = [new Kept(), new Kept(), new Kept()]
  links = ends.map((end) => new LearnerLink(end, clock, limits, outboxes, { packet() {}, closed() {} }))
})

function send(each: QuorumPacket, ...to: number[]): void {
  for (const i of to) links[i]?.send(each)
}

test('what all get is one write to each, of the same bytes', () => {
  for (const zxid of [1n, 2n, 3n]) send(packet(zxid), 0, 1)
  clock.endTurn()
  expect(ends.map(({ chunks }) => chunks.length)).toEqual([1, 1, 0])
  expect(ends.map(({ zxids }) => zxids)).toEqual([[1n, 2n, 3n], [1n, 2n, 3n], []])
})

test('what only one gets stands in its place', () => {
  send(packet(1n), 0, 1, 2)
  send(packet(2n), 1)
  send(packet(3n), 0, 1, 2)
  send(packet(4n), 2)
  send(packet(5n), 2)
  send(packet(6n), 0, 2)
  clock.endTurn()
  send(packet(7n), 2)
  send(packet(8n), 0, 1, 2)
  clock.endTurn()
  expect(ends.map(({ zxids }) => zxids)).toEqual([
    [1n, 3n, 6n, 8n],
    [1n, 2n, 3n, 8n],
    [1n, 3n, 4n, 5n, 6n, 7n, 8n],
  ])
  expect(ends.map(({ chunks }) => chunks.length)).toEqual([2, 2, 2])
})

test('the same packet may go to one link twice', () => {
  const twice = packet(1n)
  send(twice, 0, 0, 1)
  clock.endTurn()
  expect(ends.map(({ zxids }) => zxids)).toEqual([[1n, 1n], [1n], []])
})

test('bytes that a link has not taken stay as they are, also where it was closed meanwhile', () => {
  const [full, , closing] = ends as [Kept, Kept, Kept]
  full.isFull = true
  closing.isFull = true
  send(packet(1n), 0, 1, 2)
  links[2]?.close()
  clock.endTurn()
  send(packet(2n), 0, 1)
  clock.endTurn()
  expect(ends.map(({ zxids }) => zxids)).toEqual([[1n, 2n], [1n, 2n], [1n]])
})

test('followers are sent the same memory, though an observer gets other packets in between', () => {
  const outboxes = new Outboxes(clock)
  const [follower, other, observer] = ends as [Kept, Kept, Kept]
  const kinds = ['FOLLOWERINFO', 'FOLLOWERINFO', 'OBSERVERINFO'] as const
  links = ends.map((end, i) => {
    const link = new LearnerLink(end, clock, limits, outboxes, { packet() {}, closed() {} })
    link.events.data(bytesOf({ type: kinds[i] as (typeof kinds)[number], zxid: 0n, data: null, authinfo: null }))
    return link
  })
  for (const zxid of [1n, 2n, 3n]) {
    const commit = packet(zxid)
    send(commit, 0)
    send(packet(zxid + 10n), 2)
    send(commit, 1)
  }
  clock.endTurn()
  expect(ends.map(({ zxids }) => zxids)).toEqual([
    [1n, 2n, 3n],
    [1n, 2n, 3n],
    [11n, 12n, 13n],
  ])
  expect(follower.given.map(({ buffer }) => buffer)).toEqual(other.given.map(({ buffer }) => buffer))
  expect(follower.given[0]?.buffer).toBe(other.given[0]?.buffer)
  expect(observer.given[0]?.buffer).not.toBe(other.given[0]?.buffer)
})

test('who asked is written to behind the others in that turn, and before them in the next ones', () => {
  for (const link of links) link.events.data(bytesOf({ type: 'FOLLOWERINFO', zxid: 0n, data: null, authinfo: null }))
  links[1]?.events.data(bytesOf({ type: 'REQUEST', zxid: -1n, data: null, authinfo: null }))
  for (const zxid of [1n, 2n, 3n]) {
    send(packet(zxid), 0, 1, 2)
    clock.endTurn()
  }
  const [a, b, c] = ends
  expect(written).toEqual([a, c, b, b, a, c, b, a, c])
  send(packet(4n), 0, 2)
  clock.endTurn()
  expect(written.slice(9)).toEqual([a, c])
})
