/**
 * A world without sockets and without waiting: one queue of events ordered by time, hosts with clocks that read it, and a network
 * whose behaviour comes from a seed. Two runs with one seed leave the same trace.
 */
import { type Clock, formatLine, type LinkEvents, type Runtime, silentTrace, type Trace } from '@lightkeeper/runtime'
import { SimDisk } from './disk.ts'
import { SimNetwork } from './network.ts'
import { SeededRandom } from './random.ts'

interface Scheduled {
  readonly at: number
  /** Order of events at the same time. */
  readonly sequence: number
  task: (() => void) | undefined
  /** Whose timer it is; a dead process has none. */
  readonly process: { readonly isAlive: boolean } | undefined
}

interface Host {
  /** Its current processes share this; it is replaced when they die. */
  process: { isAlive: boolean }
  readonly disk: SimDisk
  wallOffsetMs: number
  /** Its clocks: they were at `base` at the world's time `since`, and run at `rate`. */
  clock: { readonly base: number; readonly since: number; readonly rate: number }
  isPaused: boolean
  /** Its power is gone, and no process has begun since. */
  isOff: boolean
  /** The tasks of stopped processes, which run after they resume. */
  missed: { readonly isTimer: boolean; readonly task: () => void }[]
}

/** Waits for a macrotask, so that the promises of the last event settle before the next event. */
const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A simulated world: hosts, a network, disks and a clock that moves only when it is advanced. Its seed decides everything. */
export class World {
  /** The seed, which decides everything random in this world. */
  readonly seed: number
  /** The random numbers of the world, from its seed. A test that draws one changes what follows. */
  readonly random: SeededRandom
  /** The network between the hosts. */
  readonly network: SimNetwork
  /** Milliseconds since the world began. */
  time = 0
  /** What has happened, a line each: the time in milliseconds, the host, the event. */
  readonly trace: string[] = []
  readonly #queue: Scheduled[] = []
  readonly #hosts = new Map<string, Host>()
  /** Work outside the world, for which its time stands still. */
  readonly #outside = new Set<Promise<unknown>>()
  #sequence = 0

