/**
 * Clients that write without pause, and remember what was acknowledged: each key counts up, so that after a crash it must be at
 * or above its last acknowledged number, and not above the last one sent.
 */
import { type Client, connect, KeeperError, op } from '@lightkeeper/client'
import type { ZnodePath } from '@lightkeeper/protocol'

interface Key {
  readonly path: ZnodePath
  sent: number
  acknowledged: number
}

export class SteadyWriters {
  readonly #clients: Client[] = []
  readonly #keys: Key[] = []
  readonly #pairs: Key[] = []
  readonly #names = new Set<string>()
  #isStopped = false
  #running: Promise<unknown> = Promise.resolve()
  acknowledged = 0
  /** What went wrong in itself: a repeated name, an error that is none of ZooKeeper's. */
  readonly problems: string[] = []

  static async start(connectString: string, clients: number, keysEach: number): Promise<SteadyWriters> {
    const writers = new SteadyWriters()
    for (let c = 0; c < clients; c++) {
      const client = await connect(connectString, { sessionTimeout: 20_000 })
      writers.#clients.push(client)
      for (let k = 0; k < keysEach; k++) {
        const key: Key = { path: `/c${c}-k${k}`, sent: 0, acknowledged: 0 }
        await client.create(key.path, '0')
        writers.#keys.push(key)
      }
      const pair: Key = { path: `/c${c}-pair`, sent: 0, acknowledged: 0 }
      await client.create(`${pair.path}-a`, '0')
      await client.create(`${pair.path}-b`, '0')
      writers.#pairs.push(pair)
    }
    await writers.#clients[0]?.create('/names', '')
    const loops = writers.#clients.flatMap((client, c) => [
      ...writers.#keys.slice(c * keysEach, (c + 1) * keysEach).map((key) => writers.#count(client, key)),
      writers.#countPair(client, writers.#pairs[c] as Key),
      writers.#name(client),
    ])
    writers.#running = Promise.all(loops)
    return writers
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async close(): Promise<void> {
    await this.stop()
    await Promise.all(this.#clients.map((client) => client.close()))
  }

  /** Reads everything through its own client; returns what is wrong. */
  async check(connectString: string): Promise<string[]> {
    await using client = await connect(connectString, { sessionTimeout: 20_000, connectTimeout: 60_000 })
    const wrong: string[] = []
    const acknowledgedOf = new Map([...this.#keys, ...this.#pairs].map((key) => [key, key.acknowledged]))
    const names = [...this.#names]
    // A member of an ensemble may be a little behind without this.
    await client.sync('/')
    const number = async (path: ZnodePath): Promise<number> =>
      Number(new TextDecoder().decode((await client.get(path)).data))
    await Promise.all(
      this.#keys.map(async (key) => {
        const acknowledged = acknowledgedOf.get(key) as number
        const found = await number(key.path)
        if (found < acknowledged || found > key.sent) wrong.push(`${key.path}: ${found}, acknowledged ${acknowledged}`)
      }),
    )
    await Promise.all(
      this.#pairs.map(async (pair) => {
        const acknowledged = acknowledgedOf.get(pair) as number
        const [a, b] = await client.readMany([{ get: `${pair.path}-a` }, { get: `${pair.path}-b` }])
        const text = (result: typeof a): string =>
          result && 'data' in result ? new TextDecoder().decode(result.data) : '?'
        if (text(a) !== text(b)) wrong.push(`${pair.path}: half a transaction, ${text(a)} and ${text(b)}`)
        if (Number(text(a)) < acknowledged) wrong.push(`${pair.path}: ${text(a)}, acknowledged ${acknowledged}`)
      }),
    )
    const { children } = await client.children('/names')
    const present = new Set(children)
    for (const name of names) if (!present.has(name)) wrong.push(`/names/${name} was acknowledged and is missing`)
    return [...wrong, ...this.problems]
  }

  async #count(client: Client, key: Key): Promise<void> {
    await this.#loop(async () => {
      const next = ++key.sent
      await client.set(key.path, String(next))
      key.acknowledged = Math.max(key.acknowledged, next)
    })
  }

  async #countPair(client: Client, pair: Key): Promise<void> {
    await this.#loop(async () => {
      const next = ++pair.sent
      await client.transaction(op.set(`${pair.path}-a`, String(next)), op.set(`${pair.path}-b`, String(next)))
      pair.acknowledged = Math.max(pair.acknowledged, next)
    })
  }

  async #name(client: Client): Promise<void> {
    await this.#loop(async () => {
      const { path } = await client.create('/names/n-', '', { sequential: true })
      const name = path.slice('/names/'.length)
      if (this.#names.has(name)) this.problems.push(`the name ${name} was given out twice`)
      this.#names.add(name)
    })
  }

  async #loop(write: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await write()
        this.acknowledged++
      } catch (error) {
        if (!KeeperError.is(error)) this.problems.push(String(error))
        // A server that serves reads alone refuses at once.
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
}
