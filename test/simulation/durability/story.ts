/**
 * A whole server on a disk that forgets, several clients on a network that fails, and crashes at any moment; then everybody is
 * asked what is there. One seed is one story; it ends with a Violation or not at all.
 */
import { type Client, connect, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { SeededRandom, World } from '@lightkeeper/testing/sim'
import { Ledger, Violation } from './ledger.ts'

export interface StoryPlan {
  /** Crashes and other faults. */
  readonly rounds: number
  readonly clients: number
  readonly options: ServerOptions
  /** The disk fails now and then: full, unreadable, unwritable, unsyncable. */
  readonly failingDisk: boolean
  /** Bits of the files flip while no server runs: it must come to the right data, or refuse. */
  readonly rot: boolean
  /** Changes the world before it begins: a planted bug that a disk has. */
  readonly prepare: (world: World) => void
}

export interface StoryReport {
  readonly hash: string
  readonly trace: readonly string[]
  readonly acknowledged: number
  readonly restarts: number
}

const server = 'server'
const address = `${server}:2181`
export const dataDir = '/data'
const keysEach = 3
const sessionTimeout = 4000

/** A failed call that may have had its effect. */
function isUnknown(error: unknown): boolean {
  if (!KeeperError.is(error)) throw error
  return error.outcome === 'unknown'
}

export async function tell(seed: number, plan: Partial<StoryPlan> = {}): Promise<StoryReport> {
  const world = new World(seed)
  try {
    return await new Story(world, plan).run()
  } catch (error) {
    if (!(error instanceof Violation)) world.note('story', String((error as Error).stack))
    const last = world.trace.slice(-25).join('\n')
    throw new Violation(`seed ${seed}: ${(error as Error).message}\n${last}`, { cause: error })
  }
}

class Story {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #plan: StoryPlan
  readonly #options: ServerOptions
  readonly #ledger = new Ledger()
  readonly #clients: Client[] = []
  /** Ephemerals that were acknowledged, by path: the session each belongs to. */
  readonly #ephemerals = new Map<string, bigint>()
  readonly #endedSessions = new Set<bigint>()
  #server: RunningServer | undefined
  #restarts = 0
  #unique = 0
  #isOver = false
  #violation: Error | undefined

  constructor(world: World, plan: Partial<StoryPlan>) {
    this.#world = world
    this.#random = new SeededRandom(world.seed ^ 0x5eed)
    const random = this.#random
    this.#plan = {
      rounds: 3 + random.below(5),
      clients: 2 + random.below(2),
      options: {},
      failingDisk: false,
      rot: false,
      prepare: () => {},
      ...plan,
    }
    this.#options = {
      tickTime: 500,
      maxClientCnxns: 0,
      host: server,
      clientPort: 2181,
      dataDir,
      snapCount: random.pick([4, 10, 40, 1000]),
      preAllocSize: random.pick([0, 1, 64]),
      snapshotSliceZnodes: random.pick([1, 5, 512]),
      ...this.#plan.options,
    }
    this.#plan.prepare(world)
  }

  async run(): Promise<StoryReport> {
    const world = this.#world
    const disk = world.disk(server)
    disk.faults.latencyMs = this.#random.pick([0.2, 2, 20])
    this.#start()
    await this.#serving()
    for (let i = 0; i < this.#plan.clients; i++) this.#clients.push(await world.run(this.#connect(`c${i + 1}`)))
    await this.#within(this.#layOut())
    const workers = this.#clients.map((client, i) => this.#work(client, i))
    const observer = await world.run(this.#connect('observer'))
    const stop = new AbortController()
    const observed = new Map<string, string>()
    const watching = this.#observe(observer, observed, stop.signal)
    for (let round = 0; round < this.#plan.rounds; round++) {
      await world.advance(20 + this.#random.below(1500))
      await this.#fault()
      this.#check()
    }
    this.#isOver = true
    this.#settleDown()
    await this.#within(Promise.all(workers))
    await this.#serving()
    await this.#verify(observer)
    await this.#checkEphemerals(observer)
    await this.#checkObserved(observer, observed)
    stop.abort()
    await this.#within(watching)
    for (const client of [...this.#clients, observer]) await this.#within(client.close())
    await this.#within((this.#server as RunningServer).close())
    this.#check()
    return {
      hash: world.traceHash(),
      trace: world.trace,
      acknowledged: this.#ledger.acknowledged,
      restarts: this.#restarts,
    }
  }

  // -- the server and its faults --------------------------------------------------------------------------------------

  #start(): void {
    this.#server = undefined
    startServer(this.#options, this.#world.runtime(server)).then(
      (running) => {
        this.#server = running
        running.stopped.then((failure) => {
          if (failure !== undefined && this.#server === running) this.#start()
        }, this.#fail)
      },
      (error: Error) => {
        if (this.#isRotten) {
          this.#refusal = error
          return
        }
        // A disk that fails now is no reason to give up for ever.
        if (this.#isDiskFailing) this.#world.after(500, () => this.#start())
        else this.#fail(new Violation(`the server does not start: ${error.message}`))
      },
    )
  }

  #isDiskFailing = false

  /** For a while, the disk is full, or an operation in four fails. */
  async #failDisk(): Promise<void> {
    const { faults } = this.#world.disk(server)
    const kind = this.#random.pick(['capacity', 'readErrors', 'writeErrors', 'syncErrors'] as const)
    this.#world.note(server, `the disk fails: ${kind}`)
    this.#isDiskFailing = true
    const before = faults[kind]
    faults[kind] = kind === 'capacity' ? 1 : 250
    await this.#world.advance(this.#random.below(3000))
    if (this.#random.oneIn(2)) {
      this.#world.crash(server, this.#random.oneIn(2) ? 'kill' : 'power')
      this.#restarts++
      this.#start()
      await this.#world.advance(this.#random.below(3000))
    }
    faults[kind] = before
    await this.#world.advance(1000)
    this.#isDiskFailing = false
    await this.#serving()
    if (this.#server?.logFailure === undefined) return
    // It says so and serves reads; an operator repairs the disk and starts it again.
    await this.#verifyReadOnly()
    this.#world.crash(server, 'kill')
    this.#restarts++
    this.#start()
    await this.#serving()
    await this.#verifyWithFresh()
  }

  /** A server without a log answers only what is true, and acknowledges no write. */
  async #verifyReadOnly(): Promise<void> {
    for (const client of this.#clients) {
      if (client.state.kind !== 'connected') continue
      try {
        await this.#within(this.#readAll(client))
      } catch (error) {
        // A session that ended cannot be followed by another one here.
        if (!KeeperError.is(error)) throw error
      }
      return
    }
  }

  readonly #fail = (error: Error): void => {
    this.#violation ??= error
  }

  #check(): void {
    if (this.#violation !== undefined) throw this.#violation
    const wrong = this.#world.trace.find(
      (line) =>
        / error .*(digest|invariant|snapshot cannot)/.test(line) &&
        !line.includes('the simulated disk failed') &&
        !(this.#plan.rot && line.includes('snapshot cannot')),
    )
    if (wrong !== undefined) throw new Violation(`the server complains: ${wrong}`)
  }

  async #serving(): Promise<void> {
    for (let waited = 0; this.#server === undefined; waited += 50) {
      this.#check()
      if (waited > 60_000) throw new Violation('the server does not come up')
      await this.#world.advance(50)
    }
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    return this.#world.run(promise, 900_000)
  }

  async #fault(): Promise<void> {
    const world = this.#world
    const random = this.#random
    const host = `c${1 + random.below(this.#clients.length)}`
    if (this.#plan.failingDisk && random.oneIn(3)) return this.#failDisk()
    switch (random.below(10)) {
      case 0:
        world.network.reset(host, server)
        return
      case 1:
        world.network.cut(host, server)
        world.after(random.below(6000), () => world.network.heal(host, server))
        return
      case 2:
        world.jumpWallClock(server, random.pick([-3_600_000, 3_600_000]))
        return
      case 3:
        // A client process dies with its session open.
        await this.#killClient(random.below(this.#clients.length))
        return
      default:
        await this.#crash(random.oneIn(3) ? 'kill' : 'power')
    }
  }

  async #crash(kind: 'kill' | 'power'): Promise<void> {
    const world = this.#world
    const connected = this.#clients.filter(({ state }) => state.kind === 'connected')
    const epochs = connected.map(({ epoch }) => epoch)
    const crashedAt = world.time
    // After a power cut the mark may be a second old, and damage in just that second is not noticed.
    const mayRot = this.#plan.rot && kind === 'kill' && this.#server !== undefined
    world.crash(server, kind)
    this.#restarts++
    await world.advance(this.#random.below(2000))
    if (mayRot) {
      await this.#rot()
      await this.#verifyWithFresh()
      return
    }
    this.#start()
    // Now and then it dies again before it serves.
    if (this.#random.oneIn(3)) {
      await world.advance(this.#random.below(30))
      await this.#crash(this.#random.oneIn(2) ? 'kill' : 'power')
      return
    }
    await this.#serving()
    const lived = connected.findIndex(({ epoch }, i) => epoch !== epochs[i])
    if (lived >= 0 && world.time - crashedAt < sessionTimeout - 500) {
      throw new Violation(`a session of c${lived + 1} did not outlive a restart of ${world.time - crashedAt} ms`)
    }
    await this.#verifyWithFresh()
  }

  /** Starts on a damaged file; when that is refused, on the file as it was. */
  async #rot(): Promise<void> {
    const disk = this.#world.disk(server)
    const directory = `${dataDir}/version-2`
    const [name, original] = this.#random.pick([...disk.files(directory)])
    if (original.length === 0) return this.#startAndServe()
    const rotten = original.slice()
    const used = rotten.length - [...rotten].reverse().findIndex((byte) => byte !== 0)
    for (let i = 1 + this.#random.below(4); i > 0; i--) {
      const at = this.#random.below(Math.max(1, used))
      rotten[at] = (rotten[at] as number) ^ (1 << this.#random.below(8))
    }
    const path = `${directory}/${name}`
    disk.put(path, rotten)
    this.#world.note(server, `bits of ${name} flip`)
    this.#refusal = undefined
    this.#isRotten = true
    this.#start()
    for (let waited = 0; this.#server === undefined && this.#refusal === undefined; waited += 50) {
      if (waited > 60_000) throw new Violation('the server neither serves nor refuses')
      await this.#world.advance(50)
    }
    this.#isRotten = false
    const now = disk.files(directory).get(name)
    // Where it serves, an operator would replace the file one day; what recovery cut off stays so.
    if (now !== undefined && Buffer.compare(now, rotten) === 0) disk.put(path, original)
    const refusal = this.#refusal as Error | undefined
    if (refusal === undefined) return
    this.#world.note(server, `refused: ${refusal.message}`)
    if (!refusal.message.includes('version-2')) throw new Violation(`a refusal without a place: ${refusal.message}`)
    await this.#startAndServe()
  }

  async #startAndServe(): Promise<void> {
    this.#start()
    await this.#serving()
  }

  #isRotten = false
  #refusal: Error | undefined

  async #killClient(index: number): Promise<void> {
    const client = this.#clients[index] as Client
    this.#endedSessions.add(client.sessionId)
    await this.#within(client.close())
  }

  #settleDown(): void {
    for (let i = 0; i < this.#clients.length; i++) this.#world.network.heal(`c${i + 1}`, server)
    this.#world.disk(server).faults.latencyMs = 0.5
  }

  // -- the clients ----------------------------------------------------------------------------------------------------

  #connect(host: string): Promise<Client> {
    const runtime = this.#world.runtime(host)
    return connect(address, { sessionTimeout, connectTimeout: 120_000, requestTimeout: 5000, runtime })
  }

  async #layOut(): Promise<void> {
    const client = this.#clients[0] as Client
    for (const path of ['/seq', '/eph', '/reg', '/c0', '/c1', '/c2', '/c3'] as const) await client.create(path, '0')
    for (let c = 0; c < this.#clients.length; c++) {
      await client.create(`/c${c}/z`, '0')
      for (const name of ['x', 'y', ...Array.from({ length: keysEach }, (_, i) => `r${i}`)]) {
        const path: ZnodePath = `/c${c}/${name}`
        await this.#ledger.attempt(path, '0', () => client.create(path, '0'), isUnknown)
      }
    }
  }

  async #work(client: Client, index: number): Promise<void> {
    const random = this.#random.fork()
    while (!this.#isOver && client.state.kind !== 'closed') {
      try {
        await this.#operate(client, index, random)
      } catch (error) {
        if (error instanceof Violation) this.#fail(error)
        else if (!KeeperError.is(error)) this.#fail(error as Error)
      }
      if (random.oneIn(3)) await this.#world.delay(random.below(40))
    }
  }

  async #operate(client: Client, index: number, random: SeededRandom): Promise<void> {
    const ledger = this.#ledger
    // Long ones reach over many sectors, which may be torn apart.
    const value = `${index}.${++this.#unique}${random.oneIn(4) ? '.'.repeat(random.below(4000)) : ''}`
    const own = (name: string): ZnodePath => `/c${index}/${name}`
    switch (random.below(9)) {
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
      default:
        await this.#watchRegister(client)
    }
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
        this.#fail(new Violation(`told that /reg changed, and it is the same, ${stat.mzxid}`))
      })
      .catch(() => {})
    await this.#world.delay(20)
    const second = await client.get('/reg')
    if (client.epoch !== epoch || second.stat.mzxid === first.stat.mzxid) return
    if (!isTold)
      throw new Violation(`read ${second.stat.mzxid} of /reg before the watch left at ${first.stat.mzxid} was told`)
    if (second.stat.mzxid < first.stat.mzxid) throw new Violation('the register went back in time')
  }

  async #observe(client: Client, seen: Map<string, string>, signal: AbortSignal): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const change of client.watch('/', { recursive: true, signal })) {
        if (change.kind === 'created' || change.kind === 'changed') {
          seen.set(change.path, decoder.decode(change.value))
        } else if (change.kind === 'deleted') seen.delete(change.path)
      }
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  // -- what must hold -------------------------------------------------------------------------------------------------

  async #verifyWithFresh(): Promise<void> {
    const client = await this.#within(this.#connect(`verifier${this.#restarts}`))
    await this.#verify(client)
    await this.#within(client.close())
  }

  /** Everything acknowledged is there, and transactions are whole. */
  async #verify(client: Client): Promise<void> {
    await this.#retry(() => this.#readAll(client))
    this.#check()
  }

  async #readAll(client: Client): Promise<void> {
    const decoder = new TextDecoder()
    const read = async (key: string): Promise<void> => {
      const check = this.#ledger.reading(key)
      const found = await client.find(key as ZnodePath)
      check(found === undefined ? undefined : decoder.decode(found.data))
    }
    const pair = async (index: number): Promise<void> => {
      const [x, y] = await client.readMany([{ get: `/c${index}/x` }, { get: `/c${index}/y` }])
      const text = (result: typeof x): string => (result && 'data' in result ? decoder.decode(result.data) : 'missing')
      if (text(x) !== text(y))
        throw new Violation(`half a transaction: /c${index}/x ${text(x)}, /c${index}/y ${text(y)}`)
    }
    await Promise.all(this.#ledger.keys().map(read))
    await Promise.all(this.#clients.map((_, i) => pair(i)))
  }

  /** Runs `task` again while the connection fails it. */
  async #retry(task: () => Promise<void>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.#within(task())
        return
      } catch (error) {
        if (error instanceof Violation || !KeeperError.is(error) || tries > 20) throw error
        await this.#world.advance(500)
      }
    }
  }

  async #checkEphemerals(observer: Client): Promise<void> {
    // Sessions that ended or were given up are expired by now.
    await this.#world.advance(12_000)
    await this.#retry(async () => {
      const alive = new Set<bigint>()
      for (const client of [...this.#clients, observer]) {
        if (client.state.kind !== 'connected') continue
        // Asking makes sure that the session is one the server knows.
        await client.exists('/')
        alive.add(client.sessionId)
      }
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

  async #checkObserved(observer: Client, observed: ReadonlyMap<string, string>): Promise<void> {
    await this.#world.advance(2_000)
    const decoder = new TextDecoder()
    const truth = new Map<string, string>()
    const walk = async (path: ZnodePath): Promise<void> => {
      const found = await observer.find(path)
      if (found === undefined) return
      truth.set(path, decoder.decode(found.data))
      const { children } = await observer.children(path)
      for (const name of children) await walk(path === '/' ? `/${name}` : `${path}/${name}`)
    }
    await this.#retry(async () => {
      truth.clear()
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
