/** Runs workers and a server, kills, stops and pauses them at random, and checks their work. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Client, connect, json, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { configuration, discovery } from '@lightkeeper/recipes'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { Ledger } from './ledger.ts'
import { nextMishap, untilNext } from './mishaps.ts'
import { type Report, ServerProcess, Worker } from './processes.ts'

export interface DemoOptions {
  /** Servers to use instead of the demo's own. */
  readonly servers: string | undefined
  readonly workers: number
  /** How long orders are written and processes are killed or stopped, milliseconds. */
  readonly durationMs: number
  readonly seed: number
  /** No process is killed or stopped. */
  readonly isCalm: boolean
  /** Ends it early, as if its time had passed. */
  readonly signal: AbortSignal
}

/** Gets what happens while the demo runs. */
export type Announce = (event: string, facts?: Readonly<Record<string, unknown>>) => void

/** The session timeout of the workers, milliseconds. */
const sessionTimeoutMs = 3_000
/** The time between looks at the finished orders, milliseconds. */
const collectEveryMs = 250
/** Between accounts. */
const accountEveryMs = 5_000
/** How long the remaining orders may take after that time. */
const settleMs = 60_000

interface Settings {
  readonly backlog: number
  readonly workMs: number
}

/** Resolves to everything that went wrong; empty if all is well. */
export async function demo(options: DemoOptions, announce: Announce): Promise<readonly string[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lightkeeper-demo-'))
  const server = options.servers === undefined ? new ServerProcess(dataDir) : undefined
  try {
    const servers = options.servers ?? (await server?.start()) ?? ''
    // Below a znode of its own, so that it changes nothing else.
    const root: ZnodePath = `/lightkeeper-demo-${options.seed}`
    await using above = await connect(servers)
    await above.create(root)
    announce('begin', { servers: `${servers}${root}`, workers: options.workers, seed: options.seed })
    try {
      await using show = await Show.open(options, `${servers}${root}`, server, announce)
      return await show.run()
    } finally {
      await above.delete(root, { recursive: true })
    }
  } finally {
    await server?.stop('SIGTERM')
    await rm(dataDir, { recursive: true, force: true })
  }
}

class Show implements AsyncDisposable {
  readonly #options: DemoOptions
  readonly #zk: Client
  readonly #server: ServerProcess | undefined
  readonly #announce: Announce
  readonly #random: SeededRandom
  readonly #ledger = new Ledger()
  readonly #workers: readonly Worker[]
  /** Workers that end are no longer replaced. */
  #isClosing = false
  readonly #lives: Promise<void>[] = []

