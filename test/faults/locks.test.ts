/**
 * Locks while the servers of an ensemble are killed, stopped and cut off: clients of this process take turns all the while, so that
 * one clock knows who may rely on the lock; the znodes they write know who did.
 */
import { setMaxListeners } from 'node:events'
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { type Held, lock, readWriteLock, semaphore } from '@lightkeeper/recipes'
import { expect } from 'vitest'
import { text } from '../support/text.ts'
import { sleep } from '../support/wait.ts'
import { type Progress, underFaults } from './recipe-faults.ts'

/**
 * Clients that take turns under one lock, share another, and take the leases of a semaphore, until they are stopped.
 */
class Turns implements Progress {
  readonly problems: string[] = []
  readonly refusals: string[] = []
  turns = 0
  leases = 0
  shared = 0
  readonly #root: ZnodePath
  readonly #holders = new Set<Held>()
  readonly #leaseholders = new Set<Held>()
  readonly #readers = new Set<Held>()
  readonly #writers = new Set<Held>()
  readonly #stop = new AbortController()
  readonly #working: Promise<void>[]

  constructor(root: ZnodePath, clients: readonly Client[]) {
    this.#root = root
    // All of them wait with one signal.
    setMaxListeners(0, this.#stop.signal)
    this.#working = clients.flatMap((zk, i) => [this.#take(zk), this.#lease(zk), this.#share(zk, i)])
  }

  async progress(count: number): Promise<void> {
    const [turns, leases, shared] = [this.turns + count, this.leases + count, this.shared + count]
    while (this.turns < turns || this.leases < leases || this.shared < shared) {
      if (this.problems.length > 0) return
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#working)
  }

  #enter(all: Set<Held>, held: Held, most: number): void {
    all.add(held)
    const certain = [...all].filter((each) => each.remaining() > 0)
    if (certain.length > most) this.problems.push(certain.map(({ path }) => path).join(' and '))
  }

  async #take(zk: Client): Promise<void> {
    const { signal } = this.#stop
    const mutex = lock(zk, `${this.#root}/lock`)
    while (!signal.aborted) {
      const held = await mutex.acquire({ signal, timeout: 60_000 }).catch((error: unknown) => this.#failed(error))
      if (held === undefined) continue
      this.#enter(this.#holders, held, 1)
      try {
        const n = Number(text((await zk.get(`${this.#root}/count`, { signal: held.signal })).data)) + 1
        const log = op.create(`${this.#root}/log/${n}`, `${held.fencingToken}`)
        await zk.transaction(held.guard(), op.set(`${this.#root}/count`, `${n}`), log)
        this.turns++
      } catch (error) {
        // By a number that is taken already it would show that two were inside.
        if (KeeperError.is(error, 'TRANSACTION_FAILED') && error.failedOp?.code !== 'NO_NODE')
          this.problems.push(String(error))
        this.refusals.push(String(error))
      }
      await held.release()
      this.#holders.delete(held)
    }
  }

  async #lease(zk: Client): Promise<void> {
    const { signal } = this.#stop
    const leases = semaphore(zk, `${this.#root}/leases`, { leases: 2 })
    while (!signal.aborted) {
      const held = await leases.acquire({ signal, timeout: 60_000 }).catch((error: unknown) => this.#failed(error))
      if (held === undefined) continue
      this.#enter(this.#leaseholders, held, 2)
      await sleep(5)
      this.leases++
      await held.release()
      this.#leaseholders.delete(held)
    }
  }

  /** Every third one writes. */
  async #share(zk: Client, i: number): Promise<void> {
    const { signal } = this.#stop
    const both = readWriteLock(zk, `${this.#root}/shared`)
    const isWriter = i % 3 === 0
    const [line, own] = isWriter ? [both.write, this.#writers] : [both.read, this.#readers]
    while (!signal.aborted) {
      const held = await line.acquire({ signal, timeout: 60_000 }).catch((error: unknown) => this.#failed(error))
      if (held === undefined) continue
      own.add(held)
      const certain = (all: Set<Held>): Held[] => [...all].filter((each) => each.remaining() > 0)
      const [writers, readers] = [certain(this.#writers), certain(this.#readers)]
      if (writers.length > 1 || (writers.length === 1 && readers.length > 0))
        this.problems.push([...writers, ...readers].map(({ path }) => path).join(' and '))
      await sleep(5)
      this.shared++
      await held.release()
      own.delete(held)
    }
  }

  #failed(error: unknown): undefined {
    if (!this.#stop.signal.aborted) this.problems.push(String(error))
  }
}

underFaults('locks', 6, 'go on, and are never had by two,', async ({ servers, clients, root }, befall) => {
  const [zk] = clients as [Client]
  await Promise.all([zk.create(`${root}/log`), zk.create(`${root}/count`, '0')])
  const turns = new Turns(root, clients)
  await turns.progress(20)
  await befall(servers, turns)
  await turns.progress(50)
  await turns.stop()
  expect(turns.problems).toEqual([])
  await zk.sync(root)
  const logged = (await zk.children(`${root}/log`)).children.map(Number).sort((a, b) => a - b)
  const counted = Number(text((await zk.get(`${root}/count`)).data))
  expect(logged).toEqual(Array.from({ length: counted }, (_, i) => i + 1))
  // What a reply was lost of may have been counted.
  expect(counted).toBeGreaterThanOrEqual(turns.turns)
  expect(counted).toBeLessThanOrEqual(turns.turns + turns.refusals.length)
  const tokens = await Promise.all(logged.map(async (n) => BigInt(text((await zk.get(`${root}/log/${n}`)).data))))
  expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)))
  // Sessions that ended meanwhile take what they had with them; those that live have nothing there.
  for (const parent of [`${root}/lock`, `${root}/leases/locks`, `${root}/leases/leases`, `${root}/shared`] as const) {
    for (let tries = 0; ; tries++) {
      await zk.sync(parent)
      const { children } = await zk.children(parent)
      if (children.length === 0) break
      const owners = await Promise.all(children.map((name) => zk.find(`${parent}/${name}`)))
      const living = owners.filter((each) => clients.some(({ sessionId }) => sessionId === each?.stat.ephemeralOwner))
      expect(tries < 5 ? [] : living.map((each) => each?.stat)).toEqual([])
      expect(tries, `left in ${parent}`).toBeLessThan(60)
      await sleep(100)
    }
  }
})
