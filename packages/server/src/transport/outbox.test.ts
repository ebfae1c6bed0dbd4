/** Packets of a turn are encoded once for all learners; each learner gets its own in order, and no bytes that change later. */
import { type QuorumPacket, QuorumPacketStream } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { LearnerLink } from './learner-link.ts'
import { Outbox } from './outbox.ts'

/** A link that keeps what it is given, as it is: a socket that has no room does the same. */
class Kept {
  readonly remote = 'learner:1'
  readonly chunks: Uint8Array[] = []
  queuedBytes = 0
  isFull = false

  write(chunk: Uint8Array): boolean {
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

const packet = (zxid: bigint): QuorumPacket => ({ type: 'PROPOSAL', zxid, data: new Uint8Array(50), authinfo: null })
const limits = { packetBytesMax: 10_000, budgetBytes: 100_000, stallMs: 1_000 }

beforeEach(() => {
  clock = new HandClock()
  const outbox = new Outbox(clock)
  ends = [new Kept(), new Kept(), new Kept()]
  links = ends.map((end) => new LearnerLink(end, clock, limits, outbox, { packet() {}, closed() {} }))
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
