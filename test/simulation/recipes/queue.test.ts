/** Every item put is consumed at least once, and exactly once where no consumer lost its session; nothing is left over. */
import { type Client, KeeperError, text } from '@lightkeeper/client'
import { delayQueue, priorityQueue, type QueueItem, queue } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { countReactions } from '../../support/reactions.ts'
import { seeds } from '../stage.ts'
import { type Ended, ended, everything, scene } from './scene.ts'

interface Story {
  readonly put: Map<string, Ended>
  readonly consumed: string[]
  readonly expiries: number
  readonly left: string[]
}

const kinds = ['plain', 'priority', 'delay', 'kazoo'] as const

function story(seed: number, cutMsMax: number): Promise<Story> {
  const kind = kinds[seed % kinds.length]
  const put = new Map<string, Ended>()
  const consumed: string[] = []
  return scene(
    seed,
    { clients: 4, cutMsMax },
    async ({ clients, random, pause, world }) => {
      const options = { codec: text, claims: '/app/claims' } as const
      const of = clients.map((zk) => {
        if (kind === 'priority') {
          const made = priorityQueue(zk, '/app/q', options)
          return { ...made, put: (value: string) => made.put(value, random.below(5) - 2) }
        }
        if (kind === 'delay') {
          const made = delayQueue(zk, '/app/q', options)
          return { ...made, put: (value: string) => made.put(value, { delay: random.below(800) }) }
        }
        return queue(zk, '/app/q', { ...options, ...(kind === 'kazoo' ? { layout: 'kazooLocking' } : {}) })
      })
      const stop = new AbortController()
      const consuming = of.slice(1).map(async (each, i) => {
        while (!stop.signal.aborted) {
          // One of them gives up all the time, also when a claim is on its way.
          const options = i === 0 ? { timeout: 1 + random.below(12), signal: stop.signal } : { signal: stop.signal }
          const item = await each.take(options).catch((error: unknown) => {
            if (!stop.signal.aborted && !KeeperError.is(error, 'TIMEOUT')) throw error
          })
          if (item === undefined) {
            await pause(random.below(300))
            continue
          }
          await pause(random.below(60))
          const what = random.below(8)
          if (what === 0) await item.release()
          else if (what === 1) await item.requeue().catch(ignoreLost)
          else {
            consumed.push(item.value)
            await item.done().catch(ignoreLost)
          }
        }
      })
      const producing = of.slice(0, 2).map(async (each, i) => {
        for (let n = 0; n < 12; n++) {
          const value = `${i}.${n}`
          const call = ended(each.put(value)).then((end) => void put.set(value, end))
          if (random.oneIn(2)) await call
          if (random.oneIn(3)) await pause(random.below(400))
        }
        while (put.size < 12) await pause(50)
      })
      await Promise.all(producing)
      while (put.size < 24) await pause(50)
      // Until everything certainly put has come, and the queue is empty.
      const first = clients[0]
      if (first === undefined) throw new Error('no client')
      for (let waited = 0; ; waited += 200) {
        const isComplete = [...put].every(([value, end]) => end !== 'ok' || consumed.includes(value))
        const isEmpty = isComplete && (await of[0]?.length()) === 0
        if (isEmpty || waited > 60_000) break
        await pause(200)
      }
      stop.abort()
      await Promise.all(consuming)
      return world.time
    },
    async ({ clients, world }) => {
      const [zk] = clients
      if (zk === undefined) throw new Error('no client')
      await world.delay(2_500)
      const left = await everything(zk)
      return { put, consumed, left, expiries: clients.reduce((sum, each) => sum + each.epoch, 0) }
    },
  )
}

/** The items with an unknown end, because the session ended; they come again. */
function ignoreLost(error: unknown): void {
  if (!KeeperError.is(error) || error.outcome === 'rejected') throw error
}

const empty = [/^\/$/, /^\/app$/, /^\/app\/q(\/entries)?$/, /^\/app\/claims(\/(marks|line))?$/]

