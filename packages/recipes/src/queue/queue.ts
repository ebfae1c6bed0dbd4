/**
 * Queues whose items are consumed at least once: a consumer claims an item by an ephemeral of its name, and deletes the item only
 * when it is done; a consumer that dies gives its items back.
 */
import {
  bytes,
  type CallOptions,
  type Client,
  type Codec,
  KeeperError,
  op,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import { callOptions, signalOption } from '../arguments/calls.ts'
import {
  bytesOf,
  callable,
  checkPlace,
  codec as codecCheck,
  looking,
  number,
  oneOf,
  optionsOf,
  outOfRange,
  pathBelow,
  text,
  wrongType,
} from '../arguments/checks.ts'
import { Backoff } from '../common/backoff.ts'
import { answerOf } from '../common/call-safely.ts'
import { makeContainer } from '../common/container.ts'
import { type LeaveOptions, type LeftBehind, leaveMs, leaving } from '../common/leaving.ts'
import { Ledger } from '../common/marked-transactions.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { below } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { failedWith, refusalOf } from '../common/errors.ts'
import { sleep } from '../common/sleep.ts'
import { WaitingLine } from '../common/waiting-line.ts'
import { decodeItems, encodeItems } from './frame.ts'
import { inOrder, type Layout, layouts, nextItem, type Place } from './layout.ts'

export interface QueueOptions<T = Uint8Array> {
  /** How items are written. Default: bytes as they are. */
  readonly codec?: Codec<T>
  /** Where items are claimed: the `lockPath` of Curator's consumers. Default `<path>-claims`; `<path>/taken` in kazoo's layout. */
  readonly claims?: ZnodePath
  /** Data of this consumer's claims, for people who look. Default empty. */
  readonly identifier?: string
  /** With so many items `put` waits until some are consumed; several producers may exceed it a little. Default: no limit. */
  readonly itemsMax?: number
  /** What becomes of an item that cannot be decoded: skipped, and left where it is, or dropped. Default: skipped. */
  readonly onUnreadable?: (error: unknown, data: Uint8Array) => 'skip' | 'drop'
}

export interface LayoutOption {
  /** Curator's, or that of kazoo's LockingQueue or Queue; consumers of the latter take items others have claimed. Default `curator`. */
  readonly layout?: 'curator' | 'kazooLocking' | 'kazooQueue'
}

/** An item this consumer has claimed. Disposing of it gives it back unless it is done. */
export interface QueueItem<T> extends AsyncDisposable {
  readonly value: T
  /** Aborts when others may take the item: the session of the claim is about to expire. */
  readonly signal: AbortSignal
  /**
   * Deletes the item. Where the claim was lost meanwhile it is deleted all the same: it was processed.
   * @throws KeeperError TIMEOUT after `timeout` (default 5000 ms), and the reason of the signal, where no server has confirmed it: it
   *   is tried on until the session ends, after which the item comes again.
   */
  done(options?: WaitOptions): Promise<void>
  /** Puts it at the end of the queue, or of its priority. @throws as `done`. */
  requeue(options?: WaitOptions): Promise<void>
  /**
   * Gives it back at its place. Resolves to undefined when that is done, or after `timeout` (default 5000 ms) to a KeeperError that
   * names the claim, which may keep the item from others until the session ends. Never rejects.
   */
  release(options?: LeaveOptions): Promise<LeftBehind | undefined>
}

export interface Consumer<T> {
  readonly path: ZnodePath
  /** The next item; waits for one. @throws the signal's reason, KeeperError TIMEOUT, CLOSED: no item is claimed then. */
  take(options?: WaitOptions): Promise<QueueItem<T>>
  /** Items for as long as the signal lets. Each is claimed when it is asked for, and stays so until it is done or given back. */
  items(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<QueueItem<T>, void, void>
  /** Items there are, claimed ones among them. */
  length(options?: CallOptions): Promise<number>
}

export interface Queue<T> extends Consumer<T> {
  /**
   * @throws KeeperError SESSION_EXPIRED with outcome `unknown` where the session ended before the reply: the item was put once or
   *   not at all.
   */
  put(value: T, options?: WaitOptions): Promise<void>
}

export interface PriorityQueue<T> extends Consumer<T> {
  /** Lower priorities are taken first: 32 bits with a sign; 0 to 999 in kazoo's layout. */
  put(value: T, priority: number, options?: WaitOptions): Promise<void>
}

export interface DelayQueue<T> extends Consumer<T> {
  /** Not taken before `at`, or before `delay` milliseconds have passed, by the wall clocks of producer and consumer. */
  put(value: T, when: { readonly at: Date } | { readonly delay: number }, options?: WaitOptions): Promise<void>
}

/** First in, first out. Curator's DistributedQueue with a lock path, or kazoo's LockingQueue. Sends nothing. */
export function queue<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  options: QueueOptions<T> & LayoutOption = {},
): Queue<T> {
  checkPlace(zk, path, 'queue')
  const own = laidOutOptions(options, 'queue') as QueueOptions<T> & LayoutOption
  const { layout = 'curator', ...more } = own
  const isKazoo = layout !== 'curator'
  const store = new Store<T>(zk, path, isKazoo ? layouts[layout] : layouts.plain, more)
  // kazoo's own default.
  return { ...consumer(store), put: (value, wait) => store.put(value, isKazoo ? 100 : 0, wait) }
}

/** Curator's DistributedPriorityQueue, or kazoo's LockingQueue. Sends nothing. */
export function priorityQueue<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  options: QueueOptions<T> & LayoutOption = {},
): PriorityQueue<T> {
  checkPlace(zk, path, 'priorityQueue')
  const { layout = 'curator', ...more } = laidOutOptions(options, 'priorityQueue') as QueueOptions<T> & LayoutOption
  const isKazoo = layout !== 'curator'
  const store = new Store<T>(zk, path, isKazoo ? layouts[layout] : layouts.priority, more)
  const priorityOf = isKazoo ? number('', 0, 999) : number('', -0x8000_0000, 0x7fff_ffff)
  return {
    ...consumer(store),
    async put(value, priority, own) {
      return store.put(value, priorityOf(priority, 'priority', 'priorityQueue.put'), own)
    },
  }
}

