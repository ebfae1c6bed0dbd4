/** Takes items from a queue, one after the other, and waits while there are none. */
import { KeeperError, type ZnodePath } from '@lightkeeper/client'
import { firstOf } from '../common/first-of.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { Races } from '../common/races.ts'
import { sleep } from '../common/sleep.ts'
import { WaitingLine } from '../common/waiting-line.ts'
import { claim, type QueueItem } from './claimed.ts'
import { inOrder, nextItem, type Place } from './layout.ts'
import type { Site } from './site.ts'

/** How many items of an append-only queue are taken from one list before it is read again. */
const listedMax = 1_000

/** A list of children, with an event for its next change. */
interface WatchedList {
  hasFired: boolean
  readonly changed: Promise<unknown>
}

export class QueueConsumer<T> {
  readonly #site: Site<T>
  /** Listed items that were not tried yet. */
  #listed: Place[] = []
  /** Names of items that cannot be decoded. */
  readonly #skipped = new Set<string>()
  /** Numbers of items in the last list. */
  #seen: { readonly items: number; readonly claimed: number } | undefined
  /** The rest of an item znode that holds several items. */
  readonly #backlog: QueueItem<T>[] = []
  readonly #watches = new Map<ZnodePath, WatchedList>()

  constructor(site: Site<T>) {
    this.#site = site
  }

  async *items(signal: AbortSignal | undefined): AsyncGenerator<QueueItem<T>, void, void> {
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

  async take(options: WaitOptions): Promise<QueueItem<T>> {
    const { zk, path, claims } = this.#site
    using limit = new Limit(zk, 'take', path, options)
    limit.signal.throwIfAborted()
    limit.reason = () => this.#whyNothing()
    const line = new WaitingLine(zk, `${claims}/line`)
    try {
      for (;;) {
        const item = (await this.#takeListed(limit)) ?? (await this.#takeNow(limit, false)).item
        if (item !== undefined) return item
        // There is none: the consumer that has waited longest watches for the next one.
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

  /** The first item that this consumer gets; otherwise the time when the next one is due. */
  async #takeNow(limit: Limit, isWatched: boolean): Promise<{ readonly item?: QueueItem<T>; readonly at: number }> {
    const { zk, layout, items, claims } = this.#site
    const [names, claimed] = await Promise.all([
      this.#list(items, limit, isWatched),
      this.#list(claims, limit, isWatched),
    ])
    const places = inOrder(layout, names).filter(({ name }) => !this.#skipped.has(name))
    if (this.#skipped.size > 0) this.#forgetSkipped(names)
    const taken = new Set(claimed)
    this.#seen = { items: places.length, claimed: places.filter(({ name }) => taken.has(name)).length }
    if (layout.isAppendOnly) {
      this.#listed = places.filter(({ name }) => !taken.has(name)).slice(0, listedMax)
      const item = await this.#takeListed(limit)
      return item === undefined ? { at: Number.POSITIVE_INFINITY } : { item, at: 0 }
    }
    for (;;) {
      const next = nextItem(layout, places, (name) => taken.has(name), zk.clock.wall())
      if (next.kind === 'wait') return { at: next.at }
      taken.add(next.place.name)
      const item = await this.#claim(next.place, limit)
      if (item !== undefined) return { item, at: 0 }
    }
  }

  /** Undefined where another consumer has it, it is gone, or it cannot be decoded. */
  async #claim(place: Place, limit: Limit): Promise<QueueItem<T> | undefined> {
    const claimed = await claim(this.#site, place, limit)
    if (claimed === 'unreadable') this.#skipped.add(place.name)
    if (claimed === 'unreadable' || claimed === 'none') return undefined
    const [first, ...rest] = claimed
    this.#backlog.push(...rest)
    return first
  }

  /** For the error of a `take` that got nothing. */
  #whyNothing(): string | undefined {
    const seen = this.#seen
    if (seen === undefined) return undefined
    const unreadable = this.#skipped.size === 0 ? '' : `, except ${this.#skipped.size} that cannot be read`
    if (seen.items === 0) return `the queue is empty${unreadable}`
    const due = this.#site.layout.isTimed ? ', the others are not due yet' : ''
    return `of ${seen.items} items ${seen.claimed} are claimed by consumers${due}${unreadable}`
  }

  #forgetSkipped(names: readonly string[]): void {
    const there = new Set(names)
    for (const name of this.#skipped) if (!there.has(name)) this.#skipped.delete(name)
  }

  async #list(path: ZnodePath, limit: Limit, isWatched: boolean): Promise<readonly string[]> {
    const { zk } = this.#site
    const races = new Races(zk, limit.signal)
    for (;;) {
      const known = this.#watches.get(path)
      // An existing watch is not set again: watches of calls that gave up must not accumulate.
      const watch = isWatched && (known === undefined || known.hasFired)
      try {
        const { children, changed } = await zk.children(path, { ...limit.step, watch })
        if (changed !== undefined) this.#watched(path, changed)
        else if (isWatched && this.#watches.get(path)?.hasFired === true) continue
        return children
      } catch (error) {
        if (!KeeperError.is(error, 'NO_NODE')) throw error
        if (!isWatched) return []
        // It does not exist yet, or the server deleted it while it was empty. The next item creates it, and the watch reports that.
        const { stat, changed } = await zk.existence(path, { ...limit.step, watch: true })
        if (stat === undefined && changed !== undefined) {
          this.#watched(path, changed)
          return []
        }
        await races.lost(error)
      }
    }
  }

  /** A second look at a znode that does not exist gives the promise of the first. */
  #watched(path: ZnodePath, changed: Promise<unknown>): void {
    if (this.#watches.get(path)?.changed !== changed) this.#watches.set(path, watchedList(changed))
  }

  /** Resolves when a list has changed, or at the time `at`. */
  async #changed(at: number, limit: Limit): Promise<void> {
    const { clock } = this.#site.zk
    const end = new AbortController()
    const waits = [...this.#watches.values()].map(({ changed }) => changed)
    const due = at === Number.POSITIVE_INFINITY ? [] : [sleep(clock, Math.max(1, at - clock.wall()), end.signal)]
    try {
      // The watches outlive this call.
      await firstOf([...waits, ...due], limit.signal)
      limit.signal.throwIfAborted()
    } finally {
      end.abort()
    }
  }
}

function watchedList(changed: Promise<unknown>): WatchedList {
  const list: WatchedList = { hasFired: false, changed }
  void changed.then(() => void (list.hasFired = true))
  return list
}
