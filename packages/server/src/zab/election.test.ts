/** What the model does not show by chance: votes of other kinds of servers. */
import type { Notification } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import { Election } from './election.ts'
import { defaultTimes } from './inputs.ts'
import type { PeerOutput } from './outputs.ts'
import { emptyVote } from './vote.ts'

class Sent {
  readonly notifications: [number, Notification][] = []
  readonly out = {
    notify: (sid: number, notification: Notification) => void this.notifications.push([sid, notification]),
  } as unknown as PeerOutput
}

const config = new Uint8Array(0)
const heard = (state: Notification['state'], leader: number, more: Partial<Notification> = {}): Notification => ({
  state,
  leader,
  zxid: 0n,
  round: 1,
  peerEpoch: 1,
  version: 2,
  config,
  ...more,
})
const whole = { zxid: 0x1_0000_0005n, peerEpoch: 1, state: 'whole' } as const

function looking(sid: number, voters: number[], candidate: Parameters<Election['look']>[1], observers: number[] = []) {
  const sent = new Sent()
  const election = new Election(sid, equalMembers(voters, observers), defaultTimes)
  const verdict = election.look(0, candidate, sent.out)
  return { election, sent, verdict, hear: (from: number, what: Notification) => election.hear(1, from, what, sent.out) }
}

describe('a newcomer joins a running ensemble', () => {
  test('whose votes differ in round and zxid (ZOOKEEPER-1732, 1805, 1818, 3537)', () => {
    const { hear, election } = looking(1, [1, 2, 3], whole)
    expect(hear(2, heard('following', 3, { round: 7, zxid: 0x1_0000_0002n }))).toBe(undefined)
    expect(hear(3, heard('leading', 3, { round: 4, zxid: -1n }))).toBe(3)
    expect(election.round).toBe(4)
  })

  test('but not a leader without followers, nor one that does not say that it leads', () => {
    const { hear } = looking(1, [1, 2, 3, 4, 5], whole)
    expect(hear(3, heard('leading', 3))).toBe(undefined)
    const other = looking(1, [1, 2, 3], whole)
    other.hear(2, heard('following', 3))
    expect(other.hear(3, heard('following', 3))).toBe(undefined)
  })

  test('whose own vote completes the quorum of a leader of the same round', () => {
    const { hear, election } = looking(1, [1, 2, 3, 4, 5], whole)
    const vote = { round: election.round, zxid: 0x1_0000_0009n }
    expect(hear(2, heard('looking', 3, vote))).toBe(undefined)
    expect(hear(4, heard('following', 3, vote))).toBe(undefined)
    expect(hear(3, heard('leading', 3, vote))).toBe(3)
    const other = looking(1, [1, 2, 3, 4, 5], whole)
    other.hear(4, heard('following', 3, { ...vote, round: 7 }))
    expect(other.hear(3, heard('leading', 3, { ...vote, round: 7 }))).toBe(undefined)
  })

  test('and forgets that a server followed when it looks again', () => {
    const { hear } = looking(1, [1, 2, 3], whole)
    hear(2, heard('following', 3, { round: 7 }))
    hear(2, heard('looking', 2, { round: 1 }))
    expect(hear(3, heard('leading', 3, { round: 7 }))).toBe(undefined)
  })
})

describe('a server that lost something', () => {
  test('has no vote, ignores votes, and joins a leader that others follow', () => {
    const { hear, sent } = looking(1, [1, 2, 3], { ...whole, state: 'abstains' })
    expect(sent.notifications.map(([, { zxid }]) => zxid)).toEqual([-1n, -1n])
    expect(hear(2, heard('looking', 1, { round: 1 }))).toBe(undefined)
    expect(hear(3, heard('looking', 1, { round: 1 }))).toBe(undefined)
    hear(2, heard('following', 3))
    expect(hear(3, heard('leading', 3))).toBe(3)
  })

  test('is not counted by others', () => {
    const { hear } = looking(2, [1, 2, 3], whole)
    expect(hear(1, heard('looking', 1, { zxid: -1n, peerEpoch: 9 }))).toBe(undefined)
  })
})

