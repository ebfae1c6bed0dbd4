/**
 * The items that this consumer has claimed. A claim is an ephemeral with the name of the item; item and claim are deleted together
 * when the work is done. An item znode may hold several items, which end together.
 */
import { KeeperError, type Lease, op, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { callOptions } from '../arguments/options.ts'
import { answerOf } from '../common/call-safely.ts'
import { failedWith, refusalOf } from '../common/errors.ts'
import { type LeaveOptions, type LeftBehind, leaveMs, leaving } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import type { Place } from './layout.ts'
import type { Site } from './site.ts'

/** An item that this consumer has claimed. Its disposal gives the item back unless it is done. */
export interface QueueItem<T> extends AsyncDisposable {
  /** The item, as the codec read it. */
  readonly value: T
  /** Aborts when other consumers may take the item: the session of the claim is about to expire. */
  readonly signal: AbortSignal
  /**
   * Deletes the item, even if the claim was lost meanwhile: the item was processed.
   * @throws KeeperError TIMEOUT after `timeout` (default 5000 ms) and the reason of the signal, where no server has confirmed it.
   * The deletion is tried until the session ends; after that the item comes again. Also KeeperError where a server refuses it (an ACL,
   * a quota, an item that another client has written): the claim stays, so this can be tried again, and `release` gives the item back.
   */
  done(options?: WaitOptions): Promise<void>
  /** Puts it at the end of the queue, or at the end of its priority. @throws as `done`. */
  requeue(options?: WaitOptions): Promise<void>
  /**
   * Gives it back; it keeps its place. Resolves to undefined when that is done, or after `timeout` (default 5000 ms) to a
   * KeeperError that names the claim, which may block the item for others until the session ends. Never rejects.
   */
  release(options?: LeaveOptions): Promise<LeftBehind | undefined>
  /**
   * As `release`, by the name that everything disposable has. After `done` or `requeue` it only waits for their end, unless a server
   * refuses them: then it gives the item back.
   */
  close(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

/** A claim of ours, and its item znode. */
interface Claim {
  readonly item: ZnodePath
  readonly path: ZnodePath
  readonly rank: number
  readonly epoch: number
  readonly stat: ZnodeStat
  readonly lease: Lease
}

/** `unreadable`: it was given back, and will be skipped. `none`: another consumer has it, it is gone, or it was dropped. */
export type Claimed<T> = readonly QueueItem<T>[] | 'unreadable' | 'none'

/** Claims the item at `place`. @throws the reason of the limit's signal, KeeperError where a server refuses the claim. */
export async function claim<T>(site: Site<T>, { name, rank }: Place, limit: Limit): Promise<Claimed<T>> {
  const { zk, transactions } = site
  const { epoch } = zk
  const item = site.itemPath(name)
  const path = site.claimPath(name)
  const lease = zk.lease()
  const giveUp = (): void => {
    lease[Symbol.dispose]()
    void transactions.release(path, epoch)
  }
  // Sent together with the claim, which checks that the item exists: an item never changes.
  const reading = zk.find(item, limit.step)
  reading.catch(() => {})
  const create = op.create(path, site.options.identifier ?? '', { mode: 'ephemeral' })
  const claiming = transactions.run([op.check(item), create], { epoch })
  try {
    await limit.until(claiming)
  } catch (error) {
    if (limit.signal.aborted) {
      void claiming.then(giveUp, () => lease[Symbol.dispose]())
      throw error
    }
    lease[Symbol.dispose]()
    const code = failedWith(error)
    const isTaken = code === 'NO_NODE' || code === 'NODE_EXISTS' || KeeperError.is(error, 'SESSION_EXPIRED')
    if (isTaken) return 'none'
    throw refusalOf(error, 'take')
  }
  try {
    const found = (await reading) ?? (await zk.find(item, limit.step))
    if (found === undefined) {
      giveUp()
      return 'none'
    }
    return await decode(site, { item, path, rank, epoch, stat: found.stat, lease }, found.data)
  } catch (error) {
    giveUp()
    throw error
  }
}

async function decode<T>(site: Site<T>, own: Claim, data: Uint8Array): Promise<Claimed<T>> {
  let parts: Uint8Array[]
  let values: T[]
  try {
    parts = site.parted(data)
    values = await Promise.all(parts.map((part) => site.codec.decode(part)))
  } catch (error) {
    if (answerOf(site.options.onUnreadable?.(error, data)) === 'drop') {
      await finish(site, new ItemGroup(own, [data]))
      return 'none'
    }
    await giveBack(site, own)
    return 'unreadable'
  }
  const group = new ItemGroup(own, parts)
  if (values.length > 0) return values.map((value, i) => itemOf(site, group, i, value))
  await finish(site, group)
  return 'none'
}

type Ending = 'done' | 'requeue' | 'release'

const nothingLeft: Promise<undefined> = Promise.resolve(undefined)

/** The items of one item znode, which ends with the last of them. */
class ItemGroup {
  readonly claim: Claim
  finished: Promise<LeftBehind | undefined> = nothingLeft
  readonly #parts: readonly Uint8Array[]
  readonly #endings = new Map<number, Ending>()

  constructor(own: Claim, parts: readonly Uint8Array[]) {
    this.claim = own
    this.#parts = parts
  }

  /** The first ending of each item counts. Returns true when every item has one. */
  settle(i: number, how: Ending): boolean {
    if (this.#endings.has(i)) return false
    this.#endings.set(i, how)
    return this.#endings.size === this.#parts.length
  }

  /** The last ending, of item `i`, was refused, so it does not count, and the claim is still ours. */
  reopen(i: number): void {
    this.#endings.delete(i)
    this.finished = nothingLeft
  }

  /** One item that is given back is enough: then the whole znode is processed again. */
  get isReleased(): boolean {
    return [...this.#endings.values()].includes('release')
  }

  get requeued(): Uint8Array[] {
    return this.#parts.filter((_, i) => this.#endings.get(i) === 'requeue')
  }
}

function itemOf<T>(site: Site<T>, group: ItemGroup, i: number, value: T): QueueItem<T> {
  const settle = (how: Ending): Promise<LeftBehind | undefined> => {
    if (!group.settle(i, how)) return group.finished
    const finished = finish(site, group).catch((error: unknown) => {
      group.reopen(i)
      throw error
    })
    finished.catch(() => {})
    group.finished = finished
    return finished
  }
  const end = async (how: Ending, options?: WaitOptions): Promise<void> => {
    const { signal, timeout = leaveMs } = callOptions(options, `queue item.${how}`)
    using limit = new Limit(site.zk, how, site.path, { signal, timeout })
    await limit.until(settle(how))
  }
  const release = async (options?: LeaveOptions): Promise<LeftBehind | undefined> => {
    const own = callOptions(options, 'queue item.release')
    // `done` or `requeue` may be under way. Where a server refuses them, the claim is given back.
    const released = settle('release').catch(() => settle('release'))
    return leaving(site.zk, 'release', group.claim.path, released, own)
  }
  return {
    value,
    signal: group.claim.lease.signal,
    done: (own) => end('done', own),
    requeue: (own) => end('requeue', own),
    release,
    close: release,
    [Symbol.asyncDispose]: async () => void (await release()),
  }
}

/** Ends the lease, unless it throws: then the claim may still be ours. */
async function finish<T>(site: Site<T>, group: ItemGroup): Promise<LeftBehind | undefined> {
  const { claim: own, requeued } = group
  if (group.isReleased) return giveBack(site, own)
  const data = site.joined(requeued)
  const create = op.create(site.itemPath(site.layout.name(own.rank)), data, { sequential: true })
  const deletes = [op.delete(own.item, { version: own.stat.version }), op.delete(own.path)]
  try {
    const ops = requeued.length === 0 ? deletes : [...deletes, create]
    await site.transactions.run(ops, { bytes: data.length, epoch: own.epoch })
  } catch (error) {
    const isGone = failedWith(error) === 'NO_NODE' || KeeperError.is(error, 'SESSION_EXPIRED')
    if (!isGone) throw refusalOf(error, 'done')
    // The claim is lost, or a consumer without claims has taken the item.
    if (requeued.length === 0) await deleteUnclaimed(site, own)
    return await giveBack(site, own)
  }
  own.lease[Symbol.dispose]()
  return undefined
}

async function deleteUnclaimed<T>({ zk }: Site<T>, { item, stat }: Claim): Promise<void> {
  // If the queue was deleted and created again, its numbers begin again, so another item may have the name.
  const found = await zk.exists(item)
  if (found?.czxid !== stat.czxid) return
  try {
    await zk.delete(item, { version: stat.version, idempotent: true })
  } catch (error) {
    if (!KeeperError.is(error, 'NO_NODE') && !KeeperError.is(error, 'BAD_VERSION')) throw error
  }
}

function giveBack<T>(site: Site<T>, { path, epoch, lease }: Claim): Promise<LeftBehind | undefined> {
  lease[Symbol.dispose]()
  return site.transactions.release(path, epoch)
}
