/**
 * Clients that write, read and watch in a simulated world, and what must hold afterwards whatever the servers went through: acknowledged
 * writes are there, transactions are whole, ephemerals go with their sessions, streams end at the truth.
 */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import type { SeededRandom, World } from '@lightkeeper/testing/sim'
import { Ledger, Violation } from './ledger.ts'

const keysEach = 3
const decoder = new TextDecoder()

/** A failed call that may have had its effect. */
function isUnknown(error: unknown): boolean {
  if (!KeeperError.is(error)) throw error
  return error.outcome === 'unknown'
}

export interface LoadPlan {
  /** That of every client, milliseconds. */
  readonly sessionTimeout: number
  /** Whether a read needs a sync to show what was acknowledged before, since there are several servers. */
  readonly syncs: boolean
}

export class Load {
  readonly ledger = new Ledger()
  readonly clients: Client[] = []
  /** The workers stop after the call that they are in. */
  isOver = false
  readonly #plan: LoadPlan
  readonly #world: World
  readonly #random: SeededRandom
  /** Ephemerals that were acknowledged, by path: the session each belongs to. */
  readonly #ephemerals = new Map<string, bigint>()
  /** Zxid of the newest acknowledged write of the register. */
  #newest = 0n
  #unique = 0
  #violation: Error | undefined

  constructor(world: World, random: SeededRandom, plan: LoadPlan) {
    this.#world = world
    this.#random = random
    this.#plan = plan
  }

  readonly fail = (error: Error): void => {
    this.#violation ??= error
  }

  /** @throws the first violation. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation
  }

  /** Runs the world until `promise` settles. */
  within<T>(promise: Promise<T>): Promise<T> {
    return this.#world.run(promise, 900_000)
  }

