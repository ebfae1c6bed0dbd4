import { eventType, parentPath } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { ZnodeStat } from '../stat.ts'
import type { Listener } from './registry.ts'
import { type WatchChange, Watcher, type WatchOptions, type WatchSource } from './watcher.ts'

/** A small tree that fires watches as a server would; with `persistent` false it has one-shot watches only. */
class Tree implements WatchSource {
  isConnected = true
  reads = 0
  readonly #nodes = new Map<string, { text: string; czxid: bigint; mzxid: bigint; version: number }>()
  readonly #listeners = new Set<Listener>()
  readonly #oneShot = new Map<string, Set<'data' | 'children'>>()
  readonly #persistent: boolean
  armed = 0
  #zxid = 0n

  constructor(persistent: boolean) {
    this.#persistent = persistent
  }

  set(path: string, text: string): void {
    const zxid = ++this.#zxid
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
    this.#zxid++
    this.#nodes.delete(path)
    this.#fire(path, eventType.nodeDeleted)
    this.#fire(parentPath(path), eventType.nodeChildrenChanged)
  }

  disconnect(): void {
    this.isConnected = false
    this.#oneShot.clear()
    for (const listener of this.#listeners) listener.disconnected()
  }

  reconnect(): void {
    this.isConnected = true
    for (const listener of this.#listeners) listener.restored()
  }

  #fire(path: string, type: 1 | 2 | 3 | 4): void {
    if (!this.isConnected) return
    const kind = type === eventType.nodeChildrenChanged ? 'children' : 'data'
    const isHeard = this.#persistent
      ? type !== eventType.nodeChildrenChanged
      : this.#oneShot.get(path)?.delete(kind) === true
    if (isHeard) for (const listener of this.#listeners) listener.event(type, path, this.#zxid)
  }

  #leave(path: string, kind: 'data' | 'children', watch: boolean): void {
    if (!watch) return
    const kinds = this.#oneShot.get(path) ?? new Set()
    this.#oneShot.set(path, kinds.add(kind))
  }

  async find(path: string, watch: boolean) {
    this.reads++
    this.#leave(path, 'data', watch)
    const node = this.#nodes.get(path)
    if (node === undefined) return undefined
    const stat = new ZnodeStat({
      ...node,
      ctime: 0n,
      mtime: 0n,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 0,
      numChildren: 0,
      pzxid: 0n,
    })
    return { data: new TextEncoder().encode(node.text), stat }
  }

  async list(path: string, watch: boolean) {
    if (!this.#nodes.has(path)) return undefined
    this.#leave(path, 'children', watch)
    return [...this.#nodes.keys()]
      .filter((each) => each !== path && parentPath(each) === path)
      .map((each) => each.slice(each.lastIndexOf('/') + 1))
  }

  async arm(): Promise<boolean> {
    if (this.#persistent) this.armed++
    return this.#persistent
  }

  disarm(): void {
    this.armed--
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  toUser(path: string): string {
    return path
  }
}

const told = (change: WatchChange): string => {
  if (change.kind === 'ready' || change.kind === 'stale') return change.kind
  const text = change.kind === 'deleted' ? '' : ` ${new TextDecoder().decode(change.current.data)}`
  return `${change.kind} ${change.path}${text}${change.kind === 'changed' ? ` missed ${change.missed}` : ''}`
}

function follow(tree: Tree, options: WatchOptions, root = '/r') {
  const stream = new Watcher(tree, root, options).changes()
  const take = async (count: number): Promise<string[]> => {
    const changes: string[] = []
    for (let i = 0; i < count; i++) {
      const next = await stream.next()
      if (next.done) break
      changes.push(told(next.value))
    }
    return changes
  }
  return { stream, take }
}

describe.each([
  ['persistent watches', true],
  ['one-shot watches, where the server has no others', false],
])('with %s', (_name, persistent) => {
  test('tells what is there, then each change in order', async () => {
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

  test('tells the children alone, or the znode alone, where only they are asked for', async () => {
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
    const tree = new Tree(persistent)
    tree.set('/r', '0')
    const { take } = follow(tree, {})
    await take(2)
    for (let i = 1; i <= 1000; i++) tree.set('/r', `${i}`)
    const before = tree.reads
    expect(await take(1)).toEqual(['changed /r 1000 missed 999'])
    expect(tree.reads - before).toBeLessThan(4)
  })

  test('delivers the difference after a lost connection: changed, gone, new, and deleted and made again', async () => {
    const tree = new Tree(persistent)
    for (const path of ['/r', '/r/changed', '/r/gone', '/r/again']) tree.set(path, '1')
    const { take } = follow(tree, { recursive: true })
    await take(5)
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
    expect(tree.armed).toBe(persistent ? 2 : 0)
    await left.stream.return()
    const rest = aborted.take(1)
    stop.abort()
    expect(await rest).toEqual([])
    expect(tree.armed).toBe(0)
  })
})
