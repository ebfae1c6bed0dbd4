/** A server and clients in one world, and the operations a test throws at them. */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'

export const serverHost = 'server'
export const serverAddress = `${serverHost}:2181`

export class Stage {
  readonly world: World
  readonly #options: ServerOptions
  #server: RunningServer | undefined
  #clients = 0

  constructor(seed: number, options: ServerOptions = {}) {
    this.world = new World(seed)
    this.#options = { tickTime: 500, maxClientCnxns: 0, ...options }
  }

  async startServer(): Promise<void> {
    const runtime = this.world.runtime(serverHost)
    this.#server = await startServer({ ...this.#options, host: serverHost, clientPort: 2181 }, runtime)
  }

  /** The process dies: its connections end, and with this version its data is gone. */
  async crashServer(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    // The system ends the connections of a process that dies. A server that is closed would answer its clients first.
    for (let i = 1; i <= this.#clients; i++) this.world.network.reset(`c${i}`, serverHost)
    await this.world.run(server.close())
  }

  /** A client on a host of its own, `c1`, `c2`, …. */
  connect(options: Parameters<typeof connect>[1] = {}): Promise<Client> {
    const host = `c${++this.#clients}`
    return connect(serverAddress, {
      sessionTimeout: 4000,
      connectTimeout: 60_000,
      runtime: this.world.runtime(host),
      ...options,
    })
  }

  close(): Promise<void> | undefined {
    return this.#server?.close()
  }
}

/** How a call ended, in a word: for traces and for checking that it ended in a way that is allowed. */
export function ending(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: unknown) => {
      if (KeeperError.is(error)) return `${error.code} ${error.outcome}`
      if (error instanceof Error && error.name === 'AbortError') return 'aborted'
      return `unexpected ${String(error)}`
    },
  )
}

/**
 * Seeds of a test: one given by SEED, to replay it, or `count` of them, SEEDS_TIMES as many in the long lane. SEEDS_ROUND=2 has the
 * seeds that come after those of a run without it.
 */
export function seeds(count: number): number[] {
  const given = process.env['SEED']
  if (given !== undefined) return [Number(given)]
  const size = count * Number(process.env['SEEDS_TIMES'] ?? 1)
  const first = size * (Number(process.env['SEEDS_ROUND'] ?? 1) - 1) + 1
  return Array.from({ length: size }, (_, i) => first + i)
}
