import { type EventType, eventType, KeeperError, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import { silentLog, silentTrace } from '@lightkeeper/runtime'
import { describe, expect, test } from 'vitest'
import { HandClock, settle } from '../client.harness.ts'
import { json, text } from '../codec.ts'
import type { WatchOptions } from '../options.ts'
import { ReadyRequest } from '../ready-request.ts'
import type { PersistentMode, Watcher } from '../session/watch-registry.ts'
import { ZnodeStat } from '../stat.ts'
import type { WatchChange } from './change.ts'
import type { RawZnode, WatchSource } from './source.ts'
import { WatchStream } from './stream.ts'

/** A small tree that fires watches as a server would; with `isPersistentKnown` false it has one-shot watches only. */
class Tree implements WatchSource {
  isConnected = true
  lastZxid = 0n
  reads = 0
  isPersistentKnown: boolean
  readonly clock = new HandClock()
  readonly random = { below: () => 0, bytes: (length: number) => new Uint8Array(length) }
  readonly log = silentLog
  readonly trace = silentTrace.channel('')
  readonly counters = { events: 0, resyncs: 0, overflows: 0, audited: 0, healed: 0 }
  readonly forbidden = new Set<string>()
  /** Thrown by the next reads, one each. */
  readonly failures: KeeperError[] = []
  /** What requests wait for before they are answered. */
  gate: Promise<void> | undefined
  /** The next event that concerns this path does not arrive. */
  lose: string | undefined
  readonly #nodes = new Map<string, { text: string; czxid: bigint; mzxid: bigint; version: number }>()
  readonly #watchers = new Set<Watcher>()
  readonly #oneShot = { data: new Map<string, Set<Watcher>>(), children: new Map<string, Set<Watcher>>() }
  readonly #persistent = new Map<Watcher, { path: string; mode: PersistentMode }>()

  constructor(persistent: boolean) {
    this.isPersistentKnown = persistent
  }

  get armed(): number {
    return this.#persistent.size
  }

  /** One-shot watches held. */
  get held(): number {
    return this.#oneShot.data.size + this.#oneShot.children.size
  }

  set(path: string, text: string): void {
    const zxid = ++this.lastZxid
    const before = this.#nodes.get(path)
    this.#nodes.set(path, {
      text,
      czxid: before?.czxid ?? zxid,
      mzxid: zxid,
      version: before === undefined ? 0 : before.version + 1,
    })
    this.#fire(path, before === undefined ? eventType.nodeCreated : eventType.nodeDataChanged)
    if (before === undefined) this.#fire(parentPath(path), eventType.nodeChildrenChanged)
  }

  delete(path: string): void {
    this.lastZxid++
    this.#nodes.delete(path)
    this.#fire(path, eventType.nodeDeleted)
    this.#fire(parentPath(path), eventType.nodeChildrenChanged)
  }

  disconnect(): void {
    this.isConnected = false
    this.#oneShot.data.clear()
    this.#oneShot.children.clear()
    for (const watcher of this.#watchers) watcher.disconnected()
  }

  reconnect(): void {
    this.isConnected = true
    for (const watcher of this.#watchers) watcher.restored()
  }

  #fire(path: string, type: EventType): void {
    if (!this.isConnected) return
    const heard = new Set<Watcher>()
    const kinds: ('children' | 'data')[] = type === eventType.nodeChildrenChanged ? ['children'] : ['data']
    if (type === eventType.nodeDeleted) kinds.push('children')
    for (const kind of kinds) {
      for (const watcher of this.#oneShot[kind].get(path) ?? []) heard.add(watcher)
      this.#oneShot[kind].delete(path)
    }
    for (const [watcher, armed] of this.#persistent) {
      const isBelow = armed.mode === 'recursive' && path.startsWith(`${armed.path}/`)
      if (type !== eventType.nodeChildrenChanged && (path === armed.path || isBelow)) heard.add(watcher)
    }
    if (this.lose === path) this.lose = undefined
    else for (const watcher of heard) watcher.event(type, path, this.lastZxid)
  }

  #leave(kind: 'data' | 'children', path: string, watcher: Watcher | undefined): void {
    if (watcher === undefined) return
    const waiting = this.#oneShot[kind].get(path)
    if (waiting === undefined) this.#oneShot[kind].set(path, new Set([watcher]))
    else waiting.add(watcher)
  }

  #statOf(path: string): ZnodeStat {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new Error(`${path} is missing`)
    const numChildren = [...this.#nodes.keys()].filter((each) => each !== path && parentPath(each) === path).length
    const rest = { ctime: 0n, mtime: 0n, cversion: 0, aversion: 0, ephemeralOwner: 0n, dataLength: 0, pzxid: 0n }
    return new ZnodeStat({ ...node, ...rest, numChildren })
  }

  async read(path: string, watcher: Watcher | undefined, onReply: (exists: boolean) => void) {
    this.reads++
    await this.gate
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    if (this.forbidden.has(path)) {
      onReply(true)
      throw new KeeperError('NO_AUTH', { path })
    }
    const node = this.#nodes.get(path)
    onReply(node !== undefined)
    if (node === undefined) return undefined
    this.#leave('data', path, watcher)
    const raw: RawZnode = { data: new TextEncoder().encode(node.text), stat: this.#statOf(path) }
    return raw
  }

  async stat(path: string, onReply: (stat: ZnodeStat | undefined) => void): Promise<void> {
    onReply(this.#nodes.has(path) ? this.#statOf(path) : undefined)
  }

  async list(path: string, watcher: Watcher | undefined, onReply: (exists: boolean) => void) {
    if (this.forbidden.has(path)) throw new KeeperError('NO_AUTH', { path })
    onReply(this.#nodes.has(path))
    if (!this.#nodes.has(path)) return undefined
    this.#leave('children', path, watcher)
    return [...this.#nodes.keys()]
      .filter((each) => each !== path && parentPath(each) === path)
      .map((each) => each.slice(each.lastIndexOf('/') + 1))
  }

  async awaitCreation(path: string, watcher: Watcher): Promise<boolean> {
    this.#leave('data', path, watcher)
    return !this.#nodes.has(path)
  }

  async arm(path: string, mode: PersistentMode, watcher: Watcher): Promise<boolean> {
    await this.gate
    if (this.isPersistentKnown) this.#persistent.set(watcher, { path, mode })
    return this.isPersistentKnown
  }

  disarm(_path: string, _mode: PersistentMode, watcher: Watcher): void {
    this.#persistent.delete(watcher)
  }

  forget(watcher: Watcher): void {
    for (const table of Object.values(this.#oneShot)) {
      for (const [path, waiting] of table) if (waiting.delete(watcher) && waiting.size === 0) table.delete(path)
    }
  }

  listen(watcher: Watcher): void {
    this.#watchers.add(watcher)
  }

  unlisten(watcher: Watcher): void {
    this.#watchers.delete(watcher)
  }

  toUser(path: string): ZnodePath {
    return path as ZnodePath
  }
}

const decoder = new TextDecoder()
const shown = (change: WatchChange<unknown>): string => {
  if (change.kind === 'ready' || change.kind === 'stale') return change.kind
  if (change.kind === 'unreadable') return `unreadable ${change.path} ${String(change.error)}`
  if (change.kind === 'deleted') return `deleted ${change.path}`
  const value = change.value instanceof Uint8Array ? decoder.decode(change.value) : JSON.stringify(change.value)
  return `${change.kind} ${change.path} ${value}${change.kind === 'changed' ? ` missed ${change.missed}` : ''}`
}

function follow<T = Uint8Array>(tree: Tree, options: WatchOptions<T>, root: ZnodePath = '/r') {
  const stream = new WatchStream<T>(tree, root, options).changes()
  const next = async (count: number): Promise<WatchChange<T>[]> => {
    const changes: WatchChange<T>[] = []
    for (let i = 0; i < count; i++) {
      const each = await stream.next()
      if (each.done) break
      changes.push(each.value)
    }
    return changes
  }
  const take = async (count: number): Promise<string[]> => (await next(count)).map(shown)
  return { stream, take, next }
}

/** A tree with `znodes` (text by path) and a stream that has delivered all of them and `ready`. */
async function followed<T = Uint8Array>(
  persistent: boolean,
  znodes: Readonly<Record<string, string>>,
  options: WatchOptions<T> = {} as WatchOptions<T>,
) {
  const tree = new Tree(persistent)
  const paths = Object.entries(znodes)
  for (const [path, text] of paths) tree.set(path, text)
  const following = follow(tree, options)
  expect((await following.next(paths.length + 1)).at(-1)?.kind).toBe('ready')
  return { tree, ...following }
}

describe.each([
  ['persistent watches', true],
  ['one-shot watches, where the server has no others', false],
])('with %s', (_name, persistent) => {
  test.each(['registers', 'reads'])(
    'ends at once by its signal while it %s and no answer comes, and leaves nothing',
    async (what) => {
      const tree = new Tree(persistent)
      tree.set('/r', '1')
      const stop = new AbortController()
      const { take } = follow(tree, { signal: stop.signal })
      let open = (): void => {}
      const gate = new Promise<void>((resolve) => (open = resolve))
      if (what === 'registers') tree.gate = gate
      else {
        expect(await take(2)).toEqual(['created /r 1', 'ready'])
        tree.gate = gate
        tree.set('/r', '2')
      }
      const ending = take(1)
      await settle()
      stop.abort()
      expect(await ending).toEqual([])
      open()
      await settle()
      expect([tree.armed, tree.held]).toEqual([0, 0])
    },
  )

  test('yields another ready when it is asked, after every event received by then', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', '1')
    const ready = new ReadyRequest()
    const { next, take, stream } = follow(tree, { ready })
    expect(await take(2)).toEqual(['created /r 1', 'ready'])
    tree.lastZxid = 50n
    ready.ask()
    expect(await next(1)).toEqual([{ kind: 'ready', zxid: 50n }])
    tree.set('/r', '2')
    ready.ask()
    ready.ask()
    expect((await next(2)).map((each) => [each.kind, 'zxid' in each && each.zxid])).toEqual([
      ['changed', 51n],
      ['ready', 51n],
    ])
    // Asked while nothing is to be yielded, it wakes the stream.
    const waiting = next(1)
    await settle()
    tree.lastZxid = 60n
    ready.ask()
    expect(await waiting).toEqual([{ kind: 'ready', zxid: 60n }])
    await stream.return()
  })

  test('says ready for no transaction that it has not yielded', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', '1')
    const read = tree.read.bind(tree)
    tree.read = async (...args) => {
      const raw = await read(...args)
      tree.read = read
      tree.set('/r', '2')
      return raw
    }
    const { next, stream } = follow(tree, {})
    expect((await next(3)).map((each) => [each.kind, 'zxid' in each && each.zxid])).toEqual([
      ['created', 1n],
      ['ready', 1n],
      ['changed', 2n],
    ])
    await stream.return()
  })

  test('yields what is there, then each change in order', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', 'root')
    tree.set('/r/a', '1')
    const { take } = follow(tree, { recursive: true })
    expect(await take(3)).toEqual(['created /r root', 'created /r/a 1', 'ready'])
    tree.set('/r/a', '2')
    expect(await take(1)).toEqual(['changed /r/a 2 missed 0'])
    tree.set('/r/b', '3')
    expect(await take(1)).toEqual(['created /r/b 3'])
    tree.delete('/r/a')
    expect(await take(1)).toEqual(['deleted /r/a'])
    tree.set('/r/b/c', '4')
    expect(await take(1)).toEqual(['created /r/b/c 4'])
  })

  test('waits for a root that does not exist yet', async () => {
    const tree = new Tree(persistent)
    const { take } = follow(tree, { children: true })
    expect(await take(1)).toEqual(['ready'])
    const next = take(1)
    tree.set('/r', '')
    await new Promise((resolve) => setImmediate(resolve))
    tree.set('/r/a', '1')
    expect(await next).toEqual(['created /r/a 1'])
  })

  test('yields the children alone, or the znode alone, where only they are asked for', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', 'root')
    tree.set('/r/a', '1')
    const children = follow(tree, { children: true })
    const node = follow(tree, {})
    expect(await children.take(2)).toEqual(['created /r/a 1', 'ready'])
    expect(await node.take(2)).toEqual(['created /r root', 'ready'])
    tree.set('/r', 'new')
    tree.set('/r/a', '2')
    expect(await children.take(1)).toEqual(['changed /r/a 2 missed 0'])
    expect(await node.take(1)).toEqual(['changed /r new missed 0'])
  })

  test('coalesces what a slow consumer did not take, and says how many writes it never saw', async () => {
    const { tree, take } = await followed(persistent, { '/r': '0' })
    for (let i = 1; i <= 1000; i++) tree.set('/r', `${i}`)
    const before = tree.reads
    expect(await take(1)).toEqual(['changed /r 1000 missed 999'])
    expect(tree.reads - before).toBeLessThan(4)
  })

  test('delivers the difference after a lost connection: changed, gone, new, and deleted and made again', async () => {
    const { tree, take } = await followed(
      persistent,
      { '/r': '1', '/r/changed': '1', '/r/gone': '1', '/r/again': '1' },
      { recursive: true },
    )
    tree.disconnect()
    expect(await take(1)).toEqual(['stale'])
    tree.set('/r/changed', '2')
    tree.delete('/r/gone')
    tree.delete('/r/again')
    tree.set('/r/again', '1')
    tree.set('/r/new', '1')
    tree.reconnect()
    const changes = await take(6)
    expect(changes.at(-1)).toBe('ready')
    expect(changes.slice(0, -1).sort()).toEqual([
      'changed /r/changed 2 missed 0',
      'created /r/again 1',
      'created /r/new 1',
      'deleted /r/again',
      'deleted /r/gone',
    ])
    expect(changes.indexOf('deleted /r/again')).toBeLessThan(changes.indexOf('created /r/again 1'))
  })

  test('lets go of the watch when the consumer leaves, and when the signal aborts', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', '1')
    const stop = new AbortController()
    const left = follow(tree, {})
    const aborted = follow(tree, { signal: stop.signal })
    await left.take(2)
    await aborted.take(2)
    expect([tree.armed, tree.held]).toEqual(persistent ? [2, 0] : [0, 1])
    await left.stream.return()
    const rest = aborted.take(1)
    stop.abort()
    expect(await rest).toEqual([])
    expect([tree.armed, tree.held]).toEqual([0, 0])
  })

  test('yields a parent before its children and its end after theirs, in whatever order the events came', async () => {
    const { tree, take } = await followed(persistent, { '/r': '' }, { recursive: true })
    tree.set('/r/a', '')
    tree.set('/r/a/b', '')
    tree.delete('/r/a/b')
    tree.delete('/r/a')
    tree.set('/r/a', '')
    tree.set('/r/a/b', '')
    tree.set('/r/a/b/c', '')
    expect(await take(3)).toEqual(['created /r/a ', 'created /r/a/b ', 'created /r/a/b/c '])
    tree.set('/r/a', 'x')
    tree.delete('/r/a/b/c')
    tree.delete('/r/a/b')
    tree.delete('/r/a')
    expect(await take(3)).toEqual(['deleted /r/a/b/c', 'deleted /r/a/b', 'deleted /r/a'])
  })

  test('a znode of a stream that may not be read is yielded, and the rest goes on', async () => {
    const { tree, take } = await followed(
      persistent,
      { '/r': '1', '/r/open': '1', '/r/secret': '1', '/r/secret/inner': '1' },
      { recursive: true },
    )
    tree.disconnect()
    tree.forbidden.add('/r/secret')
    tree.reconnect()
    expect(await take(2)).toEqual([expect.stringContaining('unreadable /r/secret KeeperError: NO_AUTH'), 'ready'])
    tree.set('/r/open', '2')
    expect(await take(1)).toEqual(['changed /r/open 2 missed 0'])
    tree.disconnect()
    tree.forbidden.clear()
    tree.set('/r/secret', '2')
    tree.reconnect()
    expect(await take(2)).toEqual(['changed /r/secret 2 missed 0', 'ready'])
  })

  test('a znode that may not be read any more when a child of it comes is yielded, and the rest goes on', async () => {
    const { tree, take } = await followed(
      persistent,
      { '/r': '1', '/r/open': '1', '/r/secret': '1', '/r/secret/inner': '1' },
      { recursive: true },
    )
    tree.forbidden.add('/r/secret')
    tree.set('/r/secret/new', '1')
    const refused = expect.stringContaining('unreadable /r/secret KeeperError: NO_AUTH')
    expect(await take(1)).toEqual([persistent ? 'created /r/secret/new 1' : refused])
    tree.set('/r/open', '2')
    expect(await take(1)).toEqual(['changed /r/open 2 missed 0'])
  })

  test('data the codec refuses is yielded with the reason; the chain goes on from the last good value', async () => {
    const { tree, next } = await followed(persistent, { '/r': '{"pool":1}' }, { codec: json<{ pool: number }>() })
    tree.set('/r', '{"pool":')
    const [refused] = await next(1)
    expect(refused).toMatchObject({ kind: 'unreadable', previous: { value: { pool: 1 } }, stat: { version: 1 } })
    tree.set('/r', '{"pool":3}')
    tree.set('/r', '{"pool":4}')
    const [good] = await next(1)
    expect(good).toMatchObject({ kind: 'changed', previous: { value: { pool: 1 } }, value: { pool: 4 }, missed: 1 })
  })

  test('a znode whose data never could be decoded is created when it can', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', 'no json')
    const { take } = follow(tree, { codec: json() })
    expect(await take(2)).toEqual([expect.stringContaining('unreadable /r SyntaxError'), 'ready'])
    tree.set('/r', '1')
    expect(await take(1)).toEqual(['created /r 1'])
    tree.set('/r', 'again not')
    await take(1)
    tree.delete('/r')
    expect(await take(1)).toEqual(['deleted /r'])
  })

  test('remembers a bounded number of changed paths, and reads everything when there are more', async () => {
    const { tree, take } = await followed(persistent, { '/r': '' }, { recursive: true })
    for (let i = 0; i < 5000; i++) {
      tree.set(`/r/n${i}`, '')
      if (i < 4990) tree.delete(`/r/n${i}`)
    }
    const changes = persistent ? await take(11) : await take(10)
    expect(changes.filter((each) => each.startsWith('created'))).toHaveLength(10)
    expect(tree.counters.overflows).toBe(persistent ? 1 : 0)
  })

  test('tries again after a read that a living server refused for the moment', async () => {
    const { tree, take } = await followed(persistent, { '/r': '1' })
    tree.failures.push(new KeeperError('THROTTLED_OP'), new KeeperError('CONNECTION_LOSS', { outcome: 'not-sent' }))
    tree.set('/r', '2')
    const next = take(1)
    await tree.clock.advance(100)
    expect(await next).toEqual(['changed /r 2 missed 0'])
  })

  test('the self-audit finds a change whose event was lost, heals the watch, and counts it', async () => {
    const { tree, take, next } = await followed(
      persistent,
      { '/r': '', '/r/a': '1' },
      { recursive: true, auditInterval: 1000 },
    )
    tree.lose = '/r/a'
    tree.set('/r/a', '2')
    const changes = next(2)
    await tree.clock.advance(1000)
    expect(await changes).toMatchObject([{ kind: 'changed', via: 'audit', missed: 0 }, { kind: 'ready' }])
    expect(tree.counters).toMatchObject({ healed: 1, resyncs: 2 })
    const quiet = take(1)
    await tree.clock.advance(10_000)
    expect(tree.counters).toMatchObject({ healed: 1, resyncs: 2 })
    tree.set('/r/a', '3')
    expect(await quiet).toEqual(['changed /r/a 3 missed 0'])
  })

  test('the self-audit finds a child that no event reported', async () => {
    const tree = new Tree(persistent)
    tree.set('/r', '')
    for (const options of [{ recursive: true }, { children: true }]) {
      const { stream, next } = follow(tree, { ...options, auditInterval: 1000 })
      let change = await next(1)
      while (change[0]?.kind !== 'ready') change = await next(1)
      const name = options.recursive ? '/r/a' : '/r/b'
      tree.lose = persistent ? name : '/r'
      tree.set(name, '1')
      const found = next(1)
      await tree.clock.advance(1000)
      expect(await found).toMatchObject([{ kind: 'created', path: name, via: 'audit' }])
      await stream.return()
    }
  })
})