/** Curator's DistributedDelayQueue. Sends nothing. */
export function delayQueue<T = Uint8Array>(zk: Client, path: ZnodePath, options: QueueOptions<T> = {}): DelayQueue<T> {
  checkPlace(zk, path, 'delayQueue')
  const store = new Store<T>(zk, path, layouts.delay, delayOptions(options, 'delayQueue') as QueueOptions<T>)
  return {
    ...consumer(store),
    async put(value, when, own) {
      return store.put(value, timeOf(when, zk.clock.wall()), own)
    },
  }
}

/** As names of a delay queue can hold it. */
const wallMsMax = Number.MAX_SAFE_INTEGER

function timeOf(when: unknown, nowMs: number): number {
  const operation = 'delayQueue.put'
  return looking('when', operation, () => {
    const expected = '{ at: a Date } or { delay: milliseconds }'
    if (typeof when !== 'object' || when === null) throw wrongType(operation, 'when', expected, when)
    const { at, delay } = when as { readonly at?: unknown; readonly delay?: unknown }
    if ((at === undefined) === (delay === undefined)) throw wrongType(operation, 'when', expected, when)
    if (at !== undefined && !(at instanceof Date)) throw wrongType(operation, 'when.at', 'a Date', at)
    if (delay !== undefined && typeof delay !== 'number') {
      throw wrongType(operation, 'when.delay', 'a number of milliseconds', delay)
    }
    const time = at === undefined ? nowMs + (delay as number) : Date.prototype.getTime.call(at)
    if (time >= 0 && time <= wallMsMax) return time
    throw outOfRange(operation, at === undefined ? 'when.delay' : 'when.at', 'a time after 1970', at ?? delay)
  })
}

