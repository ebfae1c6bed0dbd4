/** An ensemble of our servers inside this process, for tests of what happens when a server fails. */
import {
  boolean,
  type Check,
  callable,
  OptionSet,
  oneOf,
  text,
  timeout,
  whole,
  withMethods,
} from '@lightkeeper/client/arguments'
import type { Log } from '@lightkeeper/runtime'
import { formatLine } from '@lightkeeper/runtime'
import { loadMember, type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import type { World } from '../sim/world.ts'
import { Cables, clients, type End } from './cables.ts'
import { inWorld, onSockets, type Place } from './place.ts'

/** How many lines of a member's log are kept for `said`. */
const linesMax = 200
/** How often to look whether the ensemble serves, milliseconds. */
const lookMs = 5

/** What the ensemble gives each member by itself. */
const ownSettings = ['members', 'myid', 'dataDir', 'clientPort', 'clientPortAddress', 'port', 'host'] as const

/** The options of `startEnsemble`. */
export interface EnsembleOptions {
  /** The number of servers with a vote. Default 3. */
  readonly size?: number
  /** The number of observers beside them; their indexes follow those of the voters. Default 0. */
  readonly observers?: number
  /**
   * A simulated world, in which the members are the hosts `s1`, `s2` and so on, without sockets: its clock must be advanced, for
   * example by `world.run(startEnsemble({ world }))`. Default: sockets of this machine.
   */
  readonly world?: World
  /** A folder for the data, with a folder for each member, which is kept. Not in a world. Default: the data is in memory only. */
  readonly dataDir?: string
  /**
   * Settings of every member, without those that the ensemble gives each by itself: its number, the members, port and
   * directory. Its leader serves: no `leaderServes: false`. Defaults for quick tests: `tickTime` 200, `initLimit` 50, `syncLimit` 10 (a
   * silent leader is left after 2 s), `maxSessionTimeout` 60000, no admin pages.
   */
  readonly options?: ServerOptions
  /** Gets the lines of all members, with a fact `member`. Default: they are only kept for `said`. */
  readonly log?: Log
  /** How long the start, `restart` and `serving` may take, milliseconds. Default 30000. */
  readonly timeoutMs?: number
}

/** The members are no more than a machine can take. */
const sizeMax = 99

/** `startServer` looks at each setting. */
const settings: Check<ServerOptions> = (value, name, operation) => {
  const given = withMethods<ServerOptions>('an object of settings')(value, name, operation)
  const own = ownSettings.find((setting) => (given as Record<string, unknown>)[setting] !== undefined)
  if (own !== undefined)
    throw new TypeError(`${operation}: ${name} must not have ${own}, which the ensemble gives each member by itself`)
  // It would wait in vain.
  if (given.leaderServes === false)
    throw new TypeError(
      `${operation}: ${name} must not have leaderServes: false: the ensemble knows a leader that serves`,
    )
  return given
}

const startOptions = new OptionSet<EnsembleOptions>({
  size: whole('voters', 2, sizeMax),
  observers: whole('observers', 0, sizeMax),
  world: withMethods('a World', 'runtime', 'standStill'),
  dataDir: text,
  options: settings,
  log: callable,
  timeoutMs: timeout,
})

const killOptions = new OptionSet<{ readonly power?: boolean }>({ power: boolean })

const cutOptions = new OptionSet<CutOptions>({
  from: (value, name, operation) =>
    typeof value === 'number'
      ? whole('members', 0, 2 * sizeMax)(value, name, operation)
      : oneOf('clients')(value, name, operation),
  direction: oneOf('both', 'in', 'out'),
})

/** A direction seen from a member: `in` is what it would hear, `out` what it says. */
export type Direction = 'both' | 'in' | 'out'

/** Which connections of a member are cut. */
export interface CutOptions {
  /** The member, by its index, or the clients. Default: all other members and all clients. */
  readonly from?: number | 'clients'
  /** Default `both`. */
  readonly direction?: Direction
}

/** All indexes count from 0; the server with index 0 has the id 1 (`server.1`, `myid`). */
export interface Ensemble extends AsyncDisposable {
  /** Addresses of all members, for `connect`. */
  readonly connectString: string
  /** The address of each member for clients, `host:port`. */
  readonly addresses: readonly string[]
  /** The port of each member for clients. */
  readonly ports: readonly number[]
  /** Each member; undefined while it does not run. */
  readonly servers: readonly (RunningServer | undefined)[]
  /**
   * Ends a member at once: nothing more is written or answered, its connections end, sessions stay open. With `power`, data that was
   * not synced is lost or torn too, as in a power cut; this needs data in memory.
   * @throws TypeError for an option that does not exist; Error for `power` with a `dataDir`.
   */
  kill(index: number, options?: { readonly power?: boolean }): Promise<void>
  /** Stops a member in order. */
  stop(index: number): Promise<void>
  /** Starts a member again on its address and data; a running one is killed first. Resolves when it serves clients. */
  restart(index: number): Promise<void>
  /**
   * Starts a member like `restart`, and does not wait until it serves: without a quorum it cannot.
   * @throws Error where it cannot start, or was killed meanwhile, or the ensemble is closed.
   */
  start(index: number): Promise<void>
  /** The member does nothing until `resume`, and its connections stay open, as under SIGSTOP. */
  pause(index: number): void
  /** Ends `pause`. Timers that are due run first, then what has arrived meanwhile. */
  resume(index: number): void
  /**
   * A partition: nothing passes, and no connection is closed. What is sent meanwhile arrives after `heal`.
   * @throws TypeError for an option that does not exist.
   */
  cut(index: number, options?: CutOptions): void
  /** Ends what `cut` did to this member; without an index, every partition. */
  heal(index?: number): void
  /**
   * The index of the member that leads and serves; undefined while there is none, or more than one believes that it leads. Paused
   * members do not count.
   */
  leader(): number | undefined
  /** Resolves when one member leads, and all that run and are not paused serve. @throws Error that says what is missing. */
  serving(): Promise<void>
  /** The last lines of a member's log, since the ensemble began. */
  said(index: number): string
  /** Ends every partition, and kills every member, also one that is being started. Nothing starts from now on. */
  close(): Promise<void>
}

/**
 * Starts an ensemble of servers of ours in this process, on free ports of 127.0.0.1, or in a simulated world. Resolves when one of them
 * leads and all serve. `await using` closes it.
 * @throws TypeError or RangeError for an option that does not exist or cannot be used; ConfigError for such a setting; Error that says
 * what is missing when it does not serve in time.
 */
export async function startEnsemble(options: EnsembleOptions = {}): Promise<Ensemble> {
  const given = startOptions.of(options, 'startEnsemble')
  const { size = 3, observers = 0, world, dataDir } = given
  const all = size + observers
  if (world !== undefined && dataDir !== undefined)
    throw new Error('a simulated world has disks of its own: no dataDir')
  const loading = loadMember()
  await (world?.standStill(loading) ?? loading)
  const cables = new Cables()
  const place = world === undefined ? await onSockets(all, cables, dataDir) : inWorld(world, all, cables)
  const ensemble = new Members(place, cables, given, size)
  try {
    await Promise.all(place.members.map((_, i) => ensemble.start(i)))
    await ensemble.serving()
  } catch (error) {
    await ensemble.close()
    throw error
  }
  return ensemble
}

class Members implements Ensemble {
  readonly addresses: readonly string[]
  readonly ports: readonly number[]
  readonly connectString: string
  readonly servers: (RunningServer | undefined)[]
  readonly #place: Place
  readonly #cables: Cables
  readonly #settings: ServerOptions
  readonly #lines: string[][]
  readonly #paused = new Set<number>()
  /** Members whose process has begun and was not killed since. */
  readonly #begun = new Set<number>()
  /** Gives up the start of a member that is killed meanwhile. */
  readonly #starting = new Map<number, (reason: Error) => void>()
  /** Members that are being killed. */
  readonly #ending = new Map<number, Promise<void>>()
  #isClosed = false
  readonly #log: Log | undefined
  readonly #timeoutMs: number

  constructor(place: Place, cables: Cables, { options, log, timeoutMs = 30_000 }: EnsembleOptions, voters: number) {
    this.#place = place
    this.#cables = cables
    this.#log = log
    this.#timeoutMs = timeoutMs
    this.servers = place.members.map(() => undefined)
    this.#lines = place.members.map(() => [])
    this.addresses = place.members.map(({ host, clientPort }) => `${host}:${clientPort}`)
    this.ports = place.members.map(({ clientPort }) => clientPort)
    this.connectString = this.addresses.join(',')
    const lines = place.members.map(({ host, quorumPort, electionPort }, i) => {
      const role = i < voters ? '' : ':observer'
      return [`server.${i + 1}`, `${host}:${quorumPort}:${electionPort}${role}`] as const
    })
    this.#settings = {
      tickTime: 200,
      initLimit: 50,
      syncLimit: 10,
      maxSessionTimeout: 60_000,
      maxClientCnxns: 0,
      preAllocSize: 64,
      adminEnableServer: false,
      fourLetterWordWhitelist: '*',
      ...options,
      members: Object.fromEntries(lines),
    }
  }

  async start(index: number): Promise<void> {
    const { host, clientPort, dataDir } = this.#member(index)
    this.#refuseClosed()
    const isThere = [this.#begun, this.#paused, this.#starting].some((those) => those.has(index))
    const before = isThere ? this.kill(index) : this.#ending.get(index)
    let giveUp = (_reason: Error): void => {}
    const killed = new Promise<never>((_resolve, reject) => {
      giveUp = reject
    })
    this.#starting.set(index, giveUp)
    try {
      if (before !== undefined) await Promise.race([before, killed])
      this.#begun.add(index)
      const runtime = this.#place.begin(index, (level, message, facts) => this.#hear(index, level, message, facts))
      const settings = { ...this.#settings, clientPortAddress: host, clientPort, dataDir, myid: index + 1 }
      // Nothing that a dead process waits for comes.
      const server = await Promise.race([startServer(settings, runtime), killed])
      this.servers[index] = server
      void server.stopped.then(() => {
        if (this.servers[index] === server) this.servers[index] = undefined
      })
    } finally {
      if (this.#starting.get(index) === giveUp) this.#starting.delete(index)
    }
  }

  async restart(index: number): Promise<void> {
    await this.start(index)
    await this.#until(
      () => this.servers[index]?.mode !== undefined,
      () => `member ${index} does not serve again`,
    )
  }

  async kill(index: number, options: { readonly power?: boolean } = {}): Promise<void> {
    const { power = false } = killOptions.of(options, 'kill')
    this.#member(index)
    this.servers[index] = undefined
    this.#paused.delete(index)
    this.#begun.delete(index)
    this.#starting.get(index)?.(new Error(`member ${index} was killed while it started`))
    this.#starting.delete(index)
    const ending = this.#place.kill(index, power)
    this.#ending.set(index, ending)
    try {
      await ending
    } finally {
      if (this.#ending.get(index) === ending) this.#ending.delete(index)
    }
  }

  async stop(index: number): Promise<void> {
    this.#member(index)
    if (this.#paused.has(index)) this.resume(index)
    await this.servers[index]?.close()
    await this.kill(index)
  }

  pause(index: number): void {
    this.#member(index)
    this.#paused.add(index)
    this.#place.pause(index)
  }

  resume(index: number): void {
    this.#member(index)
    this.#paused.delete(index)
    this.#place.resume(index)
  }

  cut(index: number, options: CutOptions = {}): void {
    const { from, direction = 'both' } = cutOptions.of(options, 'cut')
    this.#member(index)
    if (typeof from === 'number') this.#member(from)
    const others: End[] = from === undefined ? this.#othersOf(index) : [from === 'clients' ? clients : from]
    for (const other of others) {
      if (direction !== 'in') this.#cables.set(index, other, true)
      if (direction !== 'out') this.#cables.set(other, index, true)
    }
  }

  heal(index?: number): void {
    for (const each of index === undefined ? this.servers.keys() : [index]) {
      for (const other of this.#othersOf(each)) {
        this.#cables.set(each, other, false)
        this.#cables.set(other, each, false)
      }
    }
  }

  leader(): number | undefined {
    const leading = [...this.servers.keys()].filter((i) => !this.#paused.has(i) && this.servers[i]?.mode === 'leader')
    return leading.length === 1 ? leading[0] : undefined
  }

  async serving(): Promise<void> {
    const idle = (): number[] =>
      [...this.servers.keys()].filter(
        (i) => this.servers[i] !== undefined && !this.#paused.has(i) && this.servers[i]?.mode === undefined,
      )
    await this.#until(
      () => this.leader() !== undefined && idle().length === 0,
      () =>
        `the ensemble does not serve: the leader is ${this.leader() ?? 'unknown'}, not serving: ${idle().join(' ') || 'none'}`,
    )
  }

  said(index: number): string {
    return (this.#lines[index] ?? []).join('\n')
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.heal()
    await Promise.all([...this.servers.keys()].map((i) => this.kill(i)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #member(index: number): Place['members'][number] {
    const member = this.#place.members[index]
    if (member === undefined) throw new Error(`there is no member ${index}: they are 0 to ${this.servers.length - 1}`)
    return member
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new Error('the ensemble is closed')
  }

  #othersOf(index: number): End[] {
    return [...[...this.servers.keys()].filter((i) => i !== index), clients]
  }

  #hear(index: number, ...[level, message, facts]: Parameters<Log>): void {
    const lines = this.#lines[index] as string[]
    lines.push(`${level} ${formatLine(message, facts)}`)
    if (lines.length > linesMax) lines.shift()
    this.#log?.(level, message, { member: index, ...facts })
  }

  async #until(isReached: () => boolean, problem: () => string): Promise<void> {
    const deadline = this.#place.now() + this.#timeoutMs
    while (!isReached()) {
      this.#refuseClosed()
      if (this.#place.now() > deadline) {
        const logs = this.#lines.map((lines, i) => `member ${i}:\n${lines.slice(-8).join('\n')}`)
        throw new Error(`${problem()} after ${this.#timeoutMs} ms\n${logs.join('\n')}`)
      }
      await this.#place.wait(lookMs)
    }
  }
}