describe('a server without a history, which may have lost one', () => {
  const fresh = { zxid: 0n, peerEpoch: 0, state: 'fresh' } as const

  test('votes when all have answered and none has one', () => {
    const { hear, election, sent } = looking(1, [1, 2, 3], fresh)
    hear(2, heard('looking', 2, { zxid: -1n, peerEpoch: 0 }))
    expect(election.takesPart).toBe(false)
    hear(3, heard('looking', 3, { zxid: 0n, peerEpoch: 0 }))
    expect(election.takesPart).toBe(true)
    expect(sent.notifications.at(-1)?.[1].zxid).toBe(0n)
  })

  test('does not vote while another has one, however long it waits', () => {
    const { hear, election, sent } = looking(1, [1, 2, 3], fresh)
    hear(2, heard('looking', 2, { zxid: 0x1_0000_0001n, peerEpoch: 1 }))
    hear(3, heard('looking', 3, { zxid: 0n, peerEpoch: 0 }))
    election.timePassed(1_000_000, sent.out)
    expect(election.takesPart).toBe(false)
    expect(election.wakeAt).toBeGreaterThan(1_000_000)
  })

  test('votes when the one that had a history comes back without it', () => {
    const { hear, election, sent } = looking(1, [1, 2, 3], fresh)
    hear(2, heard('looking', 2, { zxid: 0x1_0000_0001n, peerEpoch: 1 }))
    const patience = defaultTimes.initLimit * defaultTimes.tickMs
    election.timePassed(patience, sent.out)
    hear(2, heard('looking', 2, { zxid: -1n, peerEpoch: 0 }))
    expect(election.takesPart).toBe(false)
    election.timePassed(2 * patience, sent.out)
    expect(election.takesPart).toBe(true)
  })

  test('votes after initLimit when no server has reported one, and at once when it is alone', () => {
    const { election, sent } = looking(1, [1, 2, 3], fresh)
    election.timePassed(defaultTimes.initLimit * defaultTimes.tickMs, sent.out)
    expect(election.takesPart).toBe(true)
    expect(looking(1, [1], fresh).verdict).toBe(1)
  })
})

test('an observer asks and learns the leader from those who have one', () => {
  const { hear, sent } = looking(4, [1, 2, 3], { ...whole, state: 'whole' }, [4])
  expect(sent.notifications[0]?.[1]).toMatchObject(emptyVote)
  expect(hear(1, heard('looking', 3))).toBe(undefined)
  expect(hear(2, heard('looking', 3))).toBe(undefined)
  hear(1, heard('following', 3))
  expect(hear(3, heard('leading', 3))).toBe(3)
})

test('a server without a vote is answered at once, in every state', () => {
  const { hear, sent } = looking(1, [1, 2, 3], whole)
  sent.notifications.length = 0
  hear(9, heard('looking', emptyVote.leader, { ...emptyVote }))
  expect(sent.notifications).toEqual([[9, expect.objectContaining({ state: 'looking', leader: 1 })]])
})

test('with a quorum, but not all, it waits a little for a better vote', () => {
  const { hear, election, sent } = looking(2, [1, 2, 3], whole)
  expect(hear(1, heard('looking', 2, { zxid: whole.zxid }))).toBe(undefined)
  expect(election.timePassed(defaultTimes.settleMs - 1, sent.out)).toBe(undefined)
  expect(hear(3, heard('looking', 3, { zxid: whole.zxid + 1n }))).toBe(undefined)
  // The wait begins anew with the better vote.
  expect(election.timePassed(defaultTimes.settleMs, sent.out)).toBe(undefined)
  expect(hear(1, heard('looking', 3, { zxid: whole.zxid + 1n }))).toBe(3)
})