const queueTable = {
  codec: codecCheck,
  claims: pathBelow,
  identifier: text,
  itemsMax: number('items', 1, Number.POSITIVE_INFINITY),
  onUnreadable: callable,
}
const delayOptions = optionsOf<QueueOptions<unknown>>(queueTable)
const layoutOf = oneOf('curator', 'kazooLocking', 'kazooQueue')
const laidOutOptions = optionsOf<QueueOptions<unknown> & LayoutOption>({ ...queueTable, layout: layoutOf })

function consumer<T>(store: Store<T>): Consumer<T> {
  return {
    path: store.path,
    take: async (options) => store.take(callOptions(options, 'queue.take')),
    items: (options) => store.itemsOf(signalOption(options, 'queue.items').signal),
    length: async (options) => store.length(callOptions(options, 'queue.length')),
  }
}

/** Waits between looks at a queue that is full, milliseconds: there is room when somebody has consumed. */
const fullPoll = { baseMs: 100, maxMs: 1_000 }
/** How many plain items are taken from one list before it is read again. Other lists are read each time, since what is put may go first. */
const listedMax = 1_000

/** A list of children, with an event when it is outdated. */
interface Watched {
  hasFired: boolean
  readonly changed: Promise<unknown>
}

class Store<T> {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #layout: Layout
  readonly #options: QueueOptions<T>
  readonly #codec: Codec<T>
  readonly #items: ZnodePath
  readonly #claims: ZnodePath
  readonly #ledger: Ledger
  /** What was listed and not tried yet. */
  #listed: Place[] = []
  readonly #skipped = new Set<string>()
  /** When they were listed last. */
  #seen: { readonly items: number; readonly claimed: number } | undefined
  /** The rest of an item znode that holds several. */
  #backlog: QueueItem<T>[] = []
  readonly #watches = new Map<ZnodePath, Watched>()

  constructor(zk: Client, path: ZnodePath, layout: Layout, options: QueueOptions<T>) {
    this.#zk = zk
    this.path = path
    this.#layout = layout
    this.#options = options
    this.#codec = options.codec ?? (bytes as unknown as Codec<T>)
    this.#items = layout.items(path)
    this.#claims = options.claims ?? layout.claims(path)
    // Apart from the claims, whose list is watched.
    this.#ledger = new Ledger(zk, `${this.#claims}/marks`)
  }

  // -- putting --------------------------------------------------------------------------------------------------------

