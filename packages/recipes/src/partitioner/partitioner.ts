/** The members of a group divide a set of items: each item is worked on by one member at most, and by one in the end. */
import { type Client, json, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import {
  callable,
  checkPlace,
  list,
  optionsOf,
  signal as signalCheck,
  text,
  timeout as timeoutCheck,
  wrongType,
} from '../arguments/checks.ts'
import { Backoff } from '../common/backoff.ts'
import { callSafely, report } from '../common/call-safely.ts'
import { createBelow } from '../common/container.ts'
import { deleteSurely } from '../common/delete-surely.ts'
import { EndedError } from '../common/ended.ts'
import { gone } from '../common/gone.ts'
import { type LeaveOptions, type LeftBehind, leaving, mayBeThere } from '../common/leaving.ts'
import { Ledger } from '../common/marked-transactions.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { Races } from '../common/races.ts'
import { failedWith, refusalOf } from '../common/errors.ts'
import { isLost, isOver } from '../common/repeat.ts'
import { uniqueName } from '../common/unique-name.ts'
import { type Assignment, assign } from './assign.ts'

/** `signal` and `timeout` end the wait until this member is in the group; nothing of it is left then. */
export interface PartitionerOptions extends WaitOptions {
  /** What is divided: the same for all members. */
  readonly items: readonly string[]
  /**
   * Works on one item, which is locked for this member from the call until the promise settles. `signal` aborts when the item is
   * to move to another member, or when the session is about to expire: whoever goes on then works beside another. Work that ends
   * by itself leaves the item with this member.
   */
  readonly work: (item: string, signal: AbortSignal) => Promise<void>
  /** Name of this member, for people who look; a unique one is added. Default empty. */
  readonly identifier?: string
  /**
   * Hears what `work` rejected with, and what a server refuses of the item's lock. The item stays with this member and is tried again:
   * first after a second at the most, then after longer and longer waits, up to a minute. Default: the first
   * failure of each item is reported to the log of the client, or as a warning of the process. So is what this function throws.
   */
  readonly onError?: (item: string, error: unknown) => void
}

export interface Partitioner extends AsyncDisposable {
  readonly path: ZnodePath
  /** Unique name of this member. */
  readonly member: string
  /** Items that are locked for this member now. */
  readonly held: ReadonlySet<string>
  /**
   * Ends all work, waits for it, and leaves the group. Resolves to undefined when that is done, or after `timeout` (default 5000 ms)
   * to a KeeperError that says what is left: items whose work has not ended, the member's znode. Never rejects.
   */
  close(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

/** What the assignment znode holds. */
interface Written {
  /** Members in no order. */
  readonly members: readonly string[]
  /** Items by member. */
  readonly assigned: Readonly<Record<string, readonly string[]>>
}

/** Waits after what failed, milliseconds: an ACL or a quota may be another later, and work may succeed. */
const retry = { baseMs: 1_000, maxMs: 60_000 }
const written = json<Written>()

/**
 * Joins the group. Resolves when this member is in it.
 * @throws KeeperError as `create`, NO_NODE where the chroot does not exist; TIMEOUT; the reason of the signal.
 */
export async function partitioner(zk: Client, path: ZnodePath, options: PartitionerOptions): Promise<Partitioner> {
  checkPlace(zk, path, 'partitioner')
  const own = partitionerOptions(options, 'partitioner')
  if (own.items === undefined) throw wrongType('partitioner', 'options.items', 'a list of strings', own.items)
  if (own.work === undefined) throw wrongType('partitioner', 'options.work', 'a function', own.work)
  own.signal?.throwIfAborted()
  const member = new Membership(zk, path, own)
  using limit = new Limit(zk, 'partitioner', path, own)
  const started = member.start()
  try {
    await limit.until(started)
    return member
  } catch (error) {
    started.catch(() => {})
    void member.close()
    throw error
  }
}

const partitionerOptions = optionsOf<PartitionerOptions>({
  items: list(text, 'a list of strings'),
  work: callable,
  identifier: text,
  onError: callable,
  signal: signalCheck,
  timeout: timeoutCheck,
})

class Membership implements Partitioner {
  readonly path: ZnodePath
  readonly member: string
  readonly #zk: Client
  readonly #options: PartitionerOptions
  readonly #stop = new AbortController()
  readonly #running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  readonly #held = new Set<string>()
  readonly #tasks: Promise<void>[] = []
  readonly #ledger: Ledger
  /** Items of which a failure was reported. */
  readonly #reported = new Set<string>()
  #gone: Promise<LeftBehind | undefined> | undefined
  #epoch = -1
  /** Members by name, with the czxid of each: the oldest writes the assignment. */
  #members = new Map<string, bigint>()
  #areMembersKnown = false
  #assignment: { readonly value: Written | undefined; readonly version: number } | undefined

  constructor(zk: Client, path: ZnodePath, options: PartitionerOptions) {
    this.#zk = zk
    this.path = path
    this.#options = options
    this.#writes = new Backoff(zk, retry)
    // Below the locks, so that these have a parent.
    this.#ledger = new Ledger(zk, `${path}/locks/%marks`)
    const { identifier = '' } = options
    this.member = `${identifier === '' ? '' : `${encodeURIComponent(identifier)}-`}${uniqueName(zk.random)}`
  }

  get held(): ReadonlySet<string> {
    return this.#held
  }

  get #membersPath(): ZnodePath {
    return `${this.path}/members`
  }

  get #assignmentPath(): ZnodePath {
    return `${this.path}/assignment`
  }

  async start(): Promise<void> {
    await this.#join()
    this.#tasks.push(this.#followMembers(), this.#followAssignment(), this.#staySession())
  }

  async close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    const own = callOptions(options, 'partitioner.close')
    this.#gone ??= this.#leave()
    const left = await leaving(this.#zk, 'close', this.#memberPath, this.#gone, own)
    if (left === undefined || this.#held.size === 0) return left
    const message = `work has not ended on ${[...this.#held].join(', ')}; the member is in the group until it has, or the session ends`
    return mayBeThere('close', this.#memberPath, message, left)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #memberPath(): ZnodePath {
    return `${this.#membersPath}/${this.member}`
  }

  async #leave(): Promise<LeftBehind | undefined> {
    this.#stop.abort()
    for (const { abort } of this.#running.values()) abort.abort(new EndedError('MOVED', this.path, 'the member leaves'))
    await Promise.all(this.#tasks)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
    return deleteSurely(this.#zk, this.#memberPath, this.#epoch)
  }

  async #join(): Promise<void> {
    const path = this.#memberPath
    const { signal } = this.#stop
    const backoff = new Backoff(this.#zk, { baseMs: 100 })
    const races = new Races(this.#zk, signal)
    while (!signal.aborted) {
      const { epoch } = this.#zk
      try {
        const { stat } = await createBelow(this.#zk, path, '', { mode: 'ephemeral', signal })
        if (stat.ephemeralOwner === this.#zk.sessionId) {
          this.#epoch = epoch
          return
        }
      } catch (error) {
        if (signal.aborted) return void deleteSurely(this.#zk, path, epoch)
        if (KeeperError.is(error, 'NODE_EXISTS')) {
          const stat = await this.#zk.exists(path, { signal })
          if (stat?.ephemeralOwner === this.#zk.sessionId) {
            this.#epoch = this.#zk.epoch
            return
          }
          // That of the session before is on its way out. One that is not there was never the reason.
          if (stat === undefined) await races.lost(error)
        } else if (!isLost(error)) throw error
      }
      await backoff.pause(signal)
    }
  }

  /** In every new session this member comes anew. */
  async #staySession(): Promise<void> {
    const { signal } = this.#stop
    for await (const state of this.#zk.states({ signal })) {
      if (state.kind !== 'connected' || state.epoch === this.#epoch) continue
      const backoff = new Backoff(this.#zk, retry)
      while (!signal.aborted && !isOver(this.#zk) && this.#epoch !== this.#zk.epoch) {
        try {
          await this.#join()
        } catch {
          // Refused: an ACL or a quota has changed, and may change again.
          await backoff.pause(signal)
        }
      }
    }
  }

  async #followMembers(): Promise<void> {
    const { signal } = this.#stop
    await this.#forever(async () => {
      this.#members = new Map()
      this.#areMembersKnown = false
      for await (const change of this.#zk.watch(this.#membersPath, { children: true, signal })) {
        if (change.kind === 'stale') this.#areMembersKnown = false
        else if (change.kind === 'ready') this.#areMembersKnown = true
        else {
          const name = change.path.slice(this.#membersPath.length + 1)
          if (change.kind === 'deleted') this.#members.delete(name)
          else if (change.kind === 'created') this.#members.set(name, change.stat.czxid)
        }
        this.#lead()
      }
    })
  }

  async #followAssignment(): Promise<void> {
    const { signal } = this.#stop
    await this.#forever(async () => {
      for await (const change of this.#zk.watch(this.#assignmentPath, { codec: written, signal })) {
        if (change.kind === 'created' || change.kind === 'changed') {
          this.#assignment = { value: change.value, version: change.stat.version }
        } else if (change.kind === 'unreadable' && change.stat !== undefined) {
          this.#assignment = { value: undefined, version: change.stat.version }
        } else if (change.kind === 'deleted' || (change.kind === 'ready' && this.#assignment === undefined)) {
          this.#assignment = { value: undefined, version: -1 }
        } else continue
        this.#obey()
        this.#lead()
      }
    })
  }

  /** Again after whatever ended it, until this member leaves. */
  async #forever(task: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop
    const backoff = new Backoff(this.#zk, retry)
    while (!signal.aborted && !isOver(this.#zk)) {
      try {
        await task()
      } catch {
        await backoff.pause(signal)
      }
    }
  }

  // -- leading --------------------------------------------------------------------------------------------------------

  #isLeading = false
  #leadAgain = false
  readonly #writes: Backoff

  /** The oldest member writes who gets what, from what was written before. A version keeps two who take themselves for it apart. */
  #lead(): void {
    if (this.#isLeading) {
      this.#leadAgain = true
      return
    }
    const next = this.#nextAssignment()
    if (next === undefined) return
    this.#isLeading = true
    void this.#write(next.value, next.version).then((isDone) => {
      this.#isLeading = false
      const again = this.#leadAgain || !isDone
      this.#leadAgain = false
      if (again && !this.#stop.signal.aborted) this.#lead()
    })
  }

  #nextAssignment(): { readonly value: Written; readonly version: number } | undefined {
    const { signal } = this.#stop
    if (signal.aborted || !this.#areMembersKnown || this.#assignment === undefined) return undefined
    const mine = this.#members.get(this.member)
    if (mine === undefined || [...this.#members.values()].some((czxid) => czxid < mine)) return undefined
    const { value, version } = this.#assignment
    const members = [...this.#members.keys()].sort()
    const before = assignmentOf(value)
    const items = [...new Set(this.#options.items)]
    const isSame =
      value !== undefined &&
      value.members.length === members.length &&
      members.every((member) => value.members.includes(member)) &&
      before.size === items.length &&
      items.every((item) => before.has(item))
    if (isSame) return undefined
    const after = assign(items, members, before)
    const assigned: Record<string, string[]> = {}
    for (const [item, member] of after) (assigned[member] ??= []).push(item)
    return { value: { members, assigned }, version }
  }

  /** False where it is to be tried again; what others wrote meanwhile comes by itself. */
  async #write(value: Written, version: number): Promise<boolean> {
    const { signal } = this.#stop
    const data = written.encode(value)
    try {
      if (version === -1) await createBelow(this.#zk, this.#assignmentPath, data, { signal })
      else await this.#zk.set(this.#assignmentPath, data, { version, idempotent: true, signal })
      this.#writes.reset()
      return true
    } catch (error) {
      const isRace = (['BAD_VERSION', 'NO_NODE', 'NODE_EXISTS'] as const).some((code) => KeeperError.is(error, code))
      if (isRace || signal.aborted) return true
      await this.#writes.pause(signal)
      return false
    }
  }

  // -- working --------------------------------------------------------------------------------------------------------

  /** Takes up what is assigned to this member, and lets go of what is not. */
  #obey(): void {
    const mine = new Set(this.#assignment?.value?.assigned[this.member] ?? [])
    for (const [item, { abort }] of this.#running) {
      if (!mine.has(item)) abort.abort(new EndedError('MOVED', this.path, `${item} moves to another member`))
    }
    if (this.#stop.signal.aborted) return
    for (const item of mine) if (!this.#running.has(item)) this.#begin(item)
  }

  #begin(item: string): void {
    const abort = new AbortController()
    const done = this.#own(item, abort.signal).then(() => {
      this.#running.delete(item)
      // It may have come back meanwhile.
      this.#obey()
    })
    this.#running.set(item, { abort, done })
  }

  /** Locks, works and unlocks until the item moves; never rejects. */
  async #own(item: string, signal: AbortSignal): Promise<void> {
    const path: ZnodePath = `${this.path}/locks/${lockName(item)}`
    const backoff = new Backoff(this.#zk, retry)
    while (!signal.aborted && !isOver(this.#zk)) {
      const { epoch } = this.#zk
      using lease = this.#zk.lease()
      try {
        await this.#lock(path, epoch, signal)
      } catch (error) {
        if (signal.aborted || isLost(error)) continue
        this.#report(item, error)
        await backoff.pause(signal)
        continue
      }
      backoff.reset()
      await this.#workOn(item, signal, lease.signal)
      await this.#ledger.release(path, epoch)
    }
  }

  async #workOn(item: string, moved: AbortSignal, lost: AbortSignal): Promise<void> {
    using both = new LinkedAbort(moved, lost)
    const { signal } = both
    using _ = this.#zk.hold()
    if (signal.aborted) return
    this.#held.add(item)
    const backoff = new Backoff(this.#zk, { ...retry, maxMs: 10_000 })
    try {
      while (!signal.aborted) {
        try {
          await this.#options.work(item, signal)
          // Done, and still ours.
          if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        } catch (error) {
          if (signal.aborted) break
          this.#report(item, error)
          await backoff.pause(signal)
        }
      }
    } finally {
      this.#held.delete(item)
    }
  }

  #report(item: string, error: unknown): void {
    const { onError } = this.#options
    if (onError !== undefined) return callSafely(this.#zk, () => onError(item, error))
    // Nobody asked to hear of it, and nobody else would: once for each item.
    if (this.#reported.has(item)) return
    this.#reported.add(item)
    report(this.#zk, error)
  }

  /** Resolves when it is held, in session `epoch`. With the ledger nobody takes another's lock of the same session for its own. */
  async #lock(path: ZnodePath, epoch: number, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#zk)
    for (;;) {
      signal.throwIfAborted()
      try {
        return await this.#ledger.run([op.create(path, this.member, { mode: 'ephemeral' })], { epoch })
      } catch (error) {
        if (failedWith(error) !== 'NODE_EXISTS') throw refusalOf(error, 'partitioner')
        using limit = new Limit(this.#zk, 'lock', path, { signal })
        // Another has it, for as long as its znode is there.
        await gone(this.#zk, path, limit)
        await backoff.pause(signal)
      }
    }
  }
}

function assignmentOf(value: Written | undefined): Assignment {
  const owners = new Map<string, string>()
  for (const [member, items] of Object.entries(value?.assigned ?? {}))
    for (const item of items) owners.set(item, member)
  return owners
}

/** An item as the name of a znode. */
function lockName(item: string): string {
  const name = encodeURIComponent(item)
  return /^\.{0,2}$/.test(name) ? `%${name}` : name
}
