/**
 * A whole server on a disk that forgets, several clients on a network that fails, and crashes at any moment; then everybody is
 * asked what is there. One seed is one story; it ends with a Violation or not at all.
 */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { SeededRandom, World } from '@lightkeeper/testing/sim'
import { Violation } from './ledger.ts'
import { Load } from './load.ts'

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
const sessionTimeout = 4000

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
  readonly #load: Load
  readonly #clients: Client[]
  #server: RunningServer | undefined
  #restarts = 0

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
    this.#load = new Load(world, random, { sessionTimeout, syncs: false })
    this.#clients = this.#load.clients
  }

  async run(): Promise<StoryReport> {
    const world = this.#world
    const disk = world.disk(server)
    disk.faults.latencyMs = this.#random.pick([0.2, 2, 20])
    this.#start()
    await this.#serving()
    for (let i = 0; i < this.#plan.clients; i++) this.#clients.push(await world.run(this.#connect(`c${i + 1}`)))
    await this.#within(this.#load.layOut())
    const workers = this.#clients.map((client, i) => this.#load.work(client, i))
    const observer = await world.run(this.#connect('observer'))
    const stop = new AbortController()
    const observed = new Map<string, string>()
    const watching = this.#load.observe(observer, observed, stop.signal)
    for (let round = 0; round < this.#plan.rounds; round++) {
      await world.advance(20 + this.#random.below(1500))
      await this.#fault()
      this.#check()
    }
    this.#load.isOver = true
    this.#settleDown()
    await this.#within(Promise.all(workers))
    await this.#serving()
    await this.#load.verify(observer)
    await this.#load.checkEphemerals(observer)
    await this.#load.checkObserved(observer, observed)
    stop.abort()
    await this.#within(watching)
    for (const client of [...this.#clients, observer]) await this.#within(client.close())
    await this.#within((this.#server as RunningServer).close())
    this.#check()
    return {
      hash: world.traceHash(),
      trace: world.trace,
      acknowledged: this.#load.ledger.acknowledged,
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
        }, this.#load.fail)
      },
      (error: Error) => {
        if (this.#isRotten) {
          this.#refusal = error
          return
        }
        // A disk that fails now is no reason to give up for ever.
        if (this.#isDiskFailing) this.#world.after(500, () => this.#start())
        else this.#load.fail(new Violation(`the server does not start: ${error.message}`))
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
        await this.#within(this.#load.readAll(client))
      } catch (error) {
        // A session that ended cannot be followed by another one here.
        if (!KeeperError.is(error)) throw error
      }
      return
    }
  }

  #check(): void {
    this.#load.check()
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
    return this.#load.within(promise)
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
    const refusal = this.#refusal as Error | undefined
    // Where it serves, an operator would replace the file one day; what recovery cut off stays so. The mark is the one file that a
    // server that has begun to serve holds open: it would go on to write to the file that was replaced.
    const isHeldOpen = refusal === undefined && name === 'acknowledged'
    if (now !== undefined && !isHeldOpen && Buffer.compare(now, rotten) === 0) disk.put(path, original)
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

  async #verifyWithFresh(): Promise<void> {
    const client = await this.#within(this.#connect(`verifier${this.#restarts}`))
    await this.#load.verify(client)
    await this.#within(client.close())
  }
}
