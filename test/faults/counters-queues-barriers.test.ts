/**
 * Everything else that is built on znodes while the servers of an ensemble are killed, stopped and cut off: counters count what
 * was acknowledged, no item of a queue is lost, nobody passes a barrier early, and everybody ends at the same state.
 */
import { setMaxListeners } from 'node:events'
import { type Client, json, KeeperError, text, type ZnodePath } from '@lightkeeper/client'
import {
  barrier,
  type Configuration,
  configuration,
  counter,
  doubleBarrier,
  group,
  type Partitioner,
  partitioner,
  type QueueItem,
  queue,
  type SharedValue,
  sharedValue,
} from '@lightkeeper/recipes'
import { expect } from 'vitest'
import { sleep } from '../support/wait.ts'
import { type Progress, underFaults } from './recipe-faults.ts'

const barrierCount = 3
const items = Array.from({ length: 8 }, (_, i) => `item-${i}`)

/** Clients that use all of them at once, until they are stopped. */
class Uses implements Progress {
  readonly problems: string[] = []
  /** Increments that were acknowledged, and those with an unknown outcome. */
  counted = 0n
  doubtful = 0n
  /** Items put, those perhaps put, and how often each was consumed. */
  readonly put = new Set<string>()
  readonly perhapsPut = new Set<string>()
  readonly consumed = new Map<string, number>()
  /** Items that a consumer had, and whose deletion was not confirmed in time: it may still happen, then nobody gets them again. */
  readonly perhapsConsumed = new Set<string>()
  rounds = 0
  gates = 0
  updates = 0
  doubtfulUpdates = 0
  /** How often each has come to the double barrier, and how many of its rounds ended with an error. */
  readonly #came: number[] = Array.from({ length: barrierCount }, () => 0)
  #brokenRounds = 0
  readonly #root: ZnodePath
  readonly #working = new Map<string, AbortSignal[]>()
  readonly #stop = new AbortController()
  readonly #consuming = new AbortController()
  readonly #loops: Promise<unknown>[] = []
  #consumers: Promise<unknown>[] = []

  constructor(root: ZnodePath, clients: readonly Client[], values: readonly SharedValue<number>[]) {
    this.#root = root
    setMaxListeners(0, this.#stop.signal, this.#consuming.signal)
    for (const [i, zk] of clients.entries()) {
      this.#loops.push(this.#count(zk), this.#produce(zk, i), this.#update(values[i] as SharedValue<number>))
      if (i < barrierCount) this.#loops.push(this.#meet(zk, i))
    }
    this.#loops.push(this.#gate(clients))
    this.#consumers = clients.map((zk) => this.#consume(zk))
  }

  async progress(count: number): Promise<void> {
    const [counted, done, rounds] = [this.counted + BigInt(count), this.consumed.size + count, this.rounds + count / 10]
    const [updates, gates] = [this.updates + count / 4, this.gates + count / 10]
    const isShort = (): boolean =>
      this.counted < counted ||
      this.consumed.size < done ||
      this.rounds < rounds ||
      this.updates < updates ||
      this.gates < gates
    while (isShort() && this.problems.length === 0) await sleep(20)
  }

  /** Stops what adds, and waits until all that was put is consumed. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    for (let waits = 0; this.left.length > 0 && waits < 400; waits++) await sleep(50)
    this.#consuming.abort()
    await Promise.all(this.#consumers)
  }

  /** Work of a partitioner: at one member at a time, as far as it may rely on its signal. */
  readonly work = async (item: string, signal: AbortSignal): Promise<void> => {
    const others = this.#working.get(item) ?? []
    if (others.some((each) => !each.aborted)) this.problems.push(`two work for ${item}`)
    this.#working.set(item, [...others.filter((each) => !each.aborted), signal])
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  async #repeat(name: string, restMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await act()
      } catch (error) {
        if (!this.#stop.signal.aborted && !KeeperError.is(error)) this.problems.push(`${name}: ${String(error)}`)
        if (KeeperError.is(error) && error.outcome === 'rejected') this.problems.push(`${name}: ${String(error)}`)
      }
      await sleep(restMs)
    }
  }

