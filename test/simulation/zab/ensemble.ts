/** An ensemble of the machines alone: messages and disk work are events, a seed decides when they happen and what breaks. */

import { SeededRandom } from '@lightkeeper/testing/sim'
import { equalMembers, type Voter } from '../../../packages/server/src/config/membership.ts'
import type { ZabTimes } from '../../../packages/server/src/zab/inputs.ts'
import { quorumOf } from '../../../packages/server/src/zab/quorum.ts'
import { ZabChecker } from '../../../packages/testing/src/check/zab.ts'
import { Disk, type DiskBugs } from './disk.ts'
import { Events } from './events.ts'
import { Host } from './host.ts'
import { Network } from './network.ts'

export const modelTimes: ZabTimes = {
  tickMs: 1000,
  initLimit: 4,
  syncLimit: 2,
  notificationMs: 200,
  notificationMaxMs: 2000,
  settleMs: 50,
}

export interface EnsembleOptions {
  readonly voters: number
  readonly observers?: number
  /** Group and weight of each voter, as many as there are voters at least; without it all count the same. */
  readonly shares?: readonly (readonly [group: number, weight: number])[]
  /** Planted in every disk. */
  readonly diskBugs?: DiskBugs
  /** Without it everything takes a millisecond. */
  readonly isHasty?: boolean
  /** Some logs cannot be cut as a leader asks. */
  readonly refusesCuts?: boolean
}

export class Ensemble {
  readonly random: SeededRandom
  readonly events = new Events()
  readonly network: Network
  readonly checker: ZabChecker
  readonly hosts: readonly Host[]
  /** Runs after a message has arrived somewhere: the place for a crash between two messages. */
  onDelivered: ((sid: number) => void) | undefined
  /** The events, line by line, for those who want to read them. */
  trace: string[] | undefined
  /** When a leader of a higher epoch began to serve. */
  #newest = { epoch: 0, at: 0 }
  readonly slowDisks = new Set<number>()
  readonly slowLinks = new Set<number>()
  readonly failingDisks = new Set<number>()
  /** Work that waits: `log 1`, `epochs 1`. */
  readonly held = new Set<string>()
  readonly #isHasty: boolean
  readonly #refusesCuts: boolean
  #payloads = 0

  constructor(seed: number, options: EnsembleOptions) {
    this.random = new SeededRandom(seed)
    this.#isHasty = options.isHasty === true
    this.#refusesCuts = options.refusesCuts === true
    this.network = new Network(this)
    const sids = Array.from({ length: options.voters + (options.observers ?? 0) }, (_, i) => i + 1)
    const equal = equalMembers(sids.slice(0, options.voters), sids.slice(options.voters))
    const { shares } = options
    const shared = (voter: Voter): Voter => {
      const [group, weight] = shares?.[voter.sid - 1] ?? [voter.group, voter.weight]
      return { ...voter, group, weight }
    }
    const membership = { ...equal, voters: equal.voters.map(shared) }
    const quorum = quorumOf(membership)
    this.checker = new ZabChecker(quorum.voters, (some) => quorum.has(some))
    this.hosts = sids.map((sid) => new Host(this, new Disk(options.diskBugs), { sid, membership, times: modelTimes }))
    this.checker.historyOf = (sid) => this.host(sid).disk.history
  }

  host(sid: number): Host {
    return this.hosts[sid - 1] as Host
  }

  get leader(): Host | undefined {
    let newest: Host | undefined
    for (const host of this.hosts)
      if (host.role === 'leading' && (newest === undefined || host.epoch > newest.epoch)) newest = host
    return newest
  }

  propose(host: Host | undefined = this.leader): boolean {
    return host?.propose(++this.#payloads) ?? false
  }

  /** Gets what happens, as it is noted. */
  onNote: ((sid: number, text: string) => void) | undefined

  note(sid: number, text: () => string): void {
    this.onNote?.(sid, text())
    this.trace?.push(`${Math.round(this.events.now)} ${sid} ${text()}`)
  }

  established(host: Host): void {
    this.checker.established(host.sid, host.epoch, host.disk.history)
    if (host.epoch > this.#newest.epoch) this.#newest = { epoch: host.epoch, at: this.events.now }
  }

  delivered(sid: number): void {
    this.#checkDeposed()
    this.onDelivered?.(sid)
  }

  /** A leader that has been replaced notices within the time after which it misses its followers, and two ticks of counting. */
  #checkDeposed(): void {
    const { epoch, at } = this.#newest
    if (this.events.now - at <= (modelTimes.syncLimit + 3) * modelTimes.tickMs) return
    for (const host of this.hosts)
      if (host.role === 'leading' && host.epoch < epoch)
        this.checker.fail('Leadership', `server ${host.sid} still leads epoch ${host.epoch} behind epoch ${epoch}`)
  }

  latency(from: number, to: number): number {
    if (this.#isHasty) return 1
    const { random } = this
    const usual = 1 + random.below(10)
    if (this.slowLinks.has(from) || this.slowLinks.has(to)) return usual * 20
    return random.oneIn(40) ? 300 : usual
  }

  diskDelay(sid: number): number {
    if (this.#isHasty) return 1
    if (this.slowDisks.has(sid)) return 200 + this.random.below(600)
    return this.random.oneIn(50) ? 400 : 1 + this.random.below(15)
  }

  refusesCut(): boolean {
    return this.#refusesCuts && this.random.oneIn(3)
  }

  diskFails(sid: number): boolean {
    return this.failingDisks.has(sid)
  }

  imageDelay(): number {
    return this.#isHasty ? 1 : 1 + this.random.below(60)
  }

  /** Runs events until `isDone` or the time is over. Returns whether it is done. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const end = this.events.now + limitMs
    while (!isDone()) {
      if (this.events.nextAt > end) return false
      this.events.step()
    }
    return true
  }

  run(ms: number): void {
    this.runUntil(() => false, ms)
    if (this.events.now < this.events.nextAt) this.events.now = Math.min(this.events.nextAt, this.events.now + ms)
  }

  /** All that live serve, under one leader. */
  get allServe(): boolean {
    const { leader } = this
    return leader !== undefined && this.hosts.every(({ role, epoch }) => role !== undefined && epoch === leader.epoch)
  }
}