  constructor(seed: number) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.network = new SimNetwork(this)
  }

  /**
   * Everything that a client or server on `host` may ask of it, for a process that lives until the host crashes: after that none of
   * its tasks runs, and nothing that it waits for comes. `trace` gets what client and server publish, for example `nodeTrace` of
   * the host; by default there is no listener.
   */
  runtime(host: string, trace: Trace = silentTrace): Runtime {
    const entry = this.#host(host)
    const { process, disk } = entry
    entry.isOff = false
    const after = (delayMs: number, task: () => void): { cancel(): void } => {
      let isCancelled = false
      const run = (): void => {
        if (process.isAlive && !isCancelled) task()
      }
      const due = (): void => this.#whileRunning(host, true, run)
      const timer = this.after(delayMs / this.#host(host).clock.rate, due, process)
      return {
        cancel() {
          // A timer that came due while the process was stopped is not in the queue any more.
          isCancelled = true
          timer.cancel()
        },
      }
    }
    const now = (): number => {
      const { base, since, rate } = this.#host(host).clock
      return base + (this.time - since) * rate
    }
    const clock: Clock = {
      now,
      wall: () => 1_700_000_000_000 + Math.floor(now() + this.#host(host).wallOffsetMs),
      after,
      turnEnd: (task) => void after(0, task),
    }
    return {
      clock,
      random: this.random.fork(),
      // A story must not depend on the memory of this process.
      memory: { heap: () => ({ used: 0, limit: 1 }), collect() {} },
      network: this.network.host(host),
      http: { listen: () => Promise.reject(new Error('a simulated world has no HTTP')) },
      disk: disk.mounted(after, () => process.isAlive),
      log: (level, message, facts) => {
        if (process.isAlive) this.note(host, `${level} ${formatLine(message, facts)}`)
      },
      machine: { facts: () => new Map(), descriptors: () => Promise.resolve(undefined) },
      trace,
    }
  }

  /** The disk of a host, which outlives its processes. */
  disk(host: string): SimDisk {
    return this.#host(host).disk
  }

  /**
   * Everything on the host dies at this instant. `kill` ends only the processes; the system goes on, notifies their
   * peers and keeps what they wrote. `power` ends the machine: no peer is notified, nothing there answers until `runtime` begins a
   * process on it, and what was not synced is lost or torn.
   */
  crash(host: string, kind: 'kill' | 'power'): void {
    const entry = this.#host(host)
    this.note(host, `crash by ${kind}`)
    entry.process.isAlive = false
    entry.process = { isAlive: true }
    entry.isPaused = false
    entry.isOff = kind === 'power'
    entry.missed = []
    this.network.crash(host, kind === 'kill')
    if (kind === 'kill') entry.disk.killed()
    else entry.disk.powerCut()
  }

  /** SIGSTOP: the processes of the host do nothing until `resume`, and their peers do not notice. */
  pause(host: string): void {
    this.note(host, 'paused')
    this.#host(host).isPaused = true
  }

  /** SIGCONT: timers that are due run first, then what has arrived meanwhile, as in an event loop. */
  resume(host: string): void {
    const entry = this.#host(host)
    this.note(host, 'resumed')
    entry.isPaused = false
    const isTimer = (each: { readonly isTimer: boolean }): boolean => each.isTimer
    entry.missed = [...entry.missed.filter(isTimer), ...entry.missed.filter((each) => !isTimer(each))]
    this.after(0, () => this.#catchUp(entry))
  }

  /** Whether the host is stopped, as by SIGSTOP. */
  isPaused(host: string): boolean {
    return this.#host(host).isPaused
  }

  /** Whether the power of the host is gone; it is back when a process begins there. */
  isOff(host: string): boolean {
    return this.#host(host).isOff
  }

  #catchUp(host: Host): void {
    if (host.isPaused) return
    host.missed.shift()?.task()
    if (host.missed.length > 0) this.after(0, () => this.#catchUp(host))
  }

  /** The events of a link of `host`; a stopped process gets them when it resumes. */
  received(host: string, events: LinkEvents): LinkEvents {
    return {
      opened: () => this.#whileRunning(host, false, () => events.opened?.()),
      data: (bytes) => this.#whileRunning(host, false, () => events.data(bytes)),
      drained: () => this.#whileRunning(host, false, () => events.drained?.()),
      closed: (reason) => this.#whileRunning(host, false, () => events.closed(reason)),
    }
  }

  #whileRunning(host: string, isTimer: boolean, task: () => void): void {
    const { isPaused, missed } = this.#host(host)
    if (!isPaused && missed.length === 0) task()
    else missed.push({ isTimer, task })
  }

  /** Sets the wall clock of a host forward or back; its monotonic clock is not changed. */
  jumpWallClock(host: string, byMs: number): void {
    this.note(host, `wall clock jumps by ${byMs} ms`)
    this.#host(host).wallOffsetMs += byMs
  }

  /**
   * From now on the clocks of a host run `rate` times as fast as those of the world. Timers that are set keep the time at which they
   * run.
   */
  driftClock(host: string, rate: number): void {
    this.note(host, `clocks run ${rate} times as fast`)
    const entry = this.#host(host)
    const { base, since, rate: before } = entry.clock
    entry.clock = { base: base + (this.time - since) * before, since: this.time, rate }
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = {
        process: { isAlive: true },
        disk: new SimDisk(this.random.fork()),
        wallOffsetMs: 0,
        clock: { base: 0, since: 0, rate: 1 },
        isPaused: false,
        isOff: false,
        missed: [],
      }
      this.#hosts.set(name, host)
    }
    return host
  }

  /** Adds a line to the trace, with the time and the host. */
  note(host: string, event: string): void {
    this.trace.push(`${this.time.toFixed(3).padStart(12)} ${host.padEnd(8)} ${event}`)
  }

  /** FNV-1a of the trace. */
  traceHash(): string {
    let hash = 0x811c9dc5
    for (const line of this.trace) {
      for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
    }
    return (hash >>> 0).toString(16).padStart(8, '0')
  }

  /** Runs a task after a delay in milliseconds of simulated time; with a process, only while that is alive. */
  after(delayMs: number, task: () => void, process?: { readonly isAlive: boolean }): { cancel(): void } {
    // Whole 1/1024 milliseconds, rounded up: sums are exact, and no task runs a rounding error too early.
    const at = Math.ceil((this.time + Math.max(0, delayMs)) * 1024) / 1024
    const entry: Scheduled = { at, sequence: this.#sequence++, task, process }
    this.#push(entry)
    return {
      cancel: () => {
        entry.task = undefined
      },
    }
  }

  /** Timers of living processes and everything on its way: what would still happen if nobody did anything more. */
  get pending(): number {
    return this.#queue.filter(({ task, process }) => task !== undefined && process?.isAlive !== false).length
  }

  /**
   * The time of the world stands still until `work` outside of it has settled, such as the loading of a module: otherwise the speed of
   * this machine would decide what happens. Returns `work`.
   */
  standStill<T>(work: Promise<T>): Promise<T> {
    const over = (): void => void this.#outside.delete(work)
    this.#outside.add(work)
    work.then(over, over)
    return work
  }

  /** Lets `ms` pass, event by event. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms
    await this.#settle()
    for (let next = this.#queue[0]; next !== undefined && next.at <= until; next = this.#queue[0]) await this.#step()
    this.time = until
    await this.#settle()
  }

  /** Runs until `promise` settles; fails when `limitMs` of the world's time pass first. */
  async run<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let isSettled = false
    const settled = promise.then(
      () => void (isSettled = true),
      () => void (isSettled = true),
    )
    const until = this.time + limitMs
    await this.#settle()
    while (!isSettled) {
      const next = this.#queue[0]
      if (next === undefined || next.at > until) {
        throw new Error(`seed ${this.seed}: nothing came within ${limitMs} simulated ms`)
      }
      await this.#step()
    }
    await settled
    return promise
  }

  /** Lets time pass in the background until `promise` settles. */
  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  async #step(): Promise<void> {
    const entry = this.#pop()
    if (entry.task === undefined) return
    this.time = Math.max(this.time, entry.at)
    entry.task()
    await this.#settle()
  }

  async #settle(): Promise<void> {
    await settlePromises()
    while (this.#outside.size > 0) {
      await Promise.allSettled(this.#outside)
      await settlePromises()
    }
  }

  // -- a binary heap by time, then sequence ---------------------------------------------------------------------------

  #push(entry: Scheduled): void {
    const queue = this.#queue
    let at = queue.length
    queue.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(queue[parent] as Scheduled, entry)) break
      queue[at] = queue[parent] as Scheduled
      at = parent
    }
    queue[at] = entry
  }

  #pop(): Scheduled {
    const queue = this.#queue
    const first = queue[0] as Scheduled
    const last = queue.pop() as Scheduled
    if (queue.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= queue.length) break
      if (child + 1 < queue.length && isBefore(queue[child + 1] as Scheduled, queue[child] as Scheduled)) child++
      if (isBefore(last, queue[child] as Scheduled)) break
      queue[at] = queue[child] as Scheduled
      at = child
    }
    queue[at] = last
    return first
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
}
