/**
 * Applies transactions to the tree, in order, and only those that are both durable here and committed. It works the same in every
 * role. A turn has a limit; the rest is applied in the next turn.
 */
import { opCode } from '@lightkeeper/protocol'
import { assert, type Clock, Deque } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import type { Turn } from '../turn.ts'
import type { Caller } from './caller.ts'
import type { Entry } from './history.ts'
import type { Ticket } from './reply-queue.ts'

/** How long one turn applies transactions at most, milliseconds, and how many transactions between two looks at the clock. */
const sliceMs = 3
const entriesPerLook = 4
/** Number of digests kept for `hash`, one for each 128 transactions, as in Apache. */
const digestsMax = 1024

/** What applying a transaction returned. */
export type Applied = ReturnType<DataTree['apply']>

export interface ApplierHooks {
  /** About how much work it is to apply an entry: its operations and watch events. */
  workOf(entry: Entry): number
  /** Applies an entry to the tree. */
  execute(entry: Entry): Applied
  /** Watch events wait to be sent, so nothing more is applied meanwhile. */
  isBehind(): boolean
  /** The entry of this ticket is applied next: earlier requests of its caller must not see it. */
  before(ticket: Ticket<Caller>): void
  /** The watch events of an entry are written. `wall` is wall-clock milliseconds. */
  applied(entry: Entry, result: Applied, wall: number): void
  /** This turn's share is applied, up to `zxid`. */
  settled(zxid: bigint): void
  /** An invariant is broken: half of a transaction may be in the tree. */
  broken(error: Error): void
}

export class Applier {
  readonly tree: DataTree
  /** Zxid of the last transaction applied to the tree. Never decreases; never above what is durable and committed. */
  lastZxid: bigint
  /** The last of the digests that `hash` shows, by zxid. */
  readonly digests: [zxid: bigint, digest: bigint][] = []
  readonly #history: { readonly durableZxid: bigint }
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #hooks: ApplierHooks
  readonly #entries = new Deque<Entry>()
  #work = 0
  #committedZxid: bigint
  /** More is applied at the end of the turn. */
  #isDue = false
  #isStopped = false

  constructor(
    tree: DataTree,
    lastZxid: bigint,
    history: { readonly durableZxid: bigint },
    turn: Turn,
    hooks: ApplierHooks,
  ) {
    this.tree = tree
    this.lastZxid = lastZxid
    this.#committedZxid = lastZxid
    this.#history = history
    this.#turn = turn
    this.#clock = turn.clock
    this.#hooks = hooks
  }

  /** Transactions that are ordered but not applied. */
  get outstanding(): number {
    return this.#entries.length
  }

  /** The work of all of them together. */
  get work(): number {
    return this.#work
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Takes a transaction. It will be applied once it is durable and committed. Transactions come in the order of their zxids. */
  add(entry: Entry): void {
    entry.work = this.#hooks.workOf(entry)
    this.#work += entry.work
    this.#entries.push(entry)
  }

  /** Removes and returns what was not applied: it will not be committed any more. */
  drop(): Entry[] {
    const dropped = [...this.#entries]
    this.#entries.clear()
    this.#work = 0
    return dropped
  }

  /** Everything up to `zxid` is committed and stays so; it may not be durable here yet. */
  commit(zxid: bigint): void {
    if (zxid > this.#committedZxid) this.#committedZxid = zxid
  }

  /** Applies what it may, as long as a turn allows; the next turns apply the rest. */
  run(): void {
    // Otherwise events would accumulate, and all clients' writes would wait behind them.
    if (this.#hooks.isBehind()) this.#runLater()
    else {
      const from = this.#clock.now()
      this.#guarded(from + this.#turn.share(sliceMs))
      this.#turn.use(this.#clock.now() - from)
    }
  }

  /** Applies what it may, without a time limit. */
  runToEnd(): void {
    this.#guarded(Number.POSITIVE_INFINITY)
  }

  #guarded(untilMs: number): void {
    try {
      this.#run(untilMs)
    } catch (error) {
      this.#hooks.broken(error as Error)
    }
  }

  #run(untilMs: number): void {
    const { durableZxid } = this.#history
    const limit = durableZxid < this.#committedZxid ? durableZxid : this.#committedZxid
    let digest: bigint | undefined
    let untilLook = entriesPerLook
    const wall = this.#clock.wall()
    for (let entry = this.#entries.peek(); entry !== undefined; entry = this.#entries.peek()) {
      const { header, txn, ticket } = entry
      if (header.zxid > limit) break
      untilLook -= 1 + (entry.work >> 5)
      if (untilLook <= 0) {
        untilLook = entriesPerLook
        if (this.#clock.now() >= untilMs) {
          this.#runLater()
          break
        }
      }
      if (txn.type === opCode.multi) untilLook = 0
      this.#entries.shift()
      this.#work -= entry.work
      if (ticket !== undefined) this.#hooks.before(ticket)
      digest = entry.digest
      const result = this.#hooks.execute(entry)
      this.lastZxid = header.zxid
      if (digest !== undefined) this.noteDigest(header.zxid, digest)
      this.#hooks.applied(entry, result, wall)
    }
    // Nothing has left the server yet.
    assert(this.lastZxid <= this.#history.durableZxid, 'nothing is applied before the log has it for good')
    // Once for all of them: nobody can observe the tree in between.
    if (digest !== undefined) this.tree.digest.value = digest
    this.#hooks.settled(this.lastZxid)
  }

  #runLater(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#clock.turnEnd(() => {
      this.#isDue = false
      if (!this.#isStopped) this.run()
    })
  }

  /** Keeps one digest for each 128 transactions. */
  noteDigest(zxid: bigint, digest: bigint): void {
    if ((zxid & 127n) !== 0n) return
    this.digests.push([zxid, digest])
    if (this.digests.length > digestsMax) this.digests.shift()
  }
}