  private constructor(
    options: DemoOptions,
    zk: Client,
    server: ServerProcess | undefined,
    announce: Announce,
    at: string,
  ) {
    this.#options = options
    this.#zk = zk
    this.#server = server
    this.#announce = announce
    this.#random = new SeededRandom(options.seed)
    const file = fileURLToPath(new URL('./worker.js', import.meta.url))
    const args = ['--connect', at, '--session-timeout', String(sessionTimeoutMs)]
    this.#workers = Array.from({ length: options.workers }, (_, i) => {
      const worker = new Worker(`worker-${i + 1}`, file, args, (report) => this.#heard(worker.id, report))
      return worker
    })
  }

  static async open(
    options: DemoOptions,
    connectString: string,
    server: ServerProcess | undefined,
    announce: Announce,
  ): Promise<Show> {
    const zk = await connect(connectString)
    for (const path of ['/orders', '/locks', '/done'] as const) await zk.create(path)
    return new Show(options, zk, server, announce, connectString)
  }

  async run(): Promise<readonly string[]> {
    const { durationMs, isCalm } = this.#options
    const over = new AbortController()
    const end = AbortSignal.any([over.signal, this.#options.signal])
    const timer = setTimeout(() => over.abort(), durationMs)
    const first: Settings = { backlog: 20, workMs: 20 }
    await using settings = await configuration(this.#zk, '/settings', json<Settings>(), { fallback: first })
    await settings.set(first)
    for (const worker of this.#workers) this.#lives.push(this.#live(worker))
    const harm = isCalm ? undefined : this.#harm(end, (next) => settings.set(next))
    const collecting = new AbortController()
    const collected = this.#collect(collecting.signal)
    await pause(durationMs, end)
    clearTimeout(timer)
    await harm
    this.#announce('closing', { orders: await this.#close() })
    for (const worker of this.#workers) worker.resume()
    await settings.set({ backlog: 0, workMs: 0 })
    await this.#settled()
    collecting.abort()
    await collected
    await this.#dismissAll()
    await this.#leftovers()
    return this.#ledger.settle(await this.#last())
  }

  /** Kills the processes that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    for (const worker of this.#workers) worker.send('SIGKILL')
    await Promise.all(this.#lives)
    await this.#zk.close()
  }

  /** When a worker ends, another one takes its place and its name. */
  async #live(worker: Worker): Promise<void> {
    while (!this.#isClosing) {
      const problem = await worker.run()
      if (problem !== undefined) this.#problem(problem)
      await sleep(200)
    }
  }

  #heard(id: string, report: Report): void {
    if (report.event === 'done') this.#ledger.reported(Number(report['order']), id)
    else {
      if (report.event === 'scheduler') this.#ledger.elected(String(report['epoch']), id)
      this.#announce(report.event, report)
    }
  }

  #problem(text: string): void {
    this.#announce('problem', { text })
    this.#ledger.problem(text)
  }

  async #harm(end: AbortSignal, configure: (settings: Settings) => Promise<unknown>): Promise<void> {
    const circumstances = {
      workers: this.#workers.length,
      sessionTimeoutMs,
      hasServer: this.#server !== undefined,
    }
    const pauses: Promise<void>[] = []
    for (;;) {
      await pause(untilNext(this.#random), end)
      if (end.aborted) break
      const mishap = nextMishap(this.#random, circumstances)
      const worker = 'worker' in mishap ? this.#workers[mishap.worker] : undefined
      if (worker !== undefined && (!worker.isThere || worker.isPaused)) continue
      const { kind, worker: _, ...facts } = { worker: undefined, ...mishap }
      this.#announce(kind, worker === undefined ? facts : { id: worker.id, ...facts })
      switch (mishap.kind) {
        case 'kill':
          worker?.send('SIGKILL')
          break
        case 'dismiss':
          worker?.send('SIGTERM')
          break
        case 'pause':
          worker?.pause()
          pauses.push(
            pause(mishap.forMs, end).then(() => {
              if (worker?.isPaused === true) this.#announce('resume', { id: worker.id })
              worker?.resume()
            }),
          )
          break
        case 'killServer':
          await this.#server?.stop('SIGKILL')
          await this.#server?.start()
          break
        case 'configure':
          await configure({ backlog: mishap.backlog, workMs: mishap.workMs })
          break
        case 'misconfigure':
          await this.#zk.set('/settings', '{ "backlog": ', { idempotent: true })
      }
    }
    await Promise.all(pauses)
  }

  /** Moves finished orders from ZooKeeper into the ledger until the signal aborts, and then once more. */
  async #collect(signal: AbortSignal): Promise<void> {
    const taken = new Set<string>()
    let accountAt = Date.now() + accountEveryMs
    for (let isLast = false; ; ) {
      await this.#collectOnce(taken)
      if (isLast) return
      if (Date.now() >= accountAt) {
        accountAt += accountEveryMs
        await this.#account()
      }
      await pause(collectEveryMs, signal)
      isLast = signal.aborted
    }
  }

  async #collectOnce(taken: Set<string>): Promise<void> {
    await this.#again(async () => {
      const { children } = await this.#zk.children('/done')
      await Promise.all(
        children.map(async (name) => {
          const path: ZnodePath = `/done/${name}`
          // A finished order that could not be deleted is read again, and counted once.
          if (!taken.has(name)) this.#ledger.collected(Number(name), BigInt(text((await this.#zk.get(path)).data)))
          taken.add(name)
          await this.#zk.delete(path, { idempotent: true })
          taken.delete(name)
        }),
      )
    })
  }

  async #account(): Promise<void> {
    await this.#again(async () => {
      const stat = await this.#zk.exists('/orders')
      const there = await discovery(this.#zk).instances('worker')
      const { done, terms } = this.#ledger
      this.#announce('account', { done, waiting: stat?.numChildren ?? 0, terms, workers: there.map(({ id }) => id) })
    })
  }

  /**
   * Closes the orders: no scheduler writes another one, not even one that has not seen the last settings yet, because it writes with the
   * version of `/orders` that it has read. Resolves to the number of the last order.
   */
  async #close(): Promise<number> {
    const close = (data: Uint8Array | undefined): string | undefined => {
      const last = data === undefined ? '' : text(data)
      return last.endsWith('closed') ? undefined : `${last} closed`
    }
    await this.#again(() => this.#zk.update('/orders', close))
    return this.#last()
  }

  async #last(): Promise<number> {
    return this.#again(async () => Number(text((await this.#zk.get('/orders')).data).split(' ')[0]))
  }

  async #settled(): Promise<void> {
    const deadline = Date.now() + settleMs
    for (;;) {
      const stat = await this.#again(() => this.#zk.exists('/orders'))
      if (stat?.numChildren === 0) return
      if (Date.now() > deadline) {
        return this.#problem(`${stat?.numChildren} orders were not done within ${settleMs / 1_000} s`)
      }
      await sleep(collectEveryMs)
    }
  }

  async #dismissAll(): Promise<void> {
    this.#isClosing = true
    for (const worker of this.#workers) worker.send('SIGTERM')
    const tooLate = sleep(settleMs, 'late' as const, { ref: false })
    if ((await Promise.race([Promise.all(this.#lives), tooLate])) === 'late') {
      const late = this.#workers.filter(({ isThere }) => isThere).map(({ id }) => id)
      this.#problem(`${late.join(', ')} did not stop when asked to`)
    }
  }

  /** A worker that left cleanly leaves nothing; the server deletes the znodes of a killed worker when its session has ended. */
  async #leftovers(): Promise<void> {
    for (const deadline = Date.now() + settleMs; ; ) {
      const { nodes } = await this.#again(() => this.#zk.tree('/'))
      const owned = [...nodes].filter(([, { stat }]) => stat.ephemeralOwner !== 0n).map(([path]) => path)
      if (owned.length === 0) return
      if (Date.now() > deadline) return this.#problem(`left behind: ${owned.join(', ')}`)
      await sleep(collectEveryMs)
    }
  }

  /** Repeats a step of the demo itself until the server is back. */
  async #again<T>(step: () => Promise<T>): Promise<T> {
    for (const deadline = Date.now() + settleMs; ; ) {
      try {
        return await step()
      } catch (error) {
        if (!KeeperError.is(error) || Date.now() > deadline) throw error
        await sleep(collectEveryMs)
      }
    }
  }
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data)
}

/** Waits; ends early, without an error, when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
