/**
 * What the client does on Apache ZooKeeper 3.5, which lacks what came with 3.6 and 3.7: persistent watches, reads in one go, and
 * questions about oneself. A server closes the connection over a request it does not know, so each is asked once a server.
 */
import { type Client, connect, KeeperError, type WatchChange, type ZnodePath } from '@lightkeeper/client'
import { ask, type Proxy, proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { outcomeOf } from '../support/outcome.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../support/target.ts'
import { text } from '../support/text.ts'
import { sleep, until } from '../support/wait.ts'

const reason =
  targetName === 'apache-3.5' ? missingTarget() : `it is about another target: LIGHTKEEPER_TARGET=apache-3.5 runs it`
if (reason !== undefined) console.log(`degradation, on ${targetName}: skipped, because ${reason}`)

const connections = (zk: Client): number => zk.stats().connections.established
/** Follows a stream, checks its promises, and keeps what it yields as a tree. */
class Follower {
  readonly nodes = new Map<ZnodePath, { value: string; mzxid: bigint }>()
  readonly told: WatchChange[] = []
  readonly done: Promise<void>
  readonly #stop = new AbortController()
  #wake = (): void => {}

  constructor(zk: Client, path: ZnodePath, options: { recursive?: boolean; children?: boolean } = {}) {
    const stream = zk.watch(path, { ...options, signal: this.#stop.signal })
    this.done = (async () => {
      for await (const change of stream) {
        this.#take(change, options.recursive === true)
        this.told.push(change)
        this.#wake()
      }
    })()
  }

  #take(change: WatchChange, recursive: boolean): void {
    if (change.kind === 'ready' || change.kind === 'stale' || change.kind === 'unreadable') return
    const { path } = change
    const known = this.nodes.get(path)
    const parent = (path.slice(0, path.lastIndexOf('/')) || '/') as ZnodePath
    if (change.kind === 'deleted') {
      expect(known, `${path} ends without having been told`).toBeDefined()
      expect(text(change.previous?.value)).toBe(known?.value)
      const below = [...this.nodes.keys()].filter((each) => each.startsWith(`${path}/`))
      expect(below, `${path} ends before what is below it`).toEqual([])
      this.nodes.delete(path)
      return
    }
    if (change.kind === 'created') {
      expect(known, `${path} is told twice`).toBeUndefined()
      if (recursive && this.nodes.size > 0) expect(this.nodes.has(parent), `${path} comes before its parent`).toBe(true)
    } else {
      expect(text(change.previous.value), `the chain of ${path}`).toBe(known?.value)
      expect(change.stat.mzxid, `${path} goes back`).toBeGreaterThan(known?.mzxid ?? 0n)
      expect(change.missed).toBe(change.stat.version - change.previous.stat.version - 1)
    }
    this.nodes.set(path, { value: text(change.value), mzxid: change.stat.mzxid })
  }

  async until(fits: () => boolean): Promise<void> {
    while (!fits()) {
      const next = new Promise<void>((resolve) => (this.#wake = resolve))
      await Promise.race([next, this.done])
    }
  }

  /** Told everything that was there at the start. */
  ready(): Promise<void> {
    return this.until(() => this.told.some(({ kind }) => kind === 'ready'))
  }

  /** Ends the stream. Rejects where it broke a promise. */
  async leave(): Promise<void> {
    this.#stop.abort()
    await this.done
  }
}

/** Data by path of everything in scope, as another client reads it. */
async function contents(zk: Client, root: ZnodePath, scope: 'node' | 'children' | 'tree'): Promise<object> {
  const all = new Map<ZnodePath, string>()
  const visit = async (path: ZnodePath, depth: number): Promise<void> => {
    const found = await zk.find(path)
    if (found === undefined) return
    if (scope !== 'children' || depth > 0) all.set(path, text(found.data))
    if (scope === 'node' || (scope === 'children' && depth > 0)) return
    for (const name of (await zk.children(path)).children) await visit(`${path}/${name}`, depth + 1)
  }
  await visit(root, 0)
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const view = ({ nodes }: Follower): object =>
  Object.fromEntries([...nodes].map(([path, { value }]) => [path, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)))

describe.skipIf(reason !== undefined)(`the client degrades, on ${targetName}`, () => {
  let server: TargetServer
  let other: Client
  let wire: Proxy
  let root: ZnodePath
  let tests = 0
  const open: Client[] = []
  const through = async (address = wire.connectString): Promise<Client> => {
    const zk = await connect(address, { sessionTimeout: 6000 })
    open.push(zk)
    return zk
  }
  beforeAll(async () => {
    server = await startTarget({
      tickTime: 500,
      fourLetterWords: '*',
      extendedTypesEnabled: true,
      containerCheckMs: 200,
    })
    other = await connect(server)
  })
  afterAll(async () => {
    await other.close()
    await server.close()
  })
  beforeEach(async () => {
    root = `/d${++tests}`
    await other.create(root, 'root')
    const own = await proxy(server.port)
    wire = own
    return async () => {
      own.heal()
      await Promise.all(open.splice(0).map((zk) => zk.close()))
      await own[Symbol.asyncDispose]()
    }
  })

  test.each([
    ['a znode', 'node', {}],
    ['children', 'children', { children: true }],
    ['a subtree', 'tree', { recursive: true }],
  ] as const)(
    'a stream of %s keeps its promises on one-shot watches, with the connection cut now and then',
    async (_, scope, options) => {
      const zk = await through()
      const { sessionId } = zk
      await other.create(`${root}/a/b/c`, '0', { parents: true })
      const follower = new Follower(zk, root, options)
      await follower.ready()
      const before = connections(zk)
      // A few names again and again, so that znodes come, change and go under the same paths; seeds would not repeat a real server.
      const names: ZnodePath[] = [root, `${root}/a`, `${root}/a/b`, `${root}/a/b/c`, `${root}/x`, `${root}/x/y`]
      let cuts = 0
      for (let i = 0; i < 240; i++) {
        const path = names[(i * 7 + (i >> 3)) % names.length] as ZnodePath
        const step = i % 5
        if (step < 2) await other.create(path, `${i}`, { parents: true }).catch(ignoreKeeperError)
        else if (step < 4) await other.set(path, `${i}`).catch(ignoreKeeperError)
        else await other.delete(path, { recursive: true }).catch(ignoreKeeperError)
        if (i % 60 === 59) {
          // A connection that lived for less than a second is not made again at once; a cut in that wait would cost none.
          await until(
            () => connections(zk) - before === cuts,
            () => 'the connection is not back',
          )
          wire.cut()
          cuts++
        }
        if (i % 4 === 0) await sleep(2)
      }
      // What the last writes left, in full.
      await other.create(`${root}/end/deep`, 'end', { parents: true })
      await other.set(root, 'end')
      const expected = await contents(other, root, scope)
      await follower.until(() => JSON.stringify(view(follower)) === JSON.stringify(expected))
      expect(view(follower)).toEqual(expected)
      await follower.leave()
      expect([zk.sessionId, zk.epoch]).toEqual([sessionId, 0])
      expect(connections(zk) - before, 'the cuts alone cost a connection').toBe(cuts)
      expect(zk.stats().watches.healed, 'the audit found nothing lost').toBe(0)
    },
  )

  test('a stream reports a znode that is created later, deleted, and created again', async () => {
    const zk = await through()
    const follower = new Follower(zk, `${root}/later/n`, { recursive: true })
    await follower.ready()
    await other.create(`${root}/later/n/m`, '1', { parents: true })
    await follower.until(() => follower.nodes.has(`${root}/later/n/m`))
    await other.delete(`${root}/later`, { recursive: true })
    await follower.until(() => follower.nodes.size === 0)
    await other.create(`${root}/later/n/m`, '2', { parents: true })
    await follower.until(() => follower.nodes.get(`${root}/later/n/m`)?.value === '2')
    await follower.leave()
  })

  test('watches are registered again in one request that 3.5 knows, the one-shot ones of users and of streams', async () => {
    const zk = await through()
    const follower = new Follower(zk, root, { recursive: true })
    await follower.ready()
    const { changed } = await zk.existence(`${root}/once`, { watch: true })
    const before = connections(zk)
    wire.down()
    await other.create(`${root}/once`)
    wire.heal()
    expect((await changed)?.type).toBe('created')
    await follower.until(() => follower.nodes.has(`${root}/once`))
    expect(connections(zk)).toBe(before + 1)
    await follower.leave()
  })

  test('leaving a stream gives its one-shot watches back, and leaves those of users', async () => {
    const watched = async (): Promise<number> => Number(/watches:(\d+)/.exec(await ask(server.port, 'wchs'))?.[1])
    for (const name of ['a', 'b', 'c']) await other.create(`${root}/${name}/deep`, '', { parents: true })
    const zk = await through()
    const { changed } = await zk.get(`${root}/a`, { watch: true })
    const before = await watched()
    const follower = new Follower(zk, root, { recursive: true })
    await follower.ready()
    // The word counts watches for data: one a znode, of which the user holds that of `a` already.
    expect(await watched()).toBe(before + 6)
    await follower.leave()
    while ((await watched()) > before) await sleep(20)
    expect(await watched()).toBe(before)
    await other.set(`${root}/a`, 'x')
    expect((await changed)?.type).toBe('dataChanged')
  })

  test('what 3.5 lacks is refused by name and costs one connection, once; the session stays', async () => {
    const zk = await through()
    const { sessionId } = zk
    await zk.create(`${root}/mine`, '', { mode: 'ephemeral' })
    const lacking: Record<string, () => Promise<unknown>> = {
      readMany: () => zk.readMany([{ get: root }]),
      whoAmI: () => zk.whoAmI(),
      ephemerals: () => zk.ephemerals(),
      countDescendants: () => zk.countDescendants(root),
      tree: () => zk.tree(root),
    }
    for (const [name, call] of Object.entries(lacking)) {
      const before = connections(zk)
      expect(await outcomeOf(call()), name).toBe('UNIMPLEMENTED rejected')
      await zk.sync()
      expect(connections(zk), `${name} costs one connection`).toBe(before + 1)
      const { sent } = zk.stats().requests
      expect(await outcomeOf(call()), `${name} again`).toBe('UNIMPLEMENTED rejected')
      expect([connections(zk), zk.stats().requests.sent], `${name} again: nothing is sent`).toEqual([before + 1, sent])
    }
    expect(await outcomeOf(zk.copy(root, `${root}-copy`)), 'copies are reads of a tree').toBe('UNIMPLEMENTED rejected')
    expect([zk.sessionId, zk.epoch]).toEqual([sessionId, 0])
    expect((await other.exists(`${root}/mine`))?.ephemeralOwner).toBe(sessionId)
  })

  test('calls on their way beside one that 3.5 lacks are answered, or certain of their end', async () => {
    const zk = await through()
    await zk.create(`${root}/n`, '0')
    // The server closes with these unread, and its answer to the first may be lost with the connection; then it is asked again.
    const refused = outcomeOf(zk.whoAmI())
    const reads = Array.from({ length: 50 }, () => zk.get(`${root}/n`))
    const write = zk.set(`${root}/n`, '1', { version: 0 })
    const made = zk.create(`${root}/mine-`, '', { mode: 'ephemeral', sequential: true, protected: true })
    expect(await refused).toBe('UNIMPLEMENTED rejected')
    for (const { data } of await Promise.all(reads)) expect(['0', '1']).toContain(text(data))
    expect((await write).version).toBe(1)
    const { path } = await made
    expect((await other.children(root)).children.map((name) => `${root}/${name}`).sort()).toEqual(
      [path, `${root}/n`].sort(),
    )
    expect(zk.epoch).toBe(0)
  })

  test('what a server lacks is remembered through lost connections, and asked of another server anew', async () => {
    await using far = await proxy(server.port)
    const near = wire.connectString
    const zk = await connect(`${near},${far.connectString}`, {
      sessionTimeout: 10_000,
      preferred: [near],
      rebalanceAfter: 0,
    })
    open.push(zk)
    const on = (): string => (zk.state.kind === 'connected' ? zk.state.server : zk.state.kind)
    expect(await outcomeOf(zk.whoAmI())).toBe('UNIMPLEMENTED rejected')
    await zk.sync()
    far.down()
    wire.cut()
    await zk.sync()
    let before = connections(zk)
    expect([on(), await outcomeOf(zk.whoAmI())]).toEqual([near, 'UNIMPLEMENTED rejected'])
    await zk.sync()
    expect(connections(zk), 'asked once').toBe(before)
    far.heal()
    wire.down()
    while (on() !== far.connectString) await sleep(10)
    before = connections(zk)
    expect(await outcomeOf(zk.whoAmI())).toBe('UNIMPLEMENTED rejected')
    await zk.sync()
    expect([on(), connections(zk)], 'the other server may be newer').toEqual([far.connectString, before + 1])
    expect(await outcomeOf(zk.whoAmI())).toBe('UNIMPLEMENTED rejected')
    await zk.sync()
    expect(connections(zk)).toBe(before + 1)
  })

  test('a second stream asks for no persistent watch any more', async () => {
    const zk = await through()
    const first = new Follower(zk, root)
    await first.ready()
    expect(first.told[0]?.kind, 'the question has cost the connection').toBe('stale')
    const before = connections(zk)
    const second = new Follower(zk, root, { children: true })
    await second.ready()
    expect([connections(zk), second.told.map(({ kind }) => kind)]).toEqual([before, ['ready']])
    await Promise.all([first.leave(), second.leave()])
  })

  test('containers and znodes with a time to live are what 3.5 has', async () => {
    const zk = await through()
    await zk.create(`${root}/box/n`, '', { parents: 'container' })
    await zk.create(`${root}/brief`, '', { mode: { ttl: 400 } })
    await zk.create(`${root}/plain/n`, '', { parents: true })
    await zk.delete(`${root}/plain/n`)
    await zk.delete(`${root}/box/n`)
    for (const path of [`${root}/box`, `${root}/brief`] as const) {
      while ((await zk.exists(path)) !== undefined) await sleep(50)
    }
    expect((await zk.children(root)).children).toEqual(['plain'])
    expect(connections(zk)).toBe(1)
  })

  test('a server without TTL znodes refuses them and keeps the connection', async () => {
    await using plain = await startTarget({ tickTime: 500, extendedTypesEnabled: false })
    const zk = await through(plain.connectString)
    const ttl = (): Promise<string> => outcomeOf(zk.create('/brief', '', { mode: { ttl: 1000 } }))
    expect([await ttl(), await ttl()]).toEqual(['UNIMPLEMENTED rejected', 'UNIMPLEMENTED rejected'])
    expect(await outcomeOf(zk.create('/box', '', { mode: 'container' }))).toBe('ok')
    expect(connections(zk)).toBe(1)
  })
})

function ignoreKeeperError(error: unknown): void {
  if (!KeeperError.is(error)) throw error
}
