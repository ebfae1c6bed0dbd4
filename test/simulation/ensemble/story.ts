/**
 * Whole members of an ensemble, with their elections, links, disks and clients, in a world where servers are killed, lose power, stop,
 * are cut off in one direction or in both, and where disks fail and clocks run wrong. Then the faults end: all must serve again in time,
 * hold the same tree, and have everything that was acknowledged; no client may have lost its session. One seed is one story.
 */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import type { Log } from '@lightkeeper/runtime'
import type { ServerOptions } from '@lightkeeper/server'
import { type Ensemble, startEnsemble } from '@lightkeeper/testing'
import { SeededRandom, World } from '@lightkeeper/testing/sim'
import { dumpTree } from '../../support/tree-dump.ts'
import { Violation } from '../durability/ledger.ts'
import { Load } from '../durability/load.ts'

export interface EnsemblePlan {
  /** Faults, one after the other; some begin before the last one has ended. */
  readonly rounds: number
  readonly voters: number
  readonly observers: number
  readonly clients: number
  readonly options: ServerOptions
  /** Changes the world before it begins. */
  readonly prepare: (world: World) => void
}

export interface EnsembleReport {
  readonly hash: string
  readonly trace: readonly string[]
  readonly acknowledged: number
  readonly faults: number
}

/** Longer than any fault with the election behind it, milliseconds. */
const sessionTimeout = 40_000
const times = { tickTime: 500, initLimit: 10, syncLimit: 5 }
/** How soon all must serve after the faults: 3 × (initLimit + syncLimit) ticks, milliseconds. */
const livenessMs = 3 * (times.initLimit + times.syncLimit) * times.tickTime
const longestFaultMs = 6_000

export async function tellOfEnsemble(seed: number, plan: Partial<EnsemblePlan> = {}): Promise<EnsembleReport> {
  const world = new World(seed)
  const story = new Story(world, plan)
  try {
    return await story.run()
  } catch (error) {
    if (!(error instanceof Violation)) world.note('story', String((error as Error).stack))
    const last = world.trace.slice(-40).join('\n')
    const violation = new Violation(`seed ${seed}: ${(error as Error).message}\n${last}`, { cause: error })
    throw Object.assign(violation, { trace: world.trace })
  }
}

class Story {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #plan: EnsemblePlan
  readonly #load: Load
  #ensemble: Ensemble | undefined
  /** Ends of faults that have not come yet. */
  readonly #endings = new Set<Promise<void>>()
  /** Members whose disk fails now or has failed. */
  readonly #failing = new Set<number>()
  /** Members that got an empty disk, until they serve again. */
  readonly #emptied = new Set<number>()
  /** Clients that the story closed itself. */
  readonly #left = new Set<Client>()
  #faults = 0
  #alone = 0
  #hadFailingDisk = false
  #isSettling = false

