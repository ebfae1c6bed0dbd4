/**
 * Packets of strangers at a leader that serves: in the name of its follower, of an observer, of nobody; of every type, with data of every kind.
 * None of them throws, ends the term, or ends the link of the follower that lives.
 */
import {
  intBytes,
  learnerInfoBytes,
  makeZxid,
  type QuorumPacket,
  type QuorumPacketName,
  quorumPacketType,
} from '@lightkeeper/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalMembers } from '../../packages/server/src/config/membership.ts'
import { History } from '../../packages/server/src/zab/history.ts'
import { defaultTimes } from '../../packages/server/src/zab/inputs.ts'
import { Leader } from '../../packages/server/src/zab/leader.ts'
import type { PeerOutput } from '../../packages/server/src/zab/outputs.ts'
import { fuzzParameters } from './parameters.ts'

const follower = 20
const { tickMs } = defaultTimes

class Scene {
  readonly #history = new History({
    acceptedEpoch: 0,
    currentEpoch: 0,
    base: 0n,
    ranges: [],
    committed: 0n,
    state: 'whole',
  })
  readonly leader = new Leader(0, 1, equalMembers([1, 2, 3], [4]), this.#history, defaultTimes, false)
  readonly closed = new Set<number>()
  readonly #pings: bigint[] = []
  #now = 0
  readonly #out = new Proxy(
    {
      send: (link: number, { type, zxid }: QuorumPacket) => {
        if (link === follower && type === 'PING') this.#pings.push(zxid)
      },
      close: (link: number) => void this.closed.add(link),
    },
    { get: (target, name) => target[name as 'send'] ?? (() => {}) },
  ) as unknown as PeerOutput

  constructor() {
    this.leader.begin(0, this.#out)
    this.accept(follower)
    this.take(follower, { type: 'FOLLOWERINFO', zxid: 0n, data: learnerInfoBytes(2, 0n), authinfo: null })
    this.#saved()
    this.take(follower, { type: 'ACKEPOCH', zxid: 0n, data: intBytes(0), authinfo: null })
    this.#saved()
    this.take(follower, { type: 'ACK', zxid: makeZxid(1, 0), data: null, authinfo: null })
    this.leader.advance(0, this.#out)
  }

  accept(link: number): void {
    this.leader.accepted(this.#now, link)
  }

  take(link: number, packet: QuorumPacket): void {
    if (!this.closed.has(link)) this.leader.packet(this.#now, link, packet, this.#out)
  }

  /** Half a tick passes, and the follower answers. */
  pass(): void {
    this.#now += tickMs / 2
    this.leader.timePassed(this.#now, this.#out)
    for (const zxid of this.#pings.splice(0)) this.take(follower, { type: 'PING', zxid, data: null, authinfo: null })
  }

  #saved(): void {
    this.#history.report({ kind: 'epochsSaved' }, this.#out)
    this.leader.advance(0, this.#out)
  }
}

const sid = fc.constantFrom(2, 2, 4, 77)
const info = fc.tuple(sid, fc.constantFrom(0n, 1n)).map(([of, version]) => learnerInfoBytes(of, version))
const data = fc.oneof(info, fc.constantFrom(null, intBytes(0), intBytes(-1)), fc.uint8Array({ maxLength: 30 }))
const zxid = fc.constantFrom(0n, -1n, 1n << 62n, (1n << 62n) + 1n, makeZxid(1, 0), makeZxid(1, 1), makeZxid(9, 0))
const type = fc.oneof(
  fc.constantFrom('FOLLOWERINFO', 'OBSERVERINFO', 'ACKEPOCH', 'ACK', 'PING'),
  fc.constantFrom(...Object.keys(quorumPacketType)),
) as fc.Arbitrary<QuorumPacketName>
const packet = fc.record({ type, zxid, data, authinfo: fc.constant(null) })
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ link: fc.integer({ min: 30, max: 33 }), packet }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)

test('what strangers send to a leader ends neither its term nor the link of a follower that lives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const scene = new Scene()
      const links = new Map<number, number>()
      let last = 100
      for (const each of steps) {
        if (each === undefined) {
          scene.pass()
          continue
        }
        // One that was closed comes again.
        let link = links.get(each.link)
        if (link === undefined || scene.closed.has(link)) {
          link = ++last
          links.set(each.link, link)
          scene.accept(link)
        }
        scene.take(link, each.packet)
      }
      scene.pass()
      expect(scene.leader.over).toBeUndefined()
      expect(scene.closed).not.toContain(follower)
      expect(scene.leader.learners.get(follower)?.state).toBe('up')
    }),
    fuzzParameters(1_000),
  )
})
