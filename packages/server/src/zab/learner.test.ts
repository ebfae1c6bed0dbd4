/** What a learner takes for silence. */
import { intBytes, makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { History } from './history.ts'
import { defaultTimes } from './inputs.ts'
import { Learner } from './learner.ts'
import type { PeerOutput } from './outputs.ts'

const initMs = defaultTimes.initLimit * defaultTimes.tickMs
const packet = (type: QuorumPacket['type'], zxid: bigint, data: Uint8Array | null = null): QuorumPacket => ({
  type,
  zxid,
  data,
  authinfo: null,
})
/** Performs nothing. */
const out = new Proxy({}, { get: () => () => {} }) as PeerOutput

/** A learner of epoch 1 that gets an image. */
function receiving(): Learner {
  const history = new History({
    acceptedEpoch: 1,
    currentEpoch: 1,
    base: 0n,
    ranges: [],
    committed: 0n,
    state: 'whole',
  })
  const learner = new Learner(0, 4, 1, true, history, defaultTimes)
  learner.opened(0, 1, out)
  learner.packet(0, packet('LEADERINFO', makeZxid(1, 0), intBytes(0x1_0000)), out)
  learner.packet(0, packet('SNAP', makeZxid(1, 5)), out)
  expect(learner.state).toBe('receiving')
  return learner
}

test('an image that comes in pieces is no silence, however long it takes', () => {
  const learner = receiving()
  for (let now = 0; now < 10 * initMs; now += initMs / 2) {
    learner.timePassed(now)
    learner.imageGrew(now)
  }
  expect(learner.over).toBeUndefined()
})

test('an image that stops coming is', () => {
  const learner = receiving()
  learner.imageGrew(100)
  learner.timePassed(100 + initMs)
  expect(learner.over?.kind).toBe('silent')
})