  constructor(world: World, plan: Partial<EnsemblePlan>) {
    this.#world = world
    this.#random = new SeededRandom(world.seed ^ 0xe5e3)
    const random = this.#random
    this.#plan = {
      rounds: 3 + random.below(4),
      voters: random.oneIn(4) ? 5 : 3,
      observers: random.oneIn(4) ? 1 : 0,
      clients: 2 + random.below(2),
      options: {},
      prepare: () => {},
      ...plan,
    }
    this.#load = new Load(world, random, { sessionTimeout, syncs: true })
    this.#plan.prepare(world)
    if (random.oneIn(3)) pauseForLong(world, random)
  }

  async run(): Promise<EnsembleReport> {
    const world = this.#world
    const load = this.#load
    const { voters, observers, clients, rounds, options } = this.#plan
    for (let i = 1; i <= voters + observers; i++) world.disk(`s${i}`).faults.latencyMs = this.#random.pick([0.2, 2, 20])
    const settings: ServerOptions = {
      ...times,
      snapCount: this.#random.pick([10, 40, 1000]),
      preAllocSize: this.#random.pick([0, 1, 64]),
      snapshotSliceZnodes: this.#random.pick([1, 5, 512]),
      // Without its old logs a leader sends images.
      autopurgePurgeInterval: this.#random.pick([0, 1]),
      ...options,
    }
    const log: Log = (_level, message, facts) => this.#mayKill(message, facts?.['member'] as number)
    this.#ensemble = await world.run(startEnsemble({ world, size: voters, observers, options: settings, log }))
    for (let i = 0; i < clients; i++) load.clients.push(await world.run(this.#connect(`c${i + 1}`, i)))
    await load.within(load.layOut())
    const workers = load.clients.map((client, i) => load.work(client, i))
    const watcher = await world.run(this.#connect('watcher', 0))
    const stop = new AbortController()
    const observed = new Map<string, string>()
    const watching = load.observe(watcher, observed, stop.signal)
    for (let round = 0; round < rounds; round++) {
      await world.advance(20 + this.#random.below(1500))
      await this.#fault()
      this.#check()
    }
    load.isOver = true
    await this.#settleDown()
    await load.within(Promise.all(workers))
    await this.#checkWrites()
    await load.verify(watcher)
    this.#checkSessions(watcher)
    await load.checkEphemerals(watcher)
    // They did nothing for longer than their timeout.
    this.#checkSessions(watcher)
    await load.checkObserved(watcher, observed)
    await this.#checkTrees()
    stop.abort()
    await load.within(watching)
    for (const client of [...load.clients, watcher]) await load.within(client.close())
    await load.within(this.#ensemble.close())
    this.#check()
    return {
      hash: world.traceHash(),
      trace: world.trace,
      acknowledged: load.ledger.acknowledged,
      faults: this.#faults,
    }
  }

  get #members(): Ensemble {
    return this.#ensemble as Ensemble
  }

  #check(): void {
    this.#load.check()
    const wrong = this.#world.trace.find(
      (line) =>
        / error .*(differs|DIFFERS|invariant|digest|snapshot cannot)/.test(line) &&
        !line.includes('simulated disk failed'),
    )
    if (wrong !== undefined) throw new Violation(`a member complains: ${wrong}`)
    const illegal = this.#world.trace.find((line) => line.includes('the leader sent what it may not send now'))
    if (illegal !== undefined) throw new Violation(`a member complains: ${illegal}`)
    this.#checkLeaders()
    // A power cut or a kill damages nothing; a disk that fails may.
    const damaged = this.#world.trace.find((line) => line.includes('the data directory is damaged'))
    if (damaged !== undefined && !this.#hadFailingDisk) throw new Violation(`a directory is damaged: ${damaged}`)
  }

  /** One leader an epoch. */
  #checkLeaders(): void {
    const leaders = new Map<string, string>()
    for (const line of this.#world.trace) {
      if (!line.includes('this member leads the ensemble')) continue
      const [, host = '', epoch = ''] = / (s\d) .* epoch=(\d+)/.exec(line) ?? []
      const other = leaders.get(epoch) ?? host
      if (other !== host) throw new Violation(`${other} and ${host} lead epoch ${epoch}`)
      leaders.set(epoch, host)
    }
  }

  // -- faults ---------------------------------------------------------------------------------------------------------

  /** The leader more often than others. */
  #victim(): number {
    const leader = this.#members.leader()
    return leader !== undefined && this.#random.oneIn(2) ? leader : this.#random.below(this.#members.servers.length)
  }

  /** `act` now, `undo` at some time; this fault may have ended when the next one begins, or not. */
  async #during(act: () => void | Promise<void>, undo: () => void | Promise<void>): Promise<void> {
    const world = this.#world
    await this.#load.within(Promise.resolve(act()))
    const time = this.#random.below(longestFaultMs)
    const end = async (): Promise<void> => {
      await world.delay(time)
      await undo()
    }
    const ending = end()
      .catch(this.#load.fail)
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
    if (this.#random.oneIn(4)) return
    await this.#load.within(ending)
  }

  async #fault(): Promise<void> {
    this.#faults++
    const world = this.#world
    const random = this.#random
    const members = this.#members
    const index = this.#victim()
    const host = `s${index + 1}`
    switch (random.below(12)) {
      case 0:
      case 1:
        return this.#during(
          () => this.#end(index, false),
          () => this.#begin(index),
        )
      case 2:
        return this.#during(
          () => this.#end(index, true),
          () => this.#begin(index),
        )
      case 3:
        return this.#during(
          () => members.pause(index),
          () => members.resume(index),
        )
      case 4: {
        // Its clients may still write to it, which nobody else gets.
        const isFromAll = random.oneIn(2)
        const others = [...members.servers.keys()].filter((each) => each !== index)
        if (!isFromAll && members.leader() === index) await this.#askAlone(index)
        return this.#during(
          () => {
            if (isFromAll) members.cut(index)
            else for (const other of others) members.cut(index, { from: other })
          },
          () => members.heal(index),
        )
      }
      case 5: {
        const direction = random.pick(['in', 'out'] as const)
        const others = [...members.servers.keys()].filter((each) => each !== index)
        const from = random.pick([undefined, random.pick(others), 'clients'] as const)
        world.note(host, `cut ${direction} ${from ?? 'all'}`)
        return this.#during(
          () => members.cut(index, { direction, ...(from === undefined ? {} : { from }) }),
          () => members.heal(index),
        )
      }
      case 6: {
        const isPowerCut = random.oneIn(2)
        const all = [...members.servers.keys()]
        return this.#during(
          async () => void (await Promise.all(all.map((each) => this.#end(each, isPowerCut)))),
          async () => void (await Promise.all(all.map((each) => this.#begin(each)))),
        )
      }
      case 7: {
        const { faults } = world.disk(host)
        const kind = random.pick(['capacity', 'writeErrors', 'syncErrors'] as const)
        return this.#during(
          () => {
            world.note(host, `the disk fails: ${kind}`)
            this.#failing.add(index)
            this.#hadFailingDisk = true
            faults[kind] = kind === 'capacity' ? 1 : 250
          },
          async () => {
            faults[kind] = kind === 'capacity' ? Number.POSITIVE_INFINITY : 0
            // An operator sees to the disk and starts the member again.
            await this.#end(index, false)
            await this.#begin(index)
            this.#failing.delete(index)
          },
        )
      }
      case 8:
        if (random.oneIn(2)) world.jumpWallClock(host, random.pick([-3_600_000, 3_600_000]))
        else world.driftClock(host, random.pick([0.8, 0.95, 1.05, 1.25]))
        return
      case 9:
        world.network.reset(`c${1 + random.below(this.#load.clients.length)}`, host)
        return
      case 10:
        return this.#replaceDisk(index)
      default: {
        const client = random.pick(this.#load.clients)
        this.#left.add(client)
        await this.#load.within(client.close())
      }
    }
  }

  /** A client that reaches this member alone, which is about to be cut off, reads with syncs: it must not get what is old. */
  async #askAlone(index: number): Promise<void> {
    const world = this.#world
    const load = this.#load
    const runtime = world.runtime(`alone${++this.#alone}`)
    const options = { sessionTimeout, connectTimeout: 5_000, requestTimeout: 10_000, runtime }
    const connecting = connect(this.#members.addresses[index] as string, options).catch(() => undefined)
    const client = await load.within(connecting)
    if (client === undefined) return
    const until = world.time + longestFaultMs
    const ask = async (): Promise<void> => {
      while (world.time < until) {
        await load.readSynced(client).catch((error: Error) => {
          if (!KeeperError.is(error)) load.fail(error)
        })
        await world.delay(this.#random.below(20))
      }
      await client.close()
    }
    const asking = ask()
      .catch(() => {})
      .finally(() => this.#endings.delete(asking))
    this.#endings.add(asking)
  }

  /** An operator replaces the disk of a member while all others serve, and one at a time: more than that loses data by right. */
  async #replaceDisk(index: number): Promise<void> {
    const { servers } = this.#members
    for (const each of this.#emptied) if (servers[each]?.mode !== undefined) this.#emptied.delete(each)
    const isSafe = servers.every((server) => server?.mode !== undefined)
    if (!isSafe || this.#emptied.size > 0 || this.#hadFailingDisk) return
    await this.#during(
      async () => {
        await this.#end(index, false)
        this.#world.note(`s${index + 1}`, 'the disk is replaced by an empty one')
        this.#emptied.add(index)
        const disk = this.#world.disk(`s${index + 1}`)
        for (const name of disk.files('/data/version-2').keys()) disk.lose(`/data/version-2/${name}`)
      },
      () => this.#begin(index),
    )
  }

  /** A member may die at every moment at which its history is replaced. */
  #mayKill(message: string, member: number): void {
    const isReplacing = message.startsWith('the leader sends everything') || message.endsWith('they are removed')
    if (!isReplacing || this.#isSettling || !this.#random.oneIn(2)) return
    const index = member
    // About so many operations of the disk.
    const time = this.#random.below(20 + 40 * this.#world.disk(`s${index + 1}`).faults.latencyMs)
    const work = async (): Promise<void> => {
      await this.#world.delay(time)
      await this.#end(index, this.#random.oneIn(2))
      await this.#world.delay(this.#random.below(500))
      await this.#begin(index)
    }
    const ending = work()
      .catch(this.#load.fail)
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
  }

  async #end(index: number, isPowerCut: boolean): Promise<void> {
    await this.#members.kill(index, { power: isPowerCut })
  }

  async #begin(index: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.#members.start(index)
        return
      } catch (error) {
        // Another fault is at work on it, whose end starts it.
        if ((error as Error).message.includes('was killed while it started')) return
        // A disk that fails now is no reason to give up.
        if (!this.#failing.has(index) || tries > 20)
          throw new Violation(`s${index + 1} does not start: ${(error as Error).message}`)
        await this.#world.delay(500)
      }
    }
  }

  /** The faults end, and all serve again in time. */
  async #settleDown(): Promise<void> {
    const world = this.#world
    this.#isSettling = true
    while (this.#endings.size > 0) await this.#load.within(Promise.all(this.#endings))
    this.#check()
    const members = this.#members
    for (const index of members.servers.keys()) world.driftClock(`s${index + 1}`, 1)
    members.heal()
    for (const [index, server] of members.servers.entries()) {
      // One that ended by itself had a disk that failed.
      if (server === undefined) await this.#load.within(this.#begin(index))
    }
    const begun = world.time
    await this.#load.within(members.serving())
    if (world.time - begun > livenessMs)
      throw new Violation(`all served only ${world.time - begun} ms after the faults; ${livenessMs} are allowed`)
  }

  // -- clients --------------------------------------------------------------------------------------------------------

  /** Each begins at another member. */
  #connect(host: string, first: number): Promise<Client> {
    const { addresses } = this.#members
    const at = first % addresses.length
    const servers = [...addresses.slice(at), ...addresses.slice(0, at)].join(',')
    const runtime = this.#world.runtime(host)
    return connect(servers, { sessionTimeout, connectTimeout: 120_000, requestTimeout: 10_000, runtime })
  }

  // -- what must hold -------------------------------------------------------------------------------------------------

  /** Every client can write again. */
  async #checkWrites(): Promise<void> {
    const begun = this.#world.time
    for (const [i, client] of this.#load.clients.entries()) {
      if (this.#left.has(client)) continue
      for (let isDone = false; !isDone; ) {
        isDone = await this.#load.within(
          client.set('/seq', '').then(
            () => true,
            () => false,
          ),
        )
        if (this.#world.time - begun > livenessMs) throw new Violation(`client ${i + 1} writes nothing`)
      }
    }
  }

  #checkSessions(watcher: Client): void {
    for (const [i, client] of [...this.#load.clients, watcher].entries()) {
      if (!this.#left.has(client) && client.epoch > 0)
        throw new Violation(`client ${i + 1} lost its session, although it kept to its timeout`)
    }
  }

  /** All members hold the same tree; each has its own lines in /zookeeper/config, without a transaction. */
  async #checkTrees(): Promise<void> {
    let first: readonly string[] | undefined
    for (const [i, address] of this.#members.addresses.entries()) {
      const runtime = this.#world.runtime(`auditor${i}`)
      const client = await this.#load.within(connect(address, { sessionTimeout, connectTimeout: 60_000, runtime }))
      await this.#load.within(client.sync('/'))
      const lines = (await this.#load.within(dumpTree(client))).filter((line) => !line.startsWith('/zookeeper/config '))
      await this.#load.within(client.close())
      first ??= lines
      const wrong = lines.findIndex((line, at) => line !== first?.[at])
      if (wrong >= 0 || lines.length !== first.length)
        throw new Violation(`s${i + 1} differs from s1: ${lines[wrong] ?? 'fewer znodes'} instead of ${first[wrong]}`)
    }
  }
}

/** The pauses of long work on a server, such as a walk over its tree, last some milliseconds: more happens meanwhile. */
export function pauseForLong(world: World, random: SeededRandom): void {
  const original = world.runtime.bind(world)
  world.runtime = (host, ...rest) => {
    const runtime = original(host, ...rest)
    const { clock } = runtime
    if (!/^[sm]\d$/.test(host)) return runtime
    return { ...runtime, clock: { ...clock, after: (ms, task) => clock.after(ms === 0 ? random.below(4) : ms, task) } }
  }
}
