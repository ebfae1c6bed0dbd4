/** Three servers of ours and clients in one world, for tests that name the faults one by one. */
import { type Client, type ConnectOptions, connect } from '@lightkeeper/client'
import type { Network, Runtime } from '@lightkeeper/runtime'
import { type RunningServer, type ServerOptions, startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'
import { dumpTree } from '../../support/tree-dump.ts'

export const sids = [1, 2, 3] as const
export type Sid = (typeof sids)[number]

const members = Object.fromEntries(sids.map((sid) => [`server.${sid}`, `m${sid}:2888:3888`]))

export class Three {
  readonly world: World
  /** What one of them has otherwise than the others, from its next start on. */
  readonly own = new Map<Sid, ServerOptions>()
  /** How long the port for learners takes to open, milliseconds: a leader may have work to do before. */
  listenMs = 0
  /** What a server of these has in place of its network. */
  networkOf: (sid: Sid, network: Network) => Network = (_sid, network) => network
  readonly #options: ServerOptions
  readonly #servers = new Map<Sid, RunningServer>()
  #clients = 0

  constructor(seed: number, options: ServerOptions = {}) {
    this.world = new World(seed)
    this.#options = {
      members,
      tickTime: 200,
      initLimit: 10,
      syncLimit: 5,
      minSessionTimeout: 400,
      maxSessionTimeout: 60_000,
      clientPort: 2181,
      dataDir: 'data',
      preAllocSize: 64,
      adminEnableServer: false,
      maxClientCnxns: 0,
      fourLetterWordWhitelist: '*',
      ...options,
    }
  }

  async start(...some: readonly Sid[]): Promise<void> {
    for (const sid of some.length > 0 ? some : sids) {
      const runtime = this.#runtimeOf(sid)
      const starting = startServer({ ...this.#options, ...this.own.get(sid), host: host(sid), myid: sid }, runtime)
      let isOver = false
      const over = (): void => {
        isOver = true
      }
      starting.then(over, over)
      // A server loads the parts of a member when it starts, which takes no time of the world.
      while (!isOver) await this.world.advance(1)
      this.#servers.set(sid, await starting)
    }
  }

  #runtimeOf(sid: Sid): Runtime {
    const runtime = this.world.runtime(host(sid))
    const { clock } = runtime
    const network = this.networkOf(sid, runtime.network)
    const late: Network = {
      connect: (...dial) => network.connect(...dial),
      service: (name) => network.service(name),
      async listen(address, ...rest) {
        const waitMs = address.endsWith(':2888') ? listenMs() : 0
        if (waitMs > 0) await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
        return network.listen(address, ...rest)
      },
    }
    const listenMs = (): number => this.listenMs
    return { ...runtime, network: late }
  }

  kill(sid: Sid, kind: 'kill' | 'power' = 'kill'): void {
    this.#servers.delete(sid)
    this.world.crash(host(sid), kind)
  }

  /** The server stops in order, and may start again. */
  async stop(sid: Sid): Promise<void> {
    const server = this.#servers.get(sid)
    this.#servers.delete(sid)
    await this.world.run((server as RunningServer).close())
  }

  /** The disk of a dead server is replaced by an empty one. */
  wipe(sid: Sid): void {
    const disk = this.world.disk(host(sid))
    for (const name of disk.files('data/version-2').keys()) disk.lose(`data/version-2/${name}`)
  }

  /** The logs in front of the newest one disappear, as by a purge. Returns their number. */
  loseOldLogs(sid: Sid): number {
    const disk = this.world.disk(host(sid))
    const number = (name: string): number => Number.parseInt(name.slice('log.'.length), 16)
    const logs = [...disk.files('data/version-2').keys()].filter((name) => name.startsWith('log.'))
    const old = logs.sort((a, b) => number(a) - number(b)).slice(0, -1)
    for (const name of old) disk.lose(`data/version-2/${name}`)
    return old.length
  }

  /** Nothing goes between this server and the other two; clients still reach it. */
  cut(sid: Sid): void {
    for (const other of sids) if (other !== sid) this.world.network.cut(host(sid), host(other))
  }

  heal(sid: Sid): void {
    for (const other of sids) if (other !== sid) this.world.network.heal(host(sid), host(other))
  }

  /** Connected to these servers only; by default to all of them. */
  connect(to: readonly Sid[] = sids, options: ConnectOptions = {}): Promise<Client> {
    const own = `c${++this.#clients}`
    const addresses = to.map((sid) => `${host(sid)}:2181`).join(',')
    return this.world.run(
      connect(addresses, {
        sessionTimeout: 10_000,
        connectTimeout: 60_000,
        runtime: this.world.runtime(own),
        ...options,
      }),
    )
  }

  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.world.run(promise, limitMs)
  }

  /** Who serves in which role: the answer to `srvr`, undefined where nobody is served. */
  async mode(sid: Sid): Promise<string | undefined> {
    return /^Mode: (.*)$/m.exec(await this.ask(sid, 'srvr'))?.[1]
  }

  async ask(sid: Sid, word: string): Promise<string> {
    const { network } = this.world.runtime('asker')
    const answer = new Promise<string>((resolve) => {
      let text = ''
      const link = network.connect(`${host(sid)}:2181`, {
        opened: () => void link.write(new TextEncoder().encode(word)),
        data: (chunk) => {
          text += new TextDecoder().decode(chunk)
        },
        closed: () => resolve(text),
      })
    })
    return this.world.run(answer)
  }

  /** Lets time pass until some server leads, and the others that live follow it. */
  async settled(): Promise<{ leader: Sid; followers: Sid[] }> {
    const alive = [...this.#servers.keys()]
    let modes: (string | undefined)[] = []
    await this.until(
      async () => {
        modes = []
        for (const sid of alive) modes.push(await this.mode(sid))
        return modes.includes('leader') && modes.every((mode) => mode === 'leader' || mode === 'follower')
      },
      `one leader and its followers among ${alive.join(', ')}`,
    )
    const leader = alive[modes.indexOf('leader')] as Sid
    return { leader, followers: alive.filter((sid) => sid !== leader) }
  }

  async until(condition: () => Promise<boolean>, what: string, limitMs = 120_000): Promise<void> {
    const end = this.world.time + limitMs
    while (!(await condition())) {
      if (this.world.time > end) {
        throw new Error(
          `seed ${this.world.seed}: not within ${limitMs} ms: ${what}\n${this.lines().slice(-60).join('\n')}`,
        )
      }
      await this.world.advance(50)
    }
  }

  /** The lines that the servers logged. */
  lines(part = ''): string[] {
    return this.world.trace.filter((line) => / m\d /.test(line) && line.includes(part))
  }

  /** The trees and sessions of these servers, each as text; equal where the servers are equal. */
  async states(of: readonly Sid[] = [...this.#servers.keys()]): Promise<string[]> {
    const states: string[] = []
    for (const sid of of) {
      const zk = await this.connect([sid])
      const dump = this.run(zk.sync('/').then(() => dumpTree(zk)))
      const lines = (await dump).filter((line) => !line.startsWith('/zookeeper/config '))
      await this.run(zk.close())
      states.push(lines.join('\n'))
    }
    return states
  }

  async close(): Promise<void> {
    for (const sid of [...this.#servers.keys()]) await this.stop(sid)
  }
}

export function host(sid: Sid): string {
  return `m${sid}`
}
