/** A double barrier: no member enters before all members have come, and no member leaves before all have finished. */
import {
  type Client,
  KeeperError,
  type Lease,
  op,
  type WatchedEvent,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { wrongType } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { number, text } from '../arguments/values.ts'
import { Away } from '../common/away.ts'
import { createBelow } from '../common/container.ts'
import { isLost, isRace, refusalOf } from '../common/errors.ts'
import { firstOf } from '../common/first-of.ts'
import { gone } from '../common/gone.ts'
import { type LeaveOptions, type LeftBehind, leaving } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { namesBelow } from '../common/names-below.ts'
import { createOwnAt, type OwnEphemeral, withdraw } from '../common/own-ephemeral.ts'
import { below } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { repeat } from '../common/repeat.ts'
import { uniqueName } from '../common/unique-name.ts'
import { type BarrierMember, fullRound, isOpen, leave, readyName } from './decide.ts'

/** The options of `doubleBarrier`. */
export interface DoubleBarrierOptions {
  /** The number of members of a full round. */
  readonly count: number
  /** Data of the member's znode, for people who read it. Default empty. */
  readonly identifier?: string
}

/** A barrier at which a number of members begin together and end together. */
export interface DoubleBarrier {
  /** The znode of the barrier; members are its children. */
  readonly path: ZnodePath
  /**
   * Resolves when `count` members were present at the same time.
   * @throws the reason of the signal, KeeperError TIMEOUT, CLOSED: this member does not count any more then.
   */
  enter(options?: WaitOptions): Promise<Inside>
}

/** A member inside the barrier. Its disposal leaves without waiting for the others, like `withdraw` and `close`. */
export interface Inside extends AsyncDisposable {
  /** Aborts when this member may be gone for the others: its session is about to expire. */
  readonly signal: AbortSignal
  /**
   * Resolves when all members have finished.
   * @throws as `enter`; also TIMEOUT where no server was reached for 10 s. The others do not wait for this member then.
   */
  leave(options?: WaitOptions): Promise<void>
  /**
   * Leaves without waiting for the others. Never rejects. Resolves to what is left where no server has confirmed the deletion in
   * time.
   */
  withdraw(options?: LeaveOptions): Promise<LeftBehind | undefined>
  /** As `withdraw`, by the name that everything disposable has. */
  close(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

/** Uses the layout of Curator's DistributedDoubleBarrier and kazoo's DoubleBarrier. Sends nothing. */
export function doubleBarrier(zk: Client, path: ZnodePath, options: DoubleBarrierOptions): DoubleBarrier {
  checkPlaceOrRoot(zk, path, 'doubleBarrier')
  const { count, identifier = '' } = barrierOptions(options, 'doubleBarrier')
  if (count === undefined) throw wrongType('doubleBarrier', 'options.count', 'a whole number of members', count)
  return {
    path,
    async enter(wait) {
      return new Entry(zk, path, count, identifier).enter(callOptions(wait, 'doubleBarrier.enter'))
    },
  }
}

const barrierOptions = optionsOf<DoubleBarrierOptions>({ count: number('members', 1, 0x7fff_ffff), identifier: text })

/** The znodes below the barrier: `ready`, and the other names, which are read after it. */
interface Look {
  readonly ready: ZnodeStat | undefined
  readonly names: readonly string[]
  /** Settles when `ready` is written, if the look set a watch. */
  readonly changed: Promise<WatchedEvent> | undefined
}

/** `own`: this member, which may have entered the line again. */
type Seen =
  | { readonly kind: 'open'; readonly own: OwnEphemeral; readonly stamp: bigint }
  /** `changed` settles when `ready` is written. */
  | { readonly kind: 'waiting'; readonly own: OwnEphemeral; readonly changed: Promise<WatchedEvent> }

class Entry {
  readonly #zk: Client
  readonly #parent: ZnodePath
  readonly #count: number
  readonly #identifier: string
  /** This member, once its znode exists. */
  #own: OwnEphemeral | undefined
  /** The czxid of the first member znode of this entry: a round that was opened later was opened for this entry. */
  #since: bigint | undefined
  #lease: Lease | undefined

  constructor(zk: Client, parent: ZnodePath, count: number, identifier: string) {
    this.#zk = zk
    this.#parent = parent
    this.#count = count
    this.#identifier = identifier
  }

  async enter(wait: WaitOptions): Promise<Inside> {
    using limit = new Limit(this.#zk, 'enter', this.#parent, wait)
    try {
      const joining = this.#join(limit)
      // Sent right after the create: if the list has our name, it is as good as a later one.
      let early: Promise<Look> | undefined = this.#soon(limit)
      let own = await joining
      for (;;) {
        const seen = await this.#attempt(own, limit, early)
        early = undefined
        own = seen.own
        if (seen.kind === 'open') return this.#inside(own, seen.stamp)
        await firstOf([seen.changed], limit.signal)
        limit.signal.throwIfAborted()
      }
    } catch (error) {
      this.#withdraw()
      throw error
    }
  }

  #pathOf(name: string): ZnodePath {
    return below(this.#parent, name)
  }

  async #join(limit: Limit): Promise<OwnEphemeral> {
    const options = { mode: 'ephemeral', ...limit.step } as const
    const create = async (path: ZnodePath) => {
      this.#lease?.[Symbol.dispose]()
      this.#lease = this.#zk.lease()
      const made = await createBelow(this.#zk, path, this.#identifier, options)
      this.#since ??= made.stat.czxid
      return made
    }
    const nextPath = (): ZnodePath => this.#pathOf(uniqueName(this.#zk.random))
    this.#own = await createOwnAt(this.#zk, nextPath, create, { signal: limit.signal })
    return this.#own
  }

  /** Whether the round is open. Opens it where it is full. `early` may be older than this member's znode. */
  async #attempt(member: OwnEphemeral, limit: Limit, early: Promise<Look> | undefined): Promise<Seen> {
    const races = new Races(this.#zk, limit.signal)
    let own = member
    for (let next = early; ; ) {
      const { ready, names, changed } = await (next ?? this.#look(limit, true))
      const isThere = names.includes(own.name)
      const isEarly = next === early && early !== undefined && !isThere
      next = undefined
      if (this.#since !== undefined && ready !== undefined && isOpen(ready.mzxid, this.#since))
        return { kind: 'open', own, stamp: ready.mzxid }
      if (isEarly) continue
      // The session expired while this member waited, so it creates its znode again.
      if (this.#zk.epoch !== own.epoch || (this.#lease?.signal.aborted && !isThere)) {
        own = await this.#join(limit)
        continue
      }
      const members = await this.#stats(names, limit)
      limit.reason = () => `${members.length} members are there, ${this.#count} are to be`
      const round = fullRound(members, ready?.mzxid, this.#count)
      if (round === undefined) return { kind: 'waiting', own, changed: changed as Promise<WatchedEvent> }
      const opening = this.#open(round, ready, limit)
      next = this.#soon(limit)
      const beaten = await opening
      // The next look shows which client was faster. If it shows the same state again and again, no client was.
      if (beaten !== undefined) await races.lost(beaten, `${ready?.mzxid} ${round.map(({ czxid }) => czxid).join(' ')}`)
    }
  }

  async #look(limit: Limit, watch: boolean): Promise<Look> {
    const path = this.#pathOf(readyName)
    // The order matters: the version of `ready` then refuses members of a newer round than its own.
    const reading = repeat(this.#zk, limit, (own) => this.#zk.existence(path, { ...own, watch }))
    const naming = repeat(this.#zk, limit, (own) => namesBelow(this.#zk, this.#parent, own))
    const [{ stat: ready, changed }, names] = await Promise.all([reading, naming])
    return { ready, names: names.filter((name) => name !== readyName), changed }
  }

  /** A look that is sent behind a request that may fail first. */
  #soon(limit: Limit): Promise<Look> {
    const looking = this.#look(limit, true)
    looking.catch(() => {})
    return looking
  }

  /**
   * Opens the round in one transaction, if all its members still exist. Resolves to undefined, or to the refusal where another
   * client was faster.
   */
  async #open(round: readonly BarrierMember[], ready: ZnodeStat | undefined, limit: Limit): Promise<unknown> {
    const path = this.#pathOf(readyName)
    const checks = round.slice(0, this.#count).map(({ name }) => op.check(this.#pathOf(name)))
    const stamp = ready === undefined ? op.create(path) : op.set(path, '', { version: ready.version })
    try {
      await this.#zk.transactionOf([...checks, stamp], { ...limit.step, idempotent: true })
      return undefined
    } catch (error) {
      limit.signal.throwIfAborted()
      const refusal = refusalOf(error, 'enter')
      // Another member opened it, or a member has gone: the next look shows which.
      if (!isRace(error) && !isLost(error)) throw refusal
      return refusal
    }
  }

  /** The members among `names` that still exist. */
  async #stats(names: readonly string[], limit: Limit): Promise<BarrierMember[]> {
    const stats = await Promise.all(names.map((name) => this.#stat(name, limit)))
    return names.flatMap((name, i) => {
      const stat = stats[i]
      // Only an ephemeral represents a client that could enter.
      return stat?.kind === 'ephemeral' ? [{ name, czxid: stat.czxid }] : []
    })
  }

  async #stat(name: string, limit: Limit): Promise<ZnodeStat | undefined> {
    return repeat(this.#zk, limit, (own) => this.#zk.exists(this.#pathOf(name), own))
  }

  #inside(member: OwnEphemeral, stamp: bigint): Inside {
    const hold = this.#zk.hold()
    let lease = this.#lease ?? this.#zk.lease()
    // The session survived a time without answers. Otherwise this member is gone, as its lease says.
    if (lease.signal.aborted && this.#zk.epoch === member.epoch) lease = this.#zk.lease()
    const end = (): void => {
      hold[Symbol.dispose]()
      lease[Symbol.dispose]()
    }
    const leaveAlone = async (options?: LeaveOptions): Promise<LeftBehind | undefined> => {
      const own = callOptions(options, 'doubleBarrier.withdraw')
      end()
      return leaving(this.#zk, 'withdraw', member.path, withdraw(this.#zk, member), own)
    }
    return {
      signal: lease.signal,
      leave: async (wait) => {
        const { signal, timeout } = callOptions(wait, 'doubleBarrier.leave')
        using away = new Away(this.#zk, 'leave', this.#parent, signal)
        using limit = new Limit(this.#zk, 'leave', this.#parent, { signal: away.signal, timeout })
        try {
          await this.#leave(member, stamp, limit)
        } catch (error) {
          this.#withdraw()
          throw error
        } finally {
          end()
        }
      },
      withdraw: leaveAlone,
      close: leaveAlone,
      [Symbol.asyncDispose]: async () => void (await leaveAlone()),
    }
  }

  async #leave(member: OwnEphemeral, stamp: bigint, limit: Limit): Promise<void> {
    const races = new Races(this.#zk, limit.signal)
    const remove = (): Promise<LeftBehind | undefined> => limit.until(withdraw(this.#zk, member))
    for (;;) {
      const { ready, names } = await this.#look(limit, false)
      const members = await this.#stats(names, limit)
      limit.reason = () => `${members.filter(({ name }) => name !== member.name).length} others have not left`
      const next = leave(members, stamp, member.name)
      if (next.kind === 'done') return
      if (next.kind === 'last') {
        const left = ready?.mzxid === stamp ? await this.#last(member, ready, limit, remove) : await remove()
        if (left === 'lost') continue
        // The next look is the last one, unless the server forbids the deletion.
        if (left !== undefined) throw left
        await races.lost(new KeeperError('NO_NODE', { path: member.path, operation: 'leave' }), names.join(' '))
        continue
      }
      const left = next.kind === 'goAndWait' && next.behind !== member.name ? await remove() : undefined
      if (left !== undefined) throw left
      await gone(this.#zk, this.#pathOf(next.behind), limit)
    }
  }

  /** Deletes the last member together with `ready`, unless `ready` has opened the next round already. */
  async #last(
    member: OwnEphemeral,
    ready: ZnodeStat,
    limit: Limit,
    remove: () => Promise<LeftBehind | undefined>,
  ): Promise<LeftBehind | undefined | 'lost'> {
    try {
      const ops = [op.delete(member.path), op.delete(this.#pathOf(readyName), { version: ready.version })]
      await this.#zk.transactionOf(ops, limit.step)
      return undefined
    } catch (error) {
      limit.signal.throwIfAborted()
      // The next look shows whether it was executed. No other member is left that could delete `ready`.
      if (isLost(error)) return 'lost'
      if (!isRace(error)) throw refusalOf(error, 'leave')
      // The others wait for this znode, not for `ready`; the next round overwrites `ready`.
      return remove()
    }
  }

  #withdraw(): void {
    this.#lease?.[Symbol.dispose]()
    if (this.#own !== undefined) void withdraw(this.#zk, this.#own)
  }
}
