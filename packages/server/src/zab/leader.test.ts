/** What a leader takes for the silence of a follower, and which epoch it takes from one. */
import { intBytes, learnerInfoBytes, makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import { History } from './history.ts'
import { defaultTimes } from './inputs.ts'
import { Leader } from './leader.ts'
import type { PeerOutput } from './outputs.ts'

const { tickMs, syncLimit } = defaultTimes
const newLeader = makeZxid(1, 0)
/** Performs nothing. */
const out = new Proxy({}, { get: () => () => {} }) as PeerOutput

let leader: Leader
let history: History

const receive = (now: number, link: number, type: QuorumPacket['type'], zxid: bigint, data: Uint8Array | null): void =>
  leader.packet(now, link, { type, zxid, data, authinfo: null }, out)

/** The disk has saved what the leader wants. */
function saved(): void {
  history.report({ kind: 'epochsSaved' }, out)
  leader.advance(0, out)
}

const halfTicks = (from: number, to: number): void => {
  for (let now = from; now < to; now += tickMs / 2) leader.timePassed(now, out)
}

/** Leader 1 of five; followers 2 and 3 get its history. */
beforeEach(() => {
  history = new History({ acceptedEpoch: 0, currentEpoch: 0, base: 0n, ranges: [], committed: 0n, state: 'whole' })
  leader = new Leader(0, 1, equalMembers([1, 2, 3, 4, 5]), history, defaultTimes, false)
  leader.begin(0, out)
  for (const sid of [2, 3]) {
    leader.accepted(0, sid)
    receive(0, sid, 'FOLLOWERINFO', 0n, learnerInfoBytes(sid, 0n))
  }
  saved()
  for (const link of [2, 3]) receive(0, link, 'ACKEPOCH', 0n, intBytes(0))
  saved()
})

test('one that has acknowledged the epoch may say nothing until the term begins, as those of Apache do', () => {
  receive(0, 2, 'ACK', newLeader, null)
  const ready = (syncLimit + 2) * tickMs
  halfTicks(0, ready)
  expect(leader.learners.get(2)?.state).toBe('acknowledged')
  receive(ready, 3, 'ACK', newLeader, null)
  leader.advance(ready, out)
  expect([leader.isServing, leader.learners.get(2)?.state]).toEqual([true, 'up'])
})

test('one that says nothing in the term is closed after syncLimit', () => {
  for (const link of [2, 3]) receive(0, link, 'ACK', newLeader, null)
  leader.advance(0, out)
  expect(leader.isServing).toBe(true)
  halfTicks(0, syncLimit * tickMs)
  expect(leader.learners.size).toBe(2)
  leader.timePassed(syncLimit * tickMs, out)
  expect(leader.learners.size).toBe(0)
})

/** A leader of three, and server 3 that has accepted this epoch. */
function meet(accepted: number): [epoch: number, learners: number] {
  history = new History({ acceptedEpoch: 0, currentEpoch: 0, base: 0n, ranges: [], committed: 0n, state: 'whole' })
  leader = new Leader(0, 1, equalMembers([1, 2, 3]), history, defaultTimes, false)
  leader.begin(0, out)
  leader.accepted(0, 3)
  receive(0, 3, 'FOLLOWERINFO', makeZxid(accepted, 0), learnerInfoBytes(3, 0n))
  return [leader.epoch, leader.learners.size]
}

test('its epoch is behind that of every server that comes', () => {
  expect(meet(0x7fff_fffe)).toEqual([0x7fff_ffff, 1])
})

test.each([0x7fff_ffff, 0xffff_ffff])(
  'a server that accepted epoch %i, behind which there is none, is refused',
  (last) => {
    expect(meet(last)).toEqual([1, 0])
  },
)