  async layOut(): Promise<void> {
    const client = this.clients[0] as Client
    for (const path of ['/seq', '/eph', '/reg', '/c0', '/c1', '/c2', '/c3'] as const) await client.create(path, '0')
    for (let c = 0; c < this.clients.length; c++) {
      for (const name of this.#plan.syncs ? (['z', 'own', 'fifo'] as const) : (['z'] as const))
        await client.create(`/c${c}/${name}`, '0')
      for (const name of ['x', 'y', ...Array.from({ length: keysEach }, (_, i) => `r${i}`)]) {
        const path: ZnodePath = `/c${c}/${name}`
        await this.ledger.attempt(path, '0', () => client.create(path, '0'), isUnknown)
      }
    }
  }

  async work(client: Client, index: number): Promise<void> {
    const random = this.#random.fork()
    while (!this.isOver && client.state.kind !== 'closed') {
      try {
        await this.#operate(client, index, random)
      } catch (error) {
        if (error instanceof Violation) this.fail(error)
        // A server that does not have the session any more hangs up.
        else if (KeeperError.is(error, 'SESSION_MOVED')) this.fail(new Violation('a call ended with "session moved"'))
        else if (!KeeperError.is(error)) this.fail(error as Error)
      }
      if (random.oneIn(3)) await this.#world.delay(random.below(40))
    }
  }

  async #operate(client: Client, index: number, random: SeededRandom): Promise<void> {
    const ledger = this.ledger
    const value = `${index}.${++this.#unique}${'.'.repeat(moreBytes(random))}`
    const own = (name: string): ZnodePath => `/c${index}/${name}`
    switch (random.below(this.#plan.syncs ? 12 : 9)) {
      case 0:
      case 1: {
        const path = own(`r${random.below(keysEach)}`)
        await ledger.attempt(
          path,
          value,
          async () => ledger.zxid((await client.set(path, value)).mzxid, value),
          isUnknown,
        )
        return
      }
      case 2: {
        const write = (): Promise<unknown> =>
          client.transaction(op.set(own('x'), value), op.check('/reg', -1), op.set(own('y'), value))
        await ledger.attemptAll([own('x'), own('y')], value, write, isUnknown)
        return
      }
      case 3: {
        // Fails as a whole, although its first part would succeed.
        const write = (): Promise<unknown> =>
          client.transaction(op.set(own('x'), value), op.set(own('z'), value), op.check('/reg', 1 << 30))
        const { epoch } = client
        const { established } = client.stats().connections
        // All in one turn: the later write must not see what was never executed.
        const before = client.exists(own('z'))
        const failing = ledger.attempt(own('x'), value, write, () => false)
        const written = client.set(own('z'), value)
        for (const each of [before, written]) each.catch(() => {})
        if (await failing) throw new Violation('a transaction with a failing check was acknowledged')
        const [stat, { version }] = await Promise.all([before, written])
        // A read whose reply is lost is sent again, after the write.
        const isOneConnection = client.epoch === epoch && client.stats().connections.established === established
        if (isOneConnection && version !== (stat?.version ?? 0) + 1) {
          throw new Violation(`version ${version} behind ${stat?.version}, with a failed transaction between`)
        }
        return
      }
      case 4: {
        const { path, stat } = await client.create('/seq/n-', value, { sequential: true })
        ledger.sequence(path)
        ledger.zxid(stat.czxid, value)
        if (random.oneIn(2)) await client.delete(path as ZnodePath)
        return
      }
      case 5: {
        const { data, stat } = await client.get('/reg')
        void data
        const written = await client.set('/reg', value, { version: stat.version })
        ledger.zxid(written.mzxid, value)
        ledger.sequence(`/reg version ${written.version}`)
        if (written.mzxid > this.#newest) this.#newest = written.mzxid
        return
      }
      case 6: {
        const path = own(`n${this.#unique}`)
        const isMade = await ledger.attempt(path, value, () => client.create(path, value), isUnknown)
        if (isMade && random.oneIn(2)) await ledger.attempt(path, undefined, () => client.delete(path), isUnknown)
        return
      }
      case 7: {
        const path: ZnodePath = `/eph/${index}.${this.#unique}`
        const { stat } = await client.create(path, value, { mode: 'ephemeral' })
        this.#ephemerals.set(path, stat.ephemeralOwner)
        return
      }
      case 8:
        await this.#watchRegister(client)
        return
      case 9: {
        await client.set(own('own'), value)
        const { data } = await client.get(own('own'))
        const read = decoder.decode(data)
        if (read !== value) throw new Violation(`read ${read} after the reply of its own write ${value}`)
        return
      }
      case 10:
        await this.readSynced(client)
        return
      default:
        await this.#readBehind(client, own('fifo'), value)
    }
  }

  /** What was acknowledged before a sync, by any server, is read after it. */
  async readSynced(client: Client): Promise<void> {
    const before = this.#newest
    const { established } = client.stats().connections
    await client.sync('/reg')
    const { stat } = await client.get('/reg')
    // Over another connection it is another server, which may be older.
    if (client.stats().connections.established !== established || stat.mzxid >= before) return
    throw new Violation(`read ${stat.mzxid} of /reg, and ${before} was acknowledged before the sync`)
  }

  /** A write whose reply is lost is executed before the next request of its session, or never. */
  async #readBehind(client: Client, path: ZnodePath, value: string): Promise<void> {
    const { epoch } = client
    try {
      await client.set(path, value)
      return
    } catch (error) {
      if (!isUnknown(error)) return
    }
    const first = decoder.decode((await client.get(path)).data)
    await this.#world.delay(1_000)
    await client.sync(path)
    const second = decoder.decode((await client.get(path)).data)
    if (client.epoch !== epoch || first === value || second !== value) return
    throw new Violation(`${path} got a write that came after a later read of its session`)
  }

  /** A one-shot watch fires before its client can read the change. */
  async #watchRegister(client: Client): Promise<void> {
    const first = await client.get('/reg', { watch: true })
    let isTold = false
    const { epoch } = client
    void first.changed
      ?.then(async ({ type }) => {
        isTold = true
        if (type !== 'dataChanged') return
        const { stat } = await client.get('/reg')
        if (stat.mzxid > first.stat.mzxid) return
        this.fail(new Violation(`told that /reg changed, and it is the same, ${stat.mzxid}`))
      })
      .catch(() => {})
    await this.#world.delay(20)
    const second = await client.get('/reg')
    if (client.epoch !== epoch || second.stat.mzxid === first.stat.mzxid) return
    if (!isTold)
      throw new Violation(`read ${second.stat.mzxid} of /reg before the watch left at ${first.stat.mzxid} was told`)
    if (second.stat.mzxid < first.stat.mzxid) throw new Violation('the register went back in time')
  }

