/**
 * Elections and services while the servers of an ensemble are killed, stopped and cut off: candidates of this process follow each
 * other all the while, so that one clock knows who may lead; providers stay registered, and consumers end at who is there.
 */
import { setMaxListeners } from 'node:events'
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { discovery, election, masterElection, type Registration, type Resolver, type Term } from '@lightkeeper/recipes'
import { expect } from 'vitest'
import { sleep } from '../support/wait.ts'
import { type Progress, underFaults } from './recipe-faults.ts'

/** Terms of one election of either kind, one after the other, each writing under its guard. */
class Terms implements Progress {
  readonly problems: string[] = []
  readonly writes: { readonly zxid: bigint; readonly epoch: bigint }[] = []
  terms = 0
  readonly #leading = new Set<Term>()
  readonly #stop = new AbortController()
  readonly #working: Promise<void>[]

  constructor(root: ZnodePath, clients: readonly Client[], recipe: typeof election) {
    setMaxListeners(0, this.#stop.signal)
    this.#working = clients.map((zk, i) => this.#stand(zk, root, recipe, `${i}`))
  }

  async progress(count: number): Promise<void> {
    const terms = this.terms + count
    while (this.terms < terms && this.problems.length === 0) await sleep(20)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#working)
  }

  async #stand(zk: Client, root: ZnodePath, recipe: typeof election, id: string): Promise<void> {
    try {
      for await (const term of recipe(zk, `${root}/leader`, { id }).terms({ signal: this.#stop.signal })) {
        this.#leading.add(term)
        const certain = [...this.#leading].filter((each) => each.remaining() > 0)
        if (certain.length > 1) this.problems.push(certain.map(({ path }) => path).join(' and '))
        try {
          const [, { mzxid }] = await zk.transaction(term.guard(), op.set(`${root}/register`, `${term.epoch}`))
          this.writes.push({ zxid: mzxid, epoch: term.epoch })
          this.terms++
        } catch (error) {
          if (!KeeperError.is(error)) throw error
        }
        this.#leading.delete(term)
      }
    } catch (error) {
      this.problems.push(String(error))
    }
  }
}

const addresses = ({ instances }: Resolver): string => instances.map(({ address }) => address).join()

underFaults(
  'services',
  4,
  'terms follow each other, never two at a time, and services stay,',
  async ({ servers, clients, root, turn }, befall) => {
    const [zk] = clients as [Client]
    await zk.create(`${root}/register`)
    const services = clients.map((each) => discovery(each, `${root}/services`))
    const registered: Registration[] = []
    for (const [i, each] of services.entries()) {
      registered.push(await each.register({ name: 'users', id: `${i}`, address: `host-${i}`, port: 80 }))
    }
    const consumers = await Promise.all(services.map((each) => each.resolve('users')))
    const terms = new Terms(root, clients, turn % 2 === 0 ? masterElection : election)
    await terms.progress(20)
    await befall(servers, terms)
    await terms.progress(30)
    await terms.stop()
    expect(terms.problems).toEqual([])
    const epochs = [...terms.writes].sort((a, b) => (a.zxid < b.zxid ? -1 : 1)).map(({ epoch }) => epoch)
    expect(epochs).toEqual([...epochs].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
    const everybody = clients.map((_, i) => `host-${i}`).join()
    for (
      let waits = 0;
      consumers.some((each) => each.freshness.kind !== 'live' || addresses(each) !== everybody);
      waits++
    ) {
      expect(waits, JSON.stringify(consumers.map(addresses))).toBeLessThan(200)
      await sleep(50)
    }
    await registered[0]?.close()
    for (let waits = 0; consumers.some((each) => addresses(each) === everybody); waits++) {
      expect(waits, JSON.stringify(consumers.map(addresses))).toBeLessThan(200)
      await sleep(50)
    }
    await zk.sync(`${root}/leader`)
    expect(await election(zk, `${root}/leader`).candidates()).toEqual([])
  },
)
