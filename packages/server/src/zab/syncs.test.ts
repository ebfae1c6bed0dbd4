/** A leader answers a sync only when a quorum has shown, after the sync came, that it still follows. */
import type { QuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import type { PeerOutput } from './outputs.ts'
import { Progress } from './progress.ts'
import { quorumOf } from './quorum.ts'
import { Syncs } from './syncs.ts'

let sent: string[]
let learners: Map<number, Progress>
let syncs: Syncs
let out: PeerOutput

const learner = (link: number): Progress => learners.get(link) as Progress
const pings = (): string[] => sent.filter((line) => line.includes('PING'))
const answers = (): string[] => sent.filter((line) => !line.includes('PING'))

/** A leader 1 with followers 2 and 3 on links of the same numbers, and an observer 4. */
beforeEach(() => {
  sent = []
  learners = new Map()
  for (const sid of [2, 3, 4]) {
    const progress = new Progress(sid, 0)
    progress.sid = sid
    progress.isVoter = sid < 4
    progress.isObserver = sid === 4
    progress.enter('up', 0)
    learners.set(sid, progress)
  }
  syncs = new Syncs(1, quorumOf(equalMembers([1, 2, 3], [4])), learners)
  out = {
    send: (link: number, { type, zxid }: QuorumPacket) => void sent.push(`${type} ${zxid} to ${link}`),
    synced: () => void sent.push('own'),
  } as unknown as PeerOutput
})

test('waits for a round of PINGs that a quorum answers, itself counted', () => {
  syncs.ask(4, 10n, 10n, out)
  expect(sent).toEqual(['PING -1 to 2', 'PING -1 to 3'])
  syncs.pinged(learner(3), -1n, out)
  expect(answers()).toEqual(['SYNC 0 to 4'])
})

test('a round that was under way when it came says nothing about it', () => {
  syncs.ask(2, 10n, 10n, out)
  syncs.ask(undefined, 10n, 10n, out)
  expect(pings()).toEqual(['PING -1 to 2', 'PING -1 to 3'])
  syncs.pinged(learner(2), -1n, out)
  expect(answers()).toEqual(['SYNC 0 to 2'])
  expect(pings().slice(2)).toEqual(['PING -2 to 2', 'PING -2 to 3'])
  syncs.pinged(learner(3), -1n, out)
  expect(answers()).toHaveLength(1)
  syncs.pinged(learner(2), -2n, out)
  expect(answers()).toEqual(['SYNC 0 to 2', 'own'])
})

test('waits for the commit of what was proposed before it', () => {
  syncs.ask(undefined, 11n, 10n, out)
  syncs.pinged(learner(2), -1n, out)
  expect(answers()).toEqual([])
  syncs.beforeCommit(11n, out)
  syncs.afterCommit(11n, out)
  expect(answers()).toEqual(['own'])
})

test('goes before the commit of what was proposed after it, which a quorum has acknowledged', () => {
  syncs.ask(2, 10n, 10n, out)
  syncs.beforeCommit(11n, out)
  expect(answers()).toEqual(['SYNC 0 to 2'])
})

test('a usual PING, whose zxid is a proposal, confirms nothing', () => {
  syncs.ask(2, 10n, 10n, out)
  syncs.pinged(learner(2), 10n, out)
  expect(answers()).toEqual([])
})

test('an observer confirms nothing', () => {
  syncs.ask(4, 10n, 10n, out)
  syncs.pinged(learner(4), -1n, out)
  expect(answers()).toEqual([])
})

test('asks again where the answers were lost with a learner, and takes both rounds for the first sync', () => {
  syncs.ask(2, 10n, 10n, out)
  learners.delete(3)
  syncs.halfTick(out)
  expect(pings().at(-1)).toBe('PING -2 to 2')
  syncs.pinged(learner(2), -2n, out)
  expect(answers()).toEqual(['SYNC 0 to 2'])
})

test('an ensemble of one answers at once', () => {
  learners.clear()
  const alone = new Syncs(1, quorumOf(equalMembers([1])), learners)
  alone.ask(undefined, 10n, 10n, out)
  alone.ask(undefined, 11n, 10n, out)
  expect(sent).toEqual(['own'])
  alone.afterCommit(11n, out)
  expect(sent).toEqual(['own', 'own'])
})

test('nothing is sent to a learner that is not there any more', () => {
  syncs.ask(3, 10n, 10n, out)
  learners.delete(3)
  syncs.pinged(learner(2), -1n, out)
  expect(answers()).toEqual([])
})
