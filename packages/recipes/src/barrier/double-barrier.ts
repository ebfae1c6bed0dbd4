/** A double barrier: nobody goes in before all are there, nobody goes on before all are done. */
import {
  type Client,
  KeeperError,
  type Lease,
  op,
  type WatchedEvent,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import { checkPlaceOrRoot, number, optionsOf, text, wrongType } from '../arguments/checks.ts'
import { Away } from '../common/away.ts'
import { Backoff } from '../common/backoff.ts'
import { createBelow } from '../common/container.ts'
import { deleteSurely } from '../common/delete-surely.ts'
import { firstOf } from '../common/first-of.ts'
import { gone } from '../common/gone.ts'
import { type LeaveOptions, type LeftBehind, leaving } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { namesBelow } from '../common/names-below.ts'
import { below } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { failedWith, refusalOf } from '../common/errors.ts'
import { isLost, repeat } from '../common/repeat.ts'
import { uniqueName } from '../common/unique-name.ts'
import { fullRound, isOpen, leave, type Member, readyName } from './decide.ts'

export interface DoubleBarrierOptions {
  /** How many make it full. */
  readonly count: number
  /** Data of the member's znode, for people who look. Default empty. */
  readonly identifier?: string
}

export interface DoubleBarrier {
  readonly path: ZnodePath
  /**
   * Resolves when `count` members were there at one and the same time.
   * @throws the signal's reason, KeeperError TIMEOUT, CLOSED: this member does not count any longer then.
   */
  enter(options?: WaitOptions): Promise<Inside>
}

/** Being inside. Disposing of it goes without waiting for the others, as `withdraw`. */
export interface Inside extends AsyncDisposable {
  /** Aborts when the others may take this member for gone: the session is about to expire. */
  readonly signal: AbortSignal
  /**
   * Resolves when all are done.
   * @throws as `enter`, and TIMEOUT where no server was reached for 10 s; the others do not wait for this member then.
   */
  leave(options?: WaitOptions): Promise<void>
  /** Goes without waiting for the others. Never rejects; resolves to what is left behind where that cannot be confirmed in time. */
  withdraw(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

/** Layout of Curator's DistributedDoubleBarrier and kazoo's DoubleBarrier. Sends nothing. */
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

/** Somebody else was faster, or has gone. */
const raceCodes = new Set(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION'])

/** What stands below the barrier: names without that of `ready`, not older than the Stat of it. */
interface Look {
  readonly ready: ZnodeStat | undefined
  readonly names: readonly string[]
  /** Settles when `ready` is written, where it was asked for. */
  readonly changed: Promise<WatchedEvent> | undefined
}

type Seen =
  | { readonly kind: 'open'; readonly stamp: bigint }
  /** `changed` tells when `ready` is written. */
  | { readonly kind: 'waiting'; readonly changed: Promise<WatchedEvent> }

class Entry {
  readonly #zk: Client
  readonly #parent: ZnodePath
  readonly #count: number
  readonly #identifier: string
  #name = ''
  #epoch = -1
  /** The czxid of the first member znode of this entry: a round that was opened later was opened for it. */
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
      // Right behind it: names with ours among them are as good as some asked for later.
      let early: Promise<Look> | undefined = this.#soon(limit)
      await joining
      for (;;) {
        const seen = await this.#attempt(limit, early)
        early = undefined
        if (seen.kind === 'open') return this.#inside(seen.stamp)
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

  async #join(limit: Limit): Promise<void> {
    this.#lease?.[Symbol.dispose]()
    const backoff = new Backoff(this.#zk)
    for (;;) {
      this.#name = uniqueName(this.#zk.random)
      this.#epoch = this.#zk.epoch
      const lease = this.#zk.lease()
      this.#lease = lease
      try {
        const path = this.#pathOf(this.#name)
        const { stat } = await createBelow(this.#zk, path, this.#identifier, { mode: 'ephemeral', ...limit.step })
        this.#since ??= stat.czxid
        if (stat.ephemeralOwner === this.#zk.sessionId) {
          this.#epoch = this.#zk.epoch
          return
        }
      } catch (error) {
        limit.signal.throwIfAborted()
        if (!isLost(error)) throw error
        void deleteSurely(this.#zk, this.#pathOf(this.#name), this.#epoch)
        await backoff.pause(limit.signal)
      }
      lease[Symbol.dispose]()
    }
  }

  /** Whether the round is open; where it is full, opens it. `early` may be from before this member was there. */
  async #attempt(limit: Limit, early: Promise<Look> | undefined): Promise<Seen> {
    const races = new Races(this.#zk, limit.signal)
    for (let next = early; ; ) {
      const { ready, names, changed } = await (next ?? this.#look(limit, true))
      const isEarly = next === early && early !== undefined && !names.includes(this.#name)
      next = undefined
      if (this.#since !== undefined && ready !== undefined && isOpen(ready.mzxid, this.#since))
        return { kind: 'open', stamp: ready.mzxid }
      if (isEarly) continue
      // The session expired while this member waited: it comes anew.
      if (this.#zk.epoch !== this.#epoch || (this.#lease?.signal.aborted && !names.includes(this.#name))) {
        await this.#join(limit)
        continue
      }
      const members = await this.#stats(names, limit)
      limit.tell = () => `${members.length} members are there, ${this.#count} are to be`
      const round = fullRound(members, ready?.mzxid, this.#count)
      if (round === undefined) return { kind: 'waiting', changed: changed as Promise<WatchedEvent> }
      const opening = this.#open(round, ready, limit)
      next = this.#soon(limit)
      const beaten = await opening
      // What there is now tells; where that is the same again and again, nobody was faster.
      if (beaten !== undefined) await races.lost(beaten, `${ready?.mzxid} ${round.map(({ czxid }) => czxid).join(' ')}`)
    }
  }

  async #look(limit: Limit, watch: boolean): Promise<Look> {
    const path = this.#pathOf(readyName)
    // In this order: members of a newer round than that of `ready` are refused by its version.
    const reading = repeat(this.#zk, limit, (own) => this.#zk.existence(path, { ...own, watch }))
    const naming = repeat(this.#zk, limit, (own) => namesBelow(this.#zk, this.#parent, own))
    const [{ stat: ready, changed }, names] = await Promise.all([reading, naming])
    return { ready, names: names.filter((name) => name !== readyName), changed }
  }

  /** Sent behind a request that may fail first. */
  #soon(limit: Limit): Promise<Look> {
    const looking = this.#look(limit, true)
    looking.catch(() => {})
    return looking
  }

  /** Opens the round if all of it are still there, in one transaction. Resolves to what came between where somebody was faster. */
  async #open(round: readonly Member[], ready: ZnodeStat | undefined, limit: Limit): Promise<unknown> {
    const path = this.#pathOf(readyName)
    const checks = round.slice(0, this.#count).map(({ name }) => op.check(this.#pathOf(name)))
    const stamp = ready === undefined ? op.create(path) : op.set(path, '', { version: ready.version })
    try {
      await this.#zk.transactionOf([...checks, stamp], { ...limit.step, idempotent: true })
      return undefined
    } catch (error) {
      limit.signal.throwIfAborted()
      const refusal = refusalOf(error, 'enter')
      // Somebody else opened it, or a member is gone: what there is now tells.
      if (!raceCodes.has(failedWith(error) ?? '') && !isLost(error)) throw refusal
      return refusal
    }
  }

  /** The Stats of those names that are members and still there. */
  async #stats(names: readonly string[], limit: Limit): Promise<Member[]> {
    const stats = await Promise.all(names.map((name) => this.#stat(name, limit)))
    return names.flatMap((name, i) => {
      const stat = stats[i]
      // What stays when its maker goes is nobody who could go through.
      return stat?.kind === 'ephemeral' ? [{ name, czxid: stat.czxid }] : []
    })
  }

  async #stat(name: string, limit: Limit): Promise<ZnodeStat | undefined> {
    return repeat(this.#zk, limit, (own) => this.#zk.exists(this.#pathOf(name), own))
  }

  #inside(stamp: bigint): Inside {
    const hold = this.#zk.hold()
    let lease = this.#lease ?? this.#zk.lease()
    // The session outlived a time without answers. One that did not leaves this member gone, as its lease says.
    if (lease.signal.aborted && this.#zk.epoch === this.#epoch) lease = this.#zk.lease()
    const end = (): void => {
      hold[Symbol.dispose]()
      lease[Symbol.dispose]()
    }
    const withdraw = async (options?: LeaveOptions): Promise<LeftBehind | undefined> => {
      const own = callOptions(options, 'doubleBarrier.withdraw')
      end()
      const path = this.#pathOf(this.#name)
      return leaving(this.#zk, 'withdraw', path, deleteSurely(this.#zk, path, this.#epoch), own)
    }
    return {
      signal: lease.signal,
      leave: async (wait) => {
        const { signal, timeout } = callOptions(wait, 'doubleBarrier.leave')
        using away = new Away(this.#zk, 'leave', this.#parent, signal)
        using limit = new Limit(this.#zk, 'leave', this.#parent, { signal: away.signal, timeout })
        try {
          await this.#leave(stamp, limit)
        } catch (error) {
          this.#withdraw()
          throw error
        } finally {
          end()
        }
      },
      withdraw,
      [Symbol.asyncDispose]: async () => void (await withdraw()),
    }
  }

  async #leave(stamp: bigint, limit: Limit): Promise<void> {
    const races = new Races(this.#zk, limit.signal)
    for (;;) {
      const { ready, names } = await this.#look(limit, false)
      const members = await this.#stats(names, limit)
      limit.tell = () => `${members.filter(({ name }) => name !== this.#name).length} others have not left`
      const next = leave(members, stamp, this.#name)
      if (next.kind === 'done') return
      if (next.kind === 'last') {
        const left = await this.#last(stamp, ready, limit)
        if (left === 'lost') continue
        // Done at the next look, unless the znode may not be deleted.
        if (left !== undefined) throw left
        const path = this.#pathOf(this.#name)
        await races.lost(new KeeperError('NO_NODE', { path, operation: 'leave' }), names.join(' '))
        continue
      }
      const left = next.kind === 'goAndWait' && next.behind !== this.#name ? await this.#delete(limit) : undefined
      if (left !== undefined) throw left
      await gone(this.#zk, this.#pathOf(next.behind), limit)
    }
  }

  /** Together with `ready`, unless the next round has been opened with it already. */
  async #last(stamp: bigint, ready: ZnodeStat | undefined, limit: Limit): Promise<LeftBehind | undefined | 'lost'> {
    if (ready?.mzxid !== stamp) return this.#delete(limit)
    const path = this.#pathOf(this.#name)
    try {
      const ops = [op.delete(path), op.delete(this.#pathOf(readyName), { version: ready.version })]
      await this.#zk.transactionOf(ops, limit.step)
      return undefined
    } catch (error) {
      limit.signal.throwIfAborted()
      // Executed or not: the next look tells, and there is nobody to take `ready` along but this member.
      if (isLost(error)) return 'lost'
      if (!raceCodes.has(failedWith(error) ?? '')) throw refusalOf(error, 'leave')
      // The others wait for this znode, not for `ready`; the round to come writes over that.
      return this.#delete(limit)
    }
  }

  #delete(limit: Limit): Promise<LeftBehind | undefined> {
    return limit.until(deleteSurely(this.#zk, this.#pathOf(this.#name), this.#epoch))
  }

  #withdraw(): void {
    this.#lease?.[Symbol.dispose]()
    if (this.#name !== '') void deleteSurely(this.#zk, this.#pathOf(this.#name), this.#epoch)
  }
}