  async put(value: T, rank: number, given?: WaitOptions): Promise<void> {
    const options = callOptions(given, 'queue.put')
    const encoded = bytesOf(await this.#codec.encode(value), 'what the codec gives', 'queue.put')
    const data = this.#layout.isFramed ? encodeItems([encoded]) : encoded
    using limit = new Limit(this.#zk, 'put', this.path, options)
    await this.#room(limit)
    const create = op.create(this.#itemPath(this.#layout.name(rank)), data, { sequential: true })
    const races = new Races(this.#zk, limit.signal)
    for (;;) {
      try {
        return await this.#ledger.run([create], { bytes: data.length, signal: limit.signal })
      } catch (error) {
        if (failedWith(error) !== 'NO_NODE') throw refusalOf(error, 'put')
        // Not made yet, or reaped while it was empty.
        await makeContainer(this.#zk, this.#items, limit.signal)
        await races.lost(refusalOf(error, 'put'))
      }
    }
  }

  async #room(limit: Limit): Promise<void> {
    const { itemsMax = Number.POSITIVE_INFINITY } = this.#options
    if (itemsMax === Number.POSITIVE_INFINITY) return
    const backoff = new Backoff(this.#zk, fullPoll)
    limit.tell = () => `the queue is full: it has ${itemsMax} items or more`
    while ((await this.length(limit.step)) >= itemsMax) {
      await backoff.pause(limit.signal)
      limit.signal.throwIfAborted()
    }
  }

  async length(options: CallOptions = {}): Promise<number> {
    return (await this.#zk.exists(this.#items, options))?.numChildren ?? 0
  }

  #itemPath(name: string): ZnodePath {
    return below(this.#items, name)
  }

  #claimPath(name: string): ZnodePath {
    return below(this.#claims, name)
  }

  // -- taking ---------------------------------------------------------------------------------------------------------

  async *itemsOf(signal: AbortSignal | undefined): AsyncGenerator<QueueItem<T>, void, void> {
    while (signal?.aborted !== true) {
      let item: QueueItem<T>
      try {
        item = await this.take({ signal })
      } catch (error) {
        if (signal?.aborted) return
        throw error
      }
      yield item
    }
  }

  async take(options: WaitOptions = {}): Promise<QueueItem<T>> {
    using limit = new Limit(this.#zk, 'take', this.path, options)
    limit.signal.throwIfAborted()
    limit.tell = () => this.#whyNothing()
    const line = new WaitingLine(this.#zk, `${this.#claims}/line`)
    try {
      for (;;) {
        const item = (await this.#takeListed(limit)) ?? (await this.#takeNow(limit, false)).item
        if (item !== undefined) return item
        // Nothing to be had: whoever waits longest is told of the next.
        await line.first(limit)
        const found = await this.#takeNow(limit, true)
        if (found.item !== undefined) return found.item
        await this.#changed(found.at, limit)
      }
    } finally {
      line.leave()
    }
  }

  async #takeListed(limit: Limit): Promise<QueueItem<T> | undefined> {
    for (;;) {
      const left = this.#backlog.shift()
      if (left !== undefined) return left
      const place = this.#listed.shift()
      if (place === undefined) return undefined
      const item = await this.#claim(place, limit)
      if (item !== undefined) return item
    }
  }

  /** The first item that can be had; else when the next is due. */
  async #takeNow(limit: Limit, isWatched: boolean): Promise<{ readonly item?: QueueItem<T>; readonly at: number }> {
    const [names, claimed] = await Promise.all([
      this.#list(this.#items, limit, isWatched),
      this.#list(this.#claims, limit, isWatched),
    ])
    const places = inOrder(this.#layout, names).filter(({ name }) => !this.#skipped.has(name))
    if (this.#skipped.size > 0) this.#forgetSkipped(names)
    const taken = new Set(claimed)
    this.#seen = { items: places.length, claimed: places.filter(({ name }) => taken.has(name)).length }
    const isFree = ({ name }: Place): boolean => !taken.has(name)
    if (this.#layout === layouts.plain) {
      // What is put later goes behind: the list serves for many takes.
      this.#listed = places.filter(isFree).slice(0, listedMax)
      const item = await this.#takeListed(limit)
      return item === undefined ? { at: Number.POSITIVE_INFINITY } : { item, at: 0 }
    }
    for (;;) {
      const next = nextItem(this.#layout, places, (name) => taken.has(name), this.#zk.clock.wall())
      if (next.kind === 'wait') return { at: next.at }
      taken.add(next.place.name)
      const item = await this.#claim(next.place, limit)
      if (item !== undefined) return { item, at: 0 }
    }
  }

  /** For the error of a `take` that has waited in vain. */
  #whyNothing(): string | undefined {
    const seen = this.#seen
    if (seen === undefined) return undefined
    const unreadable = this.#skipped.size === 0 ? '' : `, but for ${this.#skipped.size} that could not be read`
    if (seen.items === 0) return `the queue is empty${unreadable}`
    const due = this.#layout.isTimed ? ', the others are not due yet' : ''
    return `of ${seen.items} items ${seen.claimed} are claimed by consumers${due}${unreadable}`
  }

  #forgetSkipped(names: readonly string[]): void {
    const there = new Set(names)
    for (const name of this.#skipped) if (!there.has(name)) this.#skipped.delete(name)
  }

  async #list(path: ZnodePath, limit: Limit, isWatched: boolean): Promise<readonly string[]> {
    const races = new Races(this.#zk, limit.signal)
    for (;;) {
      const known = this.#watches.get(path)
      // A watch that stands is not set again: those of takes that were given up must not pile up.
      const watch = isWatched && (known === undefined || known.hasFired)
      try {
        const { children, changed } = await this.#zk.children(path, { ...limit.step, watch })
        if (changed !== undefined) this.#watches.set(path, watched(changed))
        else if (isWatched && this.#watches.get(path)?.hasFired === true) continue
        return children
      } catch (error) {
        if (!KeeperError.is(error, 'NO_NODE')) throw error
        if (!isWatched) return []
        // Not made yet, or reaped while it was empty: whoever puts something there makes it, which is heard of.
        const { stat, changed } = await this.#zk.existence(path, { ...limit.step, watch: true })
        if (stat === undefined && changed !== undefined) {
          this.#watches.set(path, watched(changed))
          return []
        }
        await races.lost(error)
      }
    }
  }

  /** Until a list has changed, or the time has come. */
  async #changed(at: number, limit: Limit): Promise<void> {
    const end = new AbortController()
    const waits = [...this.#watches.values()].map(({ changed }) => changed)
    const due =
      at === Number.POSITIVE_INFINITY
        ? []
        : [sleep(this.#zk.clock, Math.max(1, at - this.#zk.clock.wall()), end.signal)]
    try {
      await limit.until(Promise.race([...waits, ...due]))
    } finally {
      end.abort()
    }
  }

  /** Undefined where somebody else has it, or it is gone. */
  async #claim({ name, rank }: Place, limit: Limit): Promise<QueueItem<T> | undefined> {
    const { epoch } = this.#zk
    const item = this.#itemPath(name)
    const claim = this.#claimPath(name)
    const lease = this.#zk.lease()
    const giveUp = (): void => {
      lease[Symbol.dispose]()
      void this.#ledger.release(claim, epoch)
    }
    // Goes out beside the claim, which checks that the item is there: an item never changes.
    const reading = this.#zk.find(item, limit.step)
    reading.catch(() => {})
    const claiming = this.#ledger.run(
      [op.check(item), op.create(claim, this.#options.identifier ?? '', { mode: 'ephemeral' })],
      { epoch },
    )
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
      if (isTaken) return undefined
      throw refusalOf(error, 'take')
    }
    try {
      const found = (await reading) ?? (await this.#zk.find(item, limit.step))
      if (found === undefined) {
        giveUp()
        return undefined
      }
      const held = { item, claim, name, rank, epoch, stat: found.stat, lease }
      return await this.#decode(held, found.data)
    } catch (error) {
      giveUp()
      throw error
    }
  }

  async #decode(held: Held, data: Uint8Array): Promise<QueueItem<T> | undefined> {
    let parts: Uint8Array[]
    let values: T[]
    try {
      parts = this.#layout.isFramed ? decodeItems(data) : [data]
      values = await Promise.all(parts.map((part) => this.#codec.decode(part)))
    } catch (error) {
      const group = new Group(held, [data])
      if (answerOf(this.#options.onUnreadable?.(error, data)) === 'drop') await this.#finish(group)
      else {
        this.#skipped.add(held.name)
        await this.#giveBack(held)
      }
      return undefined
    }
    const group = new Group(held, parts)
    if (values.length === 0) {
      await this.#finish(group)
      return undefined
    }
    const [first, ...rest] = values.map((value, i) => this.#item(group, i, value))
    this.#backlog.push(...rest)
    return first
  }

  #item(group: Group, i: number, value: T): QueueItem<T> {
    const settle = (how: Ending): Promise<LeftBehind | undefined> => {
      if (!group.settle(i, how)) return group.finished
      group.finished = this.#finish(group)
      group.finished.catch(() => {})
      return group.finished
    }
    const { claim } = group.held
    const end = async (how: Ending, options?: WaitOptions): Promise<void> => {
      const { signal, timeout = leaveMs } = callOptions(options, `queue item.${how}`)
      using limit = new Limit(this.#zk, how, this.path, { signal, timeout })
      await limit.until(settle(how))
    }
    const release = async (options?: LeaveOptions): Promise<LeftBehind | undefined> => {
      const own = callOptions(options, 'queue item.release')
      const released = settle('release').catch((error: unknown) => (KeeperError.is(error) ? error : undefined))
      return leaving(this.#zk, 'release', claim, released, own)
    }
    return {
      value,
      signal: group.held.lease.signal,
      done: (own) => end('done', own),
      requeue: (own) => end('requeue', own),
      release,
      [Symbol.asyncDispose]: async () => void (await release()),
    }
  }

  async #finish(group: Group): Promise<LeftBehind | undefined> {
    const { held } = group
    const { item, claim, epoch, stat, rank } = held
    if (group.isReleased) return this.#giveBack(held)
    const again = group.requeued
    const data = this.#layout.isFramed ? encodeItems(again) : (again[0] ?? new Uint8Array())
    const create =
      again.length === 0 ? [] : [op.create(this.#itemPath(this.#layout.name(rank)), data, { sequential: true })]
    try {
      await this.#ledger.run([op.delete(item, { version: stat.version }), op.delete(claim), ...create], {
        bytes: data.length,
        epoch,
      })
      return undefined
    } catch (error) {
      const isGone = failedWith(error) === 'NO_NODE' || KeeperError.is(error, 'SESSION_EXPIRED')
      if (!isGone) throw refusalOf(error, 'done')
      // The claim is lost, or somebody took the item without one.
      if (again.length === 0) await this.#deleteUnclaimed(held)
      return await this.#giveBack(held)
    } finally {
      held.lease[Symbol.dispose]()
    }
  }

  async #deleteUnclaimed({ item, stat }: Held): Promise<void> {
    // Numbers begin anew where the queue was made anew: another item may have the name.
    const found = await this.#zk.exists(item)
    if (found?.czxid !== stat.czxid) return
    try {
      await this.#zk.delete(item, { version: stat.version, idempotent: true })
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE') && !KeeperError.is(error, 'BAD_VERSION')) throw error
    }
  }

  #giveBack({ claim, epoch, lease }: Held): Promise<LeftBehind | undefined> {
    lease[Symbol.dispose]()
    return this.#ledger.release(claim, epoch)
  }
}

interface Held {
  readonly item: ZnodePath
  readonly claim: ZnodePath
  readonly name: string
  readonly rank: number
  readonly epoch: number
  readonly stat: ZnodeStat
  readonly lease: { readonly signal: AbortSignal; [Symbol.dispose](): void }
}

type Ending = 'done' | 'requeue' | 'release'

/** The items of one znode, which ends with the last of them. */
class Group {
  readonly held: Held
  finished: Promise<LeftBehind | undefined> = Promise.resolve(undefined)
  readonly #parts: readonly Uint8Array[]
  readonly #endings = new Map<number, Ending>()

  constructor(held: Held, parts: readonly Uint8Array[]) {
    this.held = held
    this.#parts = parts
  }

  /** The first ending counts. True when it was the last that was missing. */
  settle(i: number, how: Ending): boolean {
    if (this.#endings.has(i)) return false
    this.#endings.set(i, how)
    return this.#endings.size === this.#parts.length
  }

  /** Given back by one, it is processed again as a whole. */
  get isReleased(): boolean {
    return [...this.#endings.values()].includes('release')
  }

  get requeued(): Uint8Array[] {
    return this.#parts.filter((_, i) => this.#endings.get(i) === 'requeue')
  }
}

function watched(changed: Promise<unknown>): Watched {
  const each: Watched = { hasFired: false, changed }
  void changed.then(() => void (each.hasFired = true))
  return each
}
