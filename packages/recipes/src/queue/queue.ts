/**
 * Queues whose items are consumed at least once. A consumer claims an item by an ephemeral with the same name, and deletes the item
 * only when it is done; a consumer that dies gives its items back.
 */
import type { CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { callable, looking, oneOf, outOfRange, wrongType } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf, signalOption } from '../arguments/options.ts'
import { checkPlace, pathBelow } from '../arguments/places.ts'
import { codec as codecCheck, number, text } from '../arguments/values.ts'
import type { WaitOptions } from '../common/limit.ts'
import type { QueueItem } from './claimed.ts'
import { QueueConsumer } from './consumer.ts'
import { layouts } from './layout.ts'
import { lengthOf, put } from './producer.ts'
import { type QueueOptions, Site } from './site.ts'

/** Whose znodes a queue uses. */
export interface LayoutOption {
  /**
   * The layout of Curator, or of kazoo's LockingQueue or Queue. Consumers of kazoo's Queue take items that others have claimed.
   * Default `curator`.
   */
  readonly layout?: 'curator' | 'kazooLocking' | 'kazooQueue'
}

/** The side of a queue that takes items. */
export interface Consumer<T> {
  /** The znode of the queue. */
  readonly path: ZnodePath
  /** The next item; waits for one. @throws the reason of the signal, KeeperError TIMEOUT, CLOSED: then no item is claimed. */
  take(options?: WaitOptions): Promise<QueueItem<T>>
  /**
   * Items until the signal aborts. The loop claims an item when it asks for it; the claim stays until the item is done or given
   * back.
   */
  items(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<QueueItem<T>, void, void>
  /** Number of items, including claimed ones. */
  length(options?: CallOptions): Promise<number>
}

/** A queue that gives out items in the order in which they were put. */
export interface Queue<T> extends Consumer<T> {
  /**
   * @throws KeeperError SESSION_EXPIRED with outcome `unknown` where the session ended before the reply: the item was put once or
   * not at all.
   */
  put(value: T, options?: WaitOptions): Promise<void>
}

/** A queue that gives out items by priority. */
export interface PriorityQueue<T> extends Consumer<T> {
  /** Consumers take lower priorities first: an integer of 32 bits; 0 to 999 in kazoo's layout. @throws as `queue.put`. */
  put(value: T, priority: number, options?: WaitOptions): Promise<void>
}

/** A queue whose items become available at a time of their own. */
export interface DelayQueue<T> extends Consumer<T> {
  /**
   * Consumers take it not before `at`, or not before `delay` milliseconds have passed, by the wall clocks of producer and consumer.
   * @throws as `queue.put`.
   */
  put(value: T, when: { readonly at: Date } | { readonly delay: number }, options?: WaitOptions): Promise<void>
}

const kazooLayouts = { kazooLocking: layouts.kazooLocking, kazooQueue: layouts.kazooQueue }
const queueLayouts = { curator: layouts.plain, ...kazooLayouts }
const priorityLayouts = { curator: layouts.priority, ...kazooLayouts }

/** First in, first out. Curator's DistributedQueue with a lock path, or kazoo's LockingQueue. Sends nothing. */
export function queue<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  options: QueueOptions<T> & LayoutOption = {},
): Queue<T> {
  checkPlace(zk, path, 'queue')
  const { layout = 'curator', ...own } = laidOutOptions(options, 'queue') as QueueOptions<T> & LayoutOption
  const site = new Site<T>(zk, path, queueLayouts[layout], own)
  return { ...consumerOf(site), put: (value, wait) => put(site, value, site.layout.defaultRank, wait) }
}

/** Curator's DistributedPriorityQueue, or kazoo's LockingQueue. Sends nothing. */
export function priorityQueue<T = Uint8Array>(
  zk: Client,
  path: ZnodePath,
  options: QueueOptions<T> & LayoutOption = {},
): PriorityQueue<T> {
  checkPlace(zk, path, 'priorityQueue')
  const { layout = 'curator', ...own } = laidOutOptions(options, 'priorityQueue') as QueueOptions<T> & LayoutOption
  const site = new Site<T>(zk, path, priorityLayouts[layout], own)
  const priorityOf = number('', ...site.layout.rankRange)
  return {
    ...consumerOf(site),
    async put(value, priority, wait) {
      return put(site, value, priorityOf(priority, 'priority', 'priorityQueue.put'), wait)
    },
  }
}

/** Curator's DistributedDelayQueue. Sends nothing. */
export function delayQueue<T = Uint8Array>(zk: Client, path: ZnodePath, options: QueueOptions<T> = {}): DelayQueue<T> {
  checkPlace(zk, path, 'delayQueue')
  const site = new Site<T>(zk, path, layouts.delay, delayOptions(options, 'delayQueue') as QueueOptions<T>)
  return {
    ...consumerOf(site),
    async put(value, when, wait) {
      return put(site, value, timeOf(when, zk.clock.wall()), wait)
    },
  }
}

/** When an item is due, milliseconds since 1970. @throws TypeError, RangeError. */
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
    const [least, most] = layouts.delay.rankRange
    if (time >= least && time <= most) return time
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

function consumerOf<T>(site: Site<T>): Consumer<T> {
  const consumer = new QueueConsumer(site)
  return {
    path: site.path,
    take: async (options) => consumer.take(callOptions(options, 'queue.take')),
    items: (options) => consumer.items(signalOption(options, 'queue.items').signal),
    length: async (options) => lengthOf(site, callOptions(options, 'queue.length')),
  }
}