describe('how many changes were missed', () => {
  test('is exact from event to event, also where a znode came and went unseen', async () => {
    const tree = new Tree(true)
    const { next } = follow(tree, { recursive: true })
    await next(1)
    tree.set('/r', '')
    tree.set('/r', '')
    tree.delete('/r')
    tree.set('/r', '')
    tree.set('/r', '')
    // One write of the znode that exists now; the znodes in between were others.
    expect(await next(1)).toMatchObject([{ kind: 'created', missed: 1 }])
    tree.set('/r', '')
    tree.set('/r', '')
    tree.delete('/r')
    expect(await next(1)).toMatchObject([{ kind: 'deleted', missed: 2 }])
    tree.set('/r', '')
    expect(await next(1)).toMatchObject([{ kind: 'created', missed: 0 }])
    tree.set('/r', '')
    tree.delete('/r')
    tree.set('/r', '')
    tree.set('/r', '')
    tree.delete('/r')
    tree.set('/r', '')
    tree.set('/r', '')
    expect(await next(2)).toMatchObject([
      { kind: 'deleted', missed: 1 },
      { kind: 'created', missed: 1 },
    ])
  })

  test('is not guessed where events were missed: only writes of one znode count themselves', async () => {
    const { tree, next } = await followed(true, { '/r': '', '/r/again': '', '/r/gone': '' }, { recursive: true })
    tree.disconnect()
    await next(1)
    tree.set('/r', '')
    tree.set('/r', '')
    tree.delete('/r/gone')
    tree.delete('/r/again')
    tree.set('/r/again', '')
    tree.set('/r/new', '')
    tree.reconnect()
    const changes = await next(6)
    const counts = changes.map((each) => ('missed' in each ? [each.kind, each.path, each.missed] : [each.kind]))
    expect(counts.filter(([kind]) => kind === 'deleted').sort()).toEqual([
      ['deleted', '/r/again', undefined],
      ['deleted', '/r/gone', undefined],
    ])
    expect(counts).toContainEqual(['changed', '/r', 1])
    expect(counts).toContainEqual(['created', '/r/again', 0])
  })

  test('is not guessed from events that came while everything was read', async () => {
    const { tree, next } = await followed(true, { '/r': '', '/r/a': '' }, { recursive: true })
    tree.disconnect()
    await next(1)
    tree.reconnect()
    const { list } = tree
    tree.list = async (path, watcher, onReply) => {
      tree.list = list
      tree.delete('/r/a')
      const names = await tree.list(path, watcher, onReply)
      tree.set('/r/a', '')
      return names
    }
    const changes = await next(3)
    expect(changes.map(shown)).toEqual(['deleted /r/a', 'ready', 'created /r/a '])
    expect(changes[0]).toMatchObject({ missed: undefined })
  })
})

