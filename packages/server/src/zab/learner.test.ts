/** What a learner takes for silence, and what it does where its log cannot become that of its leader. */
import { intBytes, makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { History } from './history.ts'
import { type DiskInput, defaultTimes } from './inputs.ts'
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

const empty = { acceptedEpoch: 0, currentEpoch: 0, base: 0n, ranges: [], committed: 0n } as const

/** A learner of epoch 1 that gets an image. */
function receiving(): Learner {
  const history = new History({ ...empty, acceptedEpoch: 1, currentEpoch: 1, state: 'whole' })
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

test('a server that lost something saves no epoch before its history is whole: an empty directory must stay one', () => {
  const asked: string[] = []
  const out = new Proxy({}, { get: (_, name: string) => () => void asked.push(name) }) as PeerOutput
  const history = new History({ ...empty, state: 'fresh' })
  const learner = new Learner(0, 1, 2, false, history, defaultTimes)
  learner.opened(0, 1, out)
  learner.packet(0, packet('LEADERINFO', makeZxid(3, 0), intBytes(0x1_0000)), out)
  learner.packet(0, packet('SNAP', makeZxid(2, 5)), out)
  const step = (input: DiskInput): void => {
    history.report(input, out)
    if (input.kind === 'imageReceived') learner.imageReceived(0)
    learner.advance(0, out)
  }
  step({ kind: 'imageReceived', link: 1, zxid: makeZxid(2, 5) })
  learner.packet(0, packet('NEWLEADER', makeZxid(3, 0)), out)
  expect(asked).not.toContain('saveEpochs')
  step({ kind: 'installed' })
  expect(asked).toContain('saveEpochs')
  step({ kind: 'epochsSaved' })
  expect([learner.state, history.acceptedEpoch, history.currentEpoch]).toEqual(['waiting', 3, 3])
})

test.each([
  ['nothing', null],
  ['half a number', new Uint8Array(2)],
])('a leader that says %s of its protocol is left', (_, data) => {
  const history = new History({ ...empty, state: 'whole' })
  const learner = new Learner(0, 4, 1, false, history, defaultTimes)
  learner.opened(0, 1, out)
  learner.packet(0, packet('LEADERINFO', makeZxid(1, 0), data), out)
  expect(learner.over).toEqual({ kind: 'illegal', text: 'LEADERINFO without a protocol version' })
})

describe.each([
  ['follower', false],
  ['observer', true],
])('a %s', (_, isObserver) => {
  /** Has the image at 1.5. */
  function imaged(): { learner: Learner; history: History } {
    const history = new History({ ...empty, state: 'whole' })
    const learner = new Learner(0, 4, 1, isObserver, history, defaultTimes)
    learner.opened(0, 1, out)
    learner.packet(0, packet('LEADERINFO', makeZxid(1, 0), intBytes(0x1_0000)), out)
    history.report({ kind: 'epochsSaved' }, out)
    learner.advance(0, out)
    learner.packet(0, packet('SNAP', makeZxid(1, 5)), out)
    history.report({ kind: 'imageReceived', link: 1, zxid: makeZxid(1, 5) }, out)
    learner.imageReceived(0)
    return { learner, history }
  }
  const pair = (learner: Learner, counter: number): void => {
    learner.packet(0, packet('PROPOSAL', makeZxid(1, counter), new Uint8Array(1)), out)
    learner.packet(0, packet('COMMIT', makeZxid(1, counter)), out)
  }

  test('drops what the image has: Apache reads its zxid after it has begun to pass on transactions', () => {
    const { learner, history } = imaged()
    for (const counter of [4, 5, 6]) pair(learner, counter)
    if (isObserver) learner.packet(0, packet('INFORM', makeZxid(1, 5), new Uint8Array(1)), out)
    learner.packet(0, packet('NEWLEADER', makeZxid(1, 0)), out)
    expect([learner.over, learner.state, history.log.last]).toEqual([undefined, 'acknowledging', makeZxid(1, 6)])
  })

  test('takes no gap behind the image', () => {
    const { learner } = imaged()
    pair(learner, 7)
    expect(learner.over?.kind).toBe('illegal')
  })
})

describe('a log that cannot go back', () => {
  const ranges = [{ from: makeZxid(1, 1), to: makeZxid(1, 9) }]
  const sent: QuorumPacket[] = []
  const asked: string[] = []
  const recording = new Proxy(
    {},
    {
      get:
        (_, name: string) =>
        (...args: unknown[]) => {
          asked.push(name)
          if (name === 'send') sent.push(args[1] as QuorumPacket)
        },
    },
  ) as PeerOutput

  /** A follower that has 1.1 to 1.9 and a snapshot at 1.5, and meets a leader of epoch 2. */
  function follower(): { history: History; meet: () => Learner } {
    sent.length = asked.length = 0
    const base = makeZxid(1, 0)
    const history = new History({
      acceptedEpoch: 2,
      currentEpoch: 1,
      base,
      ranges,
      committed: makeZxid(1, 5),
      state: 'whole',
    })
    const meet = (): Learner => {
      const learner = new Learner(0, 1, 2, false, history, defaultTimes)
      learner.opened(0, 1, recording)
      learner.packet(0, packet('LEADERINFO', makeZxid(2, 0), intBytes(0x1_0000)), recording)
      return learner
    }
    return { history, meet }
  }

  test('is cut where it has what the leader names', () => {
    const { history, meet } = follower()
    const learner = meet()
    learner.packet(0, packet('TRUNC', makeZxid(1, 7)), recording)
    expect(asked).toContain('truncate')
    expect([learner.state, history.held.last]).toEqual(['catchingUp', makeZxid(1, 7)])
  })

  test.each([
    ['what is not in it', makeZxid(1, 12)],
    ['what only a snapshot says is committed', makeZxid(1, 3)],
  ])('to %s is replaced by everything', (_, zxid) => {
    const { history, meet } = follower()
    const learner = meet()
    learner.packet(0, packet('TRUNC', zxid), recording)
    expect(learner.over?.kind).toBe('behind')
    expect(asked).not.toContain('truncate')
    expect([history.isIncomplete, history.isUncuttable]).toEqual([false, true])
    const next = meet()
    expect(sent.at(-1)).toMatchObject({ type: 'ACKEPOCH', zxid: -1n })
    next.packet(0, packet('DIFF', makeZxid(1, 9)), recording)
    expect(next.over?.kind).toBe('illegal')
    const last = meet()
    last.packet(0, packet('SNAP', makeZxid(1, 4)), recording)
    expect(last.state).toBe('receiving')
    history.report({ kind: 'imageReceived', link: 1, zxid: makeZxid(1, 4) }, recording)
    last.imageReceived(0)
    last.packet(0, packet('NEWLEADER', makeZxid(2, 0)), recording)
    history.report({ kind: 'installed' }, recording)
    last.advance(0, recording)
    history.report({ kind: 'epochsSaved' }, recording)
    last.advance(0, recording)
    expect(sent.at(-1)).toMatchObject({ type: 'ACK', zxid: makeZxid(2, 0) })
    expect([history.isUncuttable, history.held.last, history.committed]).toEqual([
      false,
      makeZxid(1, 4),
      makeZxid(1, 4),
    ])
  })

  test('behind what this process saw committed is not cut: the leader is wrong', () => {
    const { history, meet } = follower()
    history.commit(makeZxid(1, 8), recording)
    const learner = meet()
    learner.packet(0, packet('TRUNC', makeZxid(1, 7)), recording)
    expect(learner.over).toMatchObject({ kind: 'illegal', text: expect.stringContaining('is committed') })
    expect(history.isUncuttable).toBe(false)
  })

  test('is replaced where the disk cannot cut it', () => {
    const { history, meet } = follower()
    const learner = meet()
    learner.packet(0, packet('TRUNC', makeZxid(1, 7)), recording)
    learner.packet(0, packet('PROPOSAL', makeZxid(2, 1), new Uint8Array(1)), recording)
    expect(history.isQuiet).toBe(false)
    history.report({ kind: 'notTruncated' }, recording)
    learner.notTruncated()
    expect(learner.over?.kind).toBe('behind')
    expect([history.isUncuttable, history.isQuiet, history.held.last]).toEqual([true, true, makeZxid(1, 9)])
  })
})