  #count(zk: Client): Promise<void> {
    const own = counter(zk, `${this.#root}/counter`)
    return this.#repeat('the counter', 5, async () => {
      try {
        await own.increment()
        this.counted++
      } catch (error) {
        if (KeeperError.is(error) && error.outcome === 'unknown') this.doubtful++
        throw error
      }
    })
  }

  #produce(zk: Client, who: number): Promise<void> {
    const own = queue(zk, `${this.#root}/queue`, { codec: text, itemsMax: 100 })
    let n = 0
    return this.#repeat('the queue', 10, async () => {
      const value = `${who}-${n++}`
      try {
        await own.put(value, { signal: this.#stop.signal })
        this.put.add(value)
      } catch (error) {
        this.perhapsPut.add(value)
        throw error
      }
    })
  }

  async #consume(zk: Client): Promise<void> {
    const { signal } = this.#consuming
    const own = queue(zk, `${this.#root}/queue`, { codec: text })
    while (!signal.aborted) {
      try {
        for await (const item of own.items({ signal })) {
          await this.#finish(item)
          this.consumed.set(item.value, (this.consumed.get(item.value) ?? 0) + 1)
        }
      } catch (error) {
        if (!signal.aborted && !(KeeperError.is(error) && error.outcome !== 'rejected'))
          this.problems.push(`a consumer: ${String(error)}`)
      }
    }
  }

  async #finish(item: QueueItem<string>): Promise<void> {
    try {
      await item.done()
    } catch (error) {
      if (KeeperError.is(error) && error.outcome !== 'rejected') this.perhapsConsumed.add(item.value)
      throw error
    }
  }

  /** Items that were put, and that no consumer had. */
  get left(): string[] {
    return [...this.put].filter((value) => !this.consumed.has(value) && !this.perhapsConsumed.has(value))
  }

  #meet(zk: Client, who: number): Promise<void> {
    const { signal } = this.#stop
    const own = doubleBarrier(zk, `${this.#root}/barrier`, { count: barrierCount })
    let opened = 0
    return this.#repeat('the double barrier', 10, async () => {
      this.#came[who] = (this.#came[who] ?? 0) + 1
      try {
        const inside = await own.enter({ signal })
        opened++
        // Each opening needs all of them once more; one whose session ended in the middle of a round comes twice to the same one.
        const fewest = Math.min(...this.#came)
        if (fewest + this.#brokenRounds < opened)
          this.problems.push(`the double barrier opens for the ${opened}. time, and one has come ${fewest} times`)
        await inside.leave({ signal })
      } catch (error) {
        this.#brokenRounds++
        throw error
      }
      this.rounds++
    })
  }

  /** One puts a barrier up, the others wait for it, and it goes down. */
  #gate([first, ...others]: readonly Client[]): Promise<void> {
    const path: ZnodePath = `${this.#root}/gate`
    return this.#repeat('the barrier', 10, async () => {
      const gate = barrier(first as Client, path)
      await gate.set()
      let isRemoving = false
      const waiting = others.map(async (zk) => {
        await barrier(zk, path).wait()
        if (!isRemoving) this.problems.push('a barrier was passed while it stood')
      })
      await sleep(20)
      isRemoving = true
      await gate.remove()
      await Promise.all(waiting)
      this.gates++
    })
  }

  #update(value: SharedValue<number>): Promise<void> {
    return this.#repeat('the shared value', 20, async () => {
      try {
        await value.update((n) => (n ?? 0) + 1)
        this.updates++
      } catch (error) {
        if (KeeperError.is(error) && error.outcome === 'unknown') this.doubtfulUpdates++
        // Four write at once: too many lost races are no failure of this test.
        if (!KeeperError.is(error, 'BAD_VERSION')) throw error
      }
    })
  }
}

/** Waits for what must come true in its own time; the last result of `wrong` is the failure. */
async function comesTrue(wrong: () => unknown): Promise<void> {
  for (let waits = 0; waits < 400 && wrong() !== undefined; waits++) await sleep(50)
  expect(wrong()).toBeUndefined()
}

underFaults('counters, queues and barriers', 4, 'count, keep and agree', async ({ servers, clients, root }, befall) => {
  const [zk] = clients as [Client]
  const values = await Promise.all(
    clients.map((each) => sharedValue(each, `${root}/value`, json<number>(), { seed: 0 })),
  )
  await zk.create(`${root}/configuration`, '0')
  const configurations: Configuration<number>[] = await Promise.all(
    clients.map((each) => configuration(each, `${root}/configuration`, json<number>())),
  )
  const uses = new Uses(root, clients, values)
  const members = await Promise.all(clients.map((each, i) => group(each, `${root}/group`).join(`${i}`)))
  const parts: Partitioner[] = await Promise.all(
    clients.map((each) => partitioner(each, `${root}/parts`, { items, work: uses.work })),
  )
  const seen = configurations.map(({ current }) => current)
  const following = configurations.map(async (each, i) => {
    for await (const change of each.changes()) {
      if (change.kind === 'invalid' || change.kind === 'deleted') uses.problems.push(`configuration: ${change.kind}`)
      if (change.kind !== 'changed') continue
      if (change.value < (seen[i] ?? 0)) uses.problems.push(`the configuration goes back to ${change.value}`)
      seen[i] = change.value
    }
  })
  await uses.progress(20)
  await configurations[0]?.set(1)
  await befall(servers, uses)
  await configurations[1]?.update((n) => Math.max(n ?? 0, 2))
  await uses.progress(20)
  await uses.stop()

  expect(uses.problems).toEqual([])
  await zk.sync(root)
  const counted = await counter(zk, `${root}/counter`).get()
  expect(counted).toBeGreaterThanOrEqual(uses.counted)
  expect(counted).toBeLessThanOrEqual(uses.counted + uses.doubtful)
  expect(uses.left).toEqual([])
  expect([...uses.consumed.keys()].filter((value) => !uses.put.has(value) && !uses.perhapsPut.has(value))).toEqual([])
  await comesTrue(() => {
    const all = values.map(({ current }) => current?.value)
    const isIn = all.every((n) => n !== undefined && n === all[0] && n >= uses.updates)
    return isIn && (all[0] ?? 0) <= uses.updates + uses.doubtfulUpdates ? undefined : { all, updates: uses.updates }
  })
  await comesTrue(() => (configurations.every(({ current }) => current === 2) ? undefined : seen))
  await comesTrue(() => {
    const all = parts.flatMap(({ held }) => [...held])
    const isFair = parts.every(({ held }) => held.size === items.length / parts.length)
    return isFair && new Set(all).size === items.length ? undefined : parts.map(({ held }) => [...held])
  })
  const ids = async (): Promise<string[]> => (await group(zk, `${root}/group`).members()).map(({ id }) => id)
  await comesTrue(() => members.find(({ state }) => state.kind !== 'present')?.state)
  expect(await ids()).toEqual(clients.map((_, i) => `${i}`))
  await Promise.all([...parts, ...members].map((each) => each.close()))
  expect(await ids()).toEqual([])
  await Promise.all([...values, ...configurations].map((each) => each[Symbol.asyncDispose]()))
  await Promise.all(following)
  expect(uses.problems).toEqual([])
})
