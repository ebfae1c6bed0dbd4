/** A member whose log cannot be cut as its leader asks. */
import { intBytes, makeZxid, type Notification, type QuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import type { PeerOutput } from './outputs.ts'
import { Peer } from './peer.ts'

const last = makeZxid(1, 9)
let dials: number[]
let votes: Notification[]
let sent: QuorumPacket[]
let out: PeerOutput
let peer: Peer

const packet = (type: QuorumPacket['type'], zxid: bigint, data: Uint8Array | null = null): void =>
  peer.step(1, { kind: 'packet', link: dials.length, packet: { type, zxid, data, authinfo: null } }, out)

/** Connects to the server that was dialed, which leads epoch 2. */
function meet(): void {
  peer.step(1, { kind: 'linkOpened', link: dials.length, attempt: dials.length }, out)
  packet('LEADERINFO', makeZxid(2, 0), intBytes(0x1_0000))
}

function hear(from: number, state: Notification['state'], leader: number): void {
  const notification = { state, leader, zxid: 0n, round: 1, peerEpoch: 2, version: 2, config: new Uint8Array(0) }
  peer.step(0, { kind: 'notification', from, notification }, out)
}

beforeEach(() => {
  dials = []
  votes = []
  sent = []
  const known: Partial<PeerOutput> = {
    dial: (sid) => void dials.push(sid),
    send: (_link, each) => void sent.push(each),
    notify: (_sid, notification) => void votes.push(notification),
  }
  out = new Proxy(known, { get: (all, name: keyof PeerOutput) => all[name] ?? (() => {}) }) as PeerOutput
  const ranges = [{ from: makeZxid(1, 1), to: last }]
  const epochs = { acceptedEpoch: 2, currentEpoch: 1, base: makeZxid(1, 0) }
  peer = new Peer(
    { sid: 1, membership: equalMembers([1, 2, 3]) },
    { ...epochs, ranges, committed: makeZxid(1, 5), state: 'whole' },
  )
  peer.start(0, out)
  hear(3, 'following', 2)
  hear(2, 'leading', 2)
  meet()
  packet('TRUNC', makeZxid(1, 7))
  votes.length = 0
  peer.step(1, { kind: 'notTruncated' }, out)
})

test('asks the same leader for everything, without an election: that one may need it for its quorum', () => {
  expect([peer.state, dials, votes]).toEqual(['learning', [2, 2], []])
  meet()
  expect(sent.at(-1)).toMatchObject({ type: 'ACKEPOCH', zxid: -1n, data: intBytes(-1) })
  packet('SNAP', makeZxid(1, 7))
  expect(peer.learner?.state).toBe('receiving')
})

test.each(['dialFailed', 'linkClosed'] as const)(
  'votes with all that it has where that does not succeed: %s',
  (how) => {
    if (how === 'dialFailed') peer.step(1, { kind: 'dialFailed', attempt: 2 }, out)
    else {
      meet()
      peer.step(1, { kind: 'linkClosed', link: 2 }, out)
    }
    expect(peer.state).toBe('looking')
    expect(votes.at(-1)).toMatchObject({ state: 'looking', leader: 1, zxid: last, peerEpoch: 1 })
  },
)