test('a server that lost its persistent watches to a downgrade is followed by one-shot watches, and back', async () => {
  const { tree, take } = await followed(true, { '/r': '1' })
  tree.disconnect()
  await take(1)
  tree.isPersistentKnown = false
  tree.reconnect()
  expect(await take(1)).toEqual(['ready'])
  expect([tree.armed, tree.held]).toEqual([0, 1])
  tree.set('/r', '2')
  expect(await take(1)).toEqual(['changed /r 2 missed 0'])
  tree.disconnect()
  await take(1)
  tree.isPersistentKnown = true
  tree.reconnect()
  expect(await take(1)).toEqual(['ready'])
  expect([tree.armed, tree.held]).toEqual([1, 0])
})

test('an event of a later change in front of the continuation of a read is not taken for part of it', async () => {
  const { tree, take } = await followed(true, { '/r': '1' }, { codec: text })
  const { read } = tree
  tree.read = async (path, watcher, onReply) => {
    tree.read = read
    const raw = await tree.read(path, watcher, onReply)
    tree.set('/r', '3')
    return raw
  }
  tree.set('/r', '2')
  expect(await take(2)).toEqual(['changed /r "2" missed 0', 'changed /r "3" missed 0'])
  await settle()
})

test('with one-shot watches, a write between reading a znode and listing its children is not lost', async () => {
  const { tree, take } = await followed(false, { '/r': '1' }, { recursive: true })
  const { list } = tree
  tree.list = (path, watcher, onReply) => {
    tree.list = list
    tree.set('/r', '3')
    return tree.list(path, watcher, onReply)
  }
  tree.set('/r', '2')
  tree.set('/r/a', '1')
  expect(await take(3)).toEqual(['changed /r 2 missed 0', 'created /r/a 1', 'changed /r 3 missed 0'])
})
