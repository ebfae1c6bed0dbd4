/** Puts items into a queue. */
import { type CallOptions, op } from '@lightkeeper/client'
import { callOptions } from '../arguments/options.ts'
import { bytesOf } from '../arguments/values.ts'
import { Backoff } from '../common/backoff.ts'
import { makeContainer } from '../common/container.ts'
import { failedWith, refusalOf } from '../common/errors.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { Races } from '../common/races.ts'
import type { Site } from './site.ts'

/** Waits between looks at a full queue, milliseconds: there is room when a consumer has finished items. */
const fullPoll = { baseMs: 100, maxMs: 1_000 }

export async function put<T>(site: Site<T>, value: T, rank: number, given?: WaitOptions): Promise<void> {
  const options = callOptions(given, 'queue.put')
  const data = site.joined([bytesOf(await site.codec.encode(value), 'the result of the codec', 'queue.put')])
  using limit = new Limit(site.zk, 'put', site.path, options)
  await room(site, limit)
  const create = op.create(site.itemPath(site.layout.name(rank)), data, { sequential: true })
  const races = new Races(site.zk, limit.signal)
  for (;;) {
    try {
      return await site.transactions.run([create], { bytes: data.length, signal: limit.signal })
    } catch (error) {
      if (failedWith(error) !== 'NO_NODE') throw refusalOf(error, 'put')
      // It does not exist yet, or the server deleted it while it was empty.
      await makeContainer(site.zk, site.items, limit.signal)
      await races.lost(refusalOf(error, 'put'))
    }
  }
}

/** Number of items, including claimed ones. */
export async function lengthOf<T>(site: Site<T>, options: CallOptions): Promise<number> {
  return (await site.zk.exists(site.items, options))?.numChildren ?? 0
}

/** Resolves when there is room for another item. */
async function room<T>(site: Site<T>, limit: Limit): Promise<void> {
  const { itemsMax = Number.POSITIVE_INFINITY } = site.options
  if (itemsMax === Number.POSITIVE_INFINITY) return
  const backoff = new Backoff(site.zk, fullPoll)
  limit.reason = () => `the queue is full: it has ${itemsMax} items or more`
  while ((await lengthOf(site, limit.step)) >= itemsMax) {
    await backoff.pause(limit.signal)
    limit.signal.throwIfAborted()
  }
}