  async observe(client: Client, seen: Map<string, string>, signal: AbortSignal): Promise<void> {
    try {
      for await (const change of client.watch('/', { recursive: true, signal })) {
        if (change.kind === 'created' || change.kind === 'changed') {
          seen.set(change.path, decoder.decode(change.value))
        } else if (change.kind === 'deleted') seen.delete(change.path)
      }
    } catch (error) {
      this.fail(error as Error)
    }
  }

  // -- what must hold -------------------------------------------------------------------------------------------------

  /** Everything acknowledged is there, and transactions are whole. */
  async verify(client: Client): Promise<void> {
    await this.retry(() => this.readAll(client))
    this.check()
  }

  async readAll(client: Client): Promise<void> {
    const checks = this.ledger.keys().map((key) => [key, this.ledger.reading(key)] as const)
    await this.#refresh(client)
    const read = async ([key, check]: (typeof checks)[number]): Promise<void> => {
      const found = await client.find(key as ZnodePath)
      check(found === undefined ? undefined : decoder.decode(found.data))
    }
    const pair = async (index: number): Promise<void> => {
      const [x, y] = await client.readMany([{ get: `/c${index}/x` }, { get: `/c${index}/y` }])
      const text = (result: typeof x): string => (result && 'data' in result ? decoder.decode(result.data) : 'missing')
      if (text(x) !== text(y))
        throw new Violation(`half a transaction: /c${index}/x ${text(x)}, /c${index}/y ${text(y)}`)
    }
    await Promise.all(checks.map(read))
    await Promise.all(this.clients.map((_, i) => pair(i)))
  }

  async #refresh(client: Client): Promise<void> {
    if (this.#plan.syncs) await client.sync('/')
  }

  /** Runs `task` again while the connection fails it. */
  async retry(task: () => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.within(task())
        return
      } catch (error) {
        if (error instanceof Violation || !KeeperError.is(error) || tries > 20) throw error
        await this.#world.advance(500)
      }
    }
  }

  async checkEphemerals(observer: Client): Promise<void> {
    // Sessions that ended or were given up are expired by now.
    await this.#world.advance(3 * this.#plan.sessionTimeout)
    await this.retry(async () => {
      const alive = new Set<bigint>()
      for (const client of [...this.clients, observer]) {
        if (client.state.kind !== 'connected') continue
        // Asking makes sure that the session is one the server knows.
        await this.#refresh(client)
        await client.exists('/')
        alive.add(client.sessionId)
      }
      await this.#refresh(observer)
      const { children } = await observer.children('/eph')
      const present = new Map<string, bigint>()
      for (const name of children) {
        const stat = await observer.exists(`/eph/${name}`)
        if (stat !== undefined) present.set(`/eph/${name}`, stat.ephemeralOwner)
      }
      for (const [path, owner] of present) {
        if (!alive.has(owner)) throw new Violation(`${path} is there, and its session ${owner} is not`)
      }
      for (const [path, owner] of this.#ephemerals) {
        if (alive.has(owner) && !present.has(path)) throw new Violation(`${path} is gone, and its session lives`)
      }
    })
  }

  async checkObserved(observer: Client, observed: ReadonlyMap<string, string>): Promise<void> {
    await this.#world.advance(2_000)
    const truth = new Map<string, string>()
    const walk = async (path: ZnodePath): Promise<void> => {
      const found = await observer.find(path)
      if (found === undefined) return
      truth.set(path, decoder.decode(found.data))
      const { children } = await observer.children(path)
      for (const name of children) await walk(path === '/' ? `/${name}` : `${path}/${name}`)
    }
    await this.retry(async () => {
      truth.clear()
      await this.#refresh(observer)
      await walk('/')
    })
    await this.#world.advance(2_000)
    const wrong = [...new Set([...truth.keys(), ...observed.keys()])].filter(
      (path) => truth.get(path) !== observed.get(path),
    )
    const [path] = wrong
    if (path === undefined) return
    throw new Violation(`the watch stream has ${path} as ${observed.get(path)}, the server as ${truth.get(path)}`)
  }
}

/**
 * Long values reach over many sectors, which may be torn apart. A few are about as long as the memory in which servers gather what they
 * write, or longer; twice as much still fits into one request.
 */
function moreBytes(random: SeededRandom): number {
  if (random.oneIn(4)) return random.below(4000)
  if (!random.oneIn(600)) return 0
  return random.pick([64 * 1024, 128 * 1024, 256 * 1024, 300_000, 500_000]) - random.below(200)
}