describe('a queue under lost connections', () => {
  test.each(seeds(100))('gives every item to one consumer, once, while sessions live, seed %i', async (seed) => {
    const { put, consumed, left, expiries } = await story(seed, 600)
    expect(expiries).toBe(0)
    expect([...put.values()].filter((end) => end !== 'ok')).toEqual([])
    expect(consumed.toSorted()).toEqual([...put.keys()].toSorted())
    expect(left.filter((path) => !empty.some((pattern) => pattern.test(path)))).toEqual([])
  })

  test.each(seeds(100))('loses no item where sessions end, and invents none, seed %i', async (seed) => {
    const { put, consumed, left } = await story(seed, 9_000)
    for (const [value, end] of put) {
      if (end === 'ok') expect(consumed, value).toContain(value)
      else expect(end).toBe('unknown')
    }
    for (const value of consumed) expect(put.has(value), value).toBe(true)
    expect(left.filter((path) => !empty.some((pattern) => pattern.test(path)))).toEqual([])
  })
})

describe('who waits at an empty queue', () => {
  test.each(seeds(40))('is woken alone: of many who wait the first gets the item, seed %i', (seed) =>
    scene(
      seed,
      { clients: 6, cutMsMax: 0 },
      async ({ clients, pause }) => {
        const queues = clients.map((zk) => queue(zk, '/q', { codec: text }))
        const got: string[] = []
        const items: QueueItem<string>[] = []
        const waiting: Promise<void>[] = []
        for (const [i, each] of queues.slice(1).entries()) {
          waiting.push(
            each.take().then((item) => {
              got.push(`${i} ${item.value}`)
              items.push(item)
            }),
          )
          await pause(200)
        }
        const sent = (): number[] => clients.slice(1).map((zk) => zk.stats().requests.sent)
        const before = sent()
        await queues[0]?.put('a')
        await pause(200)
        const after = sent().map((n, i) => n - (before[i] ?? 0))
        for (const value of ['b', 'c', 'd', 'e']) await queues[0]?.put(value)
        await Promise.all(waiting)
        await Promise.all(items.map((item) => item.done()))
        return { got, after }
      },
      async (_, { got, after }) => {
        expect(got).toEqual(['0 a', '1 b', '2 c', '3 d', '4 e'])
        // The first takes it, the second comes to its place, and no other one is notified.
        expect(after.slice(2).filter((n) => n > 1)).toEqual([])
      },
    ),
  )

  test.each(['queue', 'delayQueue'] as const)('%s keeps nothing for each wait that was given up', (kind) =>
    scene(
      1,
      { clients: 1, cutMsMax: 0 },
      async ({ clients: [zk] }) => {
        const own = kind === 'queue' ? queue(zk as Client, '/q') : delayQueue(zk as Client, '/q')
        if (kind === 'delayQueue') await delayQueue(zk as Client, '/q').put(new Uint8Array(), { delay: 3_600_000 })
        const reactions = countReactions()
        try {
          for (let i = 0; i < 100; i++) await own.take({ timeout: 20 }).catch(() => {})
        } finally {
          expect(reactions.end()).toBeLessThan(10)
        }
      },
      async () => {},
    ),
  )

  test.each(seeds(60))('leaves nothing behind when it gives up, whatever the connection does, seed %i', (seed) =>
    scene(
      seed,
      { clients: 3, cutMsMax: 600 },
      async ({ clients, random, pause }) => {
        const all = clients.map(async (zk) => {
          const own = queue(zk, '/q', { codec: text })
          for (let round = 0; round < 6; round++) {
            await own.take({ timeout: 1 + random.below(300) }).then(
              () => Promise.reject(new Error('nobody put anything')),
              (error: unknown) => expect(KeeperError.is(error, 'TIMEOUT'), String(error)).toBe(true),
            )
            await pause(random.below(50))
          }
        })
        await Promise.all(all)
      },
      async ({ clients: [zk], world }) => {
        await world.delay(2_500)
        const left = zk === undefined ? ['no client'] : await everything(zk)
        const known = [/^\/$/, /^\/q$/, /^\/q-claims(\/(marks|line))?$/]
        expect(left.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([])
      },
    ),
  )
})
