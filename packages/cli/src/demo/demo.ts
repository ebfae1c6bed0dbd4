/** Runs workers and a server, kills, stops and pauses them at random, and keeps account of their work. */
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
  /** Servers to use instead of one of the demo's own. */
  readonly servers: string | undefined
  readonly workers: number
  /** Milliseconds during which orders are written and processes harmed. */
  readonly durationMs: number
  readonly seed: number
  /** No harm is done. */
  readonly isCalm: boolean
  /** Ends it early, as if the time were over. */
  readonly signal: AbortSignal
}

/** What the demo tells while it runs. */
export type Telling = (event: string, facts?: Readonly<Record<string, unknown>>) => void

/** The session timeout of the workers, milliseconds. */
const sessionTimeoutMs = 3_000
/** The time between looks at what was done, milliseconds. */
const collectEveryMs = 250
/** Between accounts. */
const accountEveryMs = 5_000
/** For what is left to be done when the time is over. */
const settleMs = 60_000

interface Settings {
  readonly backlog: number
  readonly workMs: number
}

/** Resolves to what went wrong, and to nothing where all is well. */
export async function demo(options: DemoOptions, tell: Telling): Promise<readonly string[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lightkeeper-demo-'))
  const server = options.servers === undefined ? new ServerProcess(dataDir) : undefined
  try {
    const servers = options.servers ?? (await server?.start()) ?? ''
    // Below a znode of its own, so that it leaves everything else alone.
    const root: ZnodePath = `/lightkeeper-demo-${options.seed}`
    await using above = await connect(servers)
    await above.create(root)
    tell('begin', { servers: `${servers}${root}`, workers: options.workers, seed: options.seed })
    try {
      await using show = await Show.open(options, `${servers}${root}`, server, tell)
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
  readonly #tell: Telling
  readonly #random: SeededRandom
  readonly #ledger = new Ledger()
  readonly #workers: readonly Worker[]
  /** No more workers are put in the place of those that go. */
  #isClosing = false
  readonly #lives: Promise<void>[] = []

  private constructor(options: DemoOptions, zk: Client, server: ServerProcess | undefined, tell: Telling, at: string) {
    this.#options = options
    this.#zk = zk
    this.#server = server
    this.#tell = tell
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
    tell: Telling,
  ): Promise<Show> {
    const zk = await connect(connectString)
    for (const path of ['/orders', '/locks', '/done'] as const) await zk.create(path)
    return new Show(options, zk, server, tell, connectString)
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
    this.#tell('closing', { orders: await this.#last() })
    for (const worker of this.#workers) worker.resume()
    await settings.set({ backlog: 0, workMs: 0 })
    await this.#settled()
    collecting.abort()
    await collected
    await this.#dismissAll()
    await this.#leftovers()
    return this.#ledger.settle(await this.#last())
  }

  /** Kills what is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    for (const worker of this.#workers) worker.send('SIGKILL')
    await Promise.all(this.#lives)
    await this.#zk.close()
  }

  /** A worker goes, and another takes its place, and its name. */
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
      this.#tell(report.event, report)
    }
  }

  #problem(text: string): void {
    this.#tell('problem', { text })
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
      this.#tell(kind, worker === undefined ? facts : { id: worker.id, ...facts })
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
              if (worker?.isPaused === true) this.#tell('resume', { id: worker.id })
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

  /** Takes what is done out of ZooKeeper and into the ledger, until the signal; then once more. */
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
          // One that could not be deleted is seen again, and is still the same.
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
      this.#tell('account', { done, waiting: stat?.numChildren ?? 0, terms, workers: there.map(({ id }) => id) })
    })
  }

  async #last(): Promise<number> {
    return this.#again(async () => Number(text((await this.#zk.get('/orders')).data)))
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

  /** Who left cleanly has left nothing; of who was killed the server has removed everything when the session was over. */
  async #leftovers(): Promise<void> {
    for (const deadline = Date.now() + settleMs; ; ) {
      const { nodes } = await this.#again(() => this.#zk.tree('/'))
      const owned = [...nodes].filter(([, { stat }]) => stat.ephemeralOwner !== 0n).map(([path]) => path)
      if (owned.length === 0) return
      if (Date.now() > deadline) return this.#problem(`left behind: ${owned.join(', ')}`)
      await sleep(collectEveryMs)
    }
  }

  /** The demo's own reading goes on when the server is back. */
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

/** Ends early, and well, when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
