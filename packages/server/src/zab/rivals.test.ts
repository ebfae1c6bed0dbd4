/** Anybody may say that he is a certain learner: the one that is there stays as long as it lives, and a restarted one gets its place. */
import { intBytes, learnerInfoBytes, makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import { History } from './history.ts'
import { defaultTimes } from './inputs.ts'
import { Leader } from './leader.ts'
import type { CloseReason, PeerOutput } from './outputs.ts'

const { tickMs } = defaultTimes
const packet = (type: QuorumPacket['type'], zxid = 0n, data: Uint8Array | null = null): QuorumPacket => ({
  type,
  zxid,
  data,
  authinfo: null,
})

let done: string[]
/** The zxid of the last PING. */
let pinged: bigint
let leader: Leader
let history: History
const out = new Proxy(
  {
    send(link: number, { type, zxid }: QuorumPacket) {
      done.push(`${type} to ${link}`)
      if (type === 'PING') pinged = zxid
    },
    close: (link: number, { kind }: CloseReason) => void done.push(`close ${link}: ${kind}`),
  },
  { get: (target, name) => target[name as 'send'] ?? (() => {}) },
) as unknown as PeerOutput

/** A connection says that it is server `sid`. */
function claim(now: number, link: number, sid = 2, acceptedEpoch = 0): void {
  leader.accepted(now, link)
  leader.packet(now, link, packet('FOLLOWERINFO', makeZxid(acceptedEpoch, 0), learnerInfoBytes(sid, 0n)), out)
}

/** The disk has saved what the leader wants. */
function saved(now: number): void {
  history.report({ kind: 'epochsSaved' }, out)
  leader.advance(now, out)
}

/** Leader 1 of epoch 1, and follower 2 on link 20, which is up. */
beforeEach(() => {
  done = []
  history = new History({ acceptedEpoch: 0, currentEpoch: 0, base: 0n, ranges: [], committed: 0n, state: 'whole' })
  leader = new Leader(0, 1, equalMembers([1, 2, 3], [4]), history, defaultTimes, false)
  leader.begin(0, out)
  claim(0, 20)
  saved(0)
  leader.packet(0, 20, packet('ACKEPOCH', 0n, intBytes(0)), out)
  saved(0)
  leader.packet(0, 20, packet('ACK', makeZxid(1, 0)), out)
  leader.advance(0, out)
  expect(leader.learners.get(20)?.state).toBe('up')
  done.length = 0
})

const halfTicks = (from: number, to: number): void => {
  for (let now = from; now <= to; now += tickMs / 2) leader.timePassed(now, out)
}

test('a follower that answers stays, and the newcomer is closed', () => {
  claim(100, 21)
  expect(done).toEqual(['PING to 20'])
  leader.packet(101, 20, packet('PING', pinged), out)
  expect(done.slice(1)).toEqual(['close 21: rival'])
  expect([...leader.learners.keys()]).toEqual([20])
  expect(leader.over).toBeUndefined()
})

test('an answer to an earlier PING is none', () => {
  leader.timePassed(tickMs / 2, out)
  const before = pinged
  claim(tickMs / 2, 21)
  leader.packet(tickMs / 2, 20, packet('PING', before), out)
  leader.closed(tickMs / 2 + 1, 20, out)
  expect(done).toContain('LEADERINFO to 21')
})

test('a follower that does not answer within a tick gives its place', () => {
  claim(100, 21)
  leader.timePassed(100 + tickMs / 2, out)
  expect(leader.learners.has(20)).toBe(true)
  leader.timePassed(100 + tickMs, out)
  expect(done).toContain('close 20: replaced')
  expect(done.at(-1)).toMatch(/to 21$/)
  expect(done).toContain('LEADERINFO to 21')
  expect(leader.learners.get(21)).toMatchObject({ sid: 2, state: 'offered' })
})

test('a follower whose connection ends gives its place at once', () => {
  claim(100, 21)
  leader.closed(101, 20, out)
  expect(done).toContain('LEADERINFO to 21')
})

test('of many newcomers one waits, and the follower is asked once', () => {
  for (let link = 21; link < 100; link++) claim(100, link)
  expect(leader.learners.size).toBe(2)
  expect(done.filter((line) => line === 'PING to 20')).toHaveLength(1)
})

test('a newcomer that left takes no place', () => {
  claim(100, 21)
  leader.closed(101, 21, out)
  halfTicks(100, 100 + 2 * tickMs)
  expect(leader.learners.has(20)).toBe(true)
})

test('a follower that is on its way is not asked, and stays', () => {
  claim(100, 30, 3)
  claim(101, 31, 3)
  halfTicks(100, 3 * tickMs)
  expect(leader.learners.get(30)?.state).toBe('offered')
  leader.closed(3 * tickMs, 30, out)
  expect(leader.learners.get(31)?.state).toBe('offered')
})

test('a newcomer that says it has accepted a newer epoch ends no term while the follower lives', () => {
  claim(100, 21, 2, 7)
  leader.packet(101, 20, packet('PING', pinged), out)
  expect(leader.over).toBeUndefined()
})
