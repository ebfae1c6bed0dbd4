/** Every row of the trigger table, of registration and of the catch-up table (server-semantics §9, wire-protocol §11). */
import { opCode, writeSetWatches, writeSetWatches2 } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { aclOf, type Reply, type Wire } from './wire.ts'

const created = 1
const deleted = 2
const dataChanged = 3
const childrenChanged = 4

type Register = (wire: Wire, path: string) => Promise<unknown>
const data: Register = (wire, path) => wire.read(opCode.getData, path, true)
const exists: Register = (wire, path) => wire.read(opCode.exists, path, true)
const children: Register = (wire, path) => wire.read(opCode.getChildren, path, true)
const children2: Register = (wire, path) => wire.read(opCode.getChildren2, path, true)
const persistent: Register = (wire, path) => wire.watches(opCode.addWatch, path, 0)
const recursive: Register = (wire, path) => wire.watches(opCode.addWatch, path, 1)

chapter('triggers', {}, (c) => {
  const kinds: [string, Register][] = [
    ['data', data],
    ['exists', exists],
    ['child', children],
    ['child (getChildren2)', children2],
    ['persistent', persistent],
    ['recursive', recursive],
  ]
  /** What each kind of watch on P hears of a change. */
  const rows: [string, (wire: Wire, path: string) => Promise<unknown>, Record<string, (path: string) => string[]>][] = [
    [
      'setData P',
      (wire, path) => wire.set(path, 'x'),
      {
        data: (p) => [`${dataChanged} ${p}`],
        exists: (p) => [`${dataChanged} ${p}`],
        persistent: (p) => [`${dataChanged} ${p}`],
        recursive: (p) => [`${dataChanged} ${p}`],
      },
    ],
    [
      'delete P',
      (wire, path) => wire.delete(path),
      {
        data: (p) => [`${deleted} ${p}`],
        exists: (p) => [`${deleted} ${p}`],
        child: (p) => [`${deleted} ${p}`],
        'child (getChildren2)': (p) => [`${deleted} ${p}`],
        persistent: (p) => [`${deleted} ${p}`],
        recursive: (p) => [`${deleted} ${p}`],
      },
    ],
    [
      'create of a child',
      (wire, path) => wire.create(`${path}/a`),
      {
        child: (p) => [`${childrenChanged} ${p}`],
        'child (getChildren2)': (p) => [`${childrenChanged} ${p}`],
        persistent: (p) => [`${childrenChanged} ${p}`],
        recursive: (p) => [`${created} ${p}/a`],
      },
    ],
    ['setACL P', (wire, path) => wire.setAcl(path, [aclOf(31, 'world', 'anyone')]), {}],
    ['sync P', (wire, path) => wire.readPath(opCode.sync, path), {}],
    ['a failed setData P', (wire, path) => wire.set(path, 'x', 9), {}],
  ]
  for (const [change, act, heard] of rows) {
    for (const [kind, register] of kinds) {
      fact(`${change} tells a ${kind} watch on P ${heard[kind] === undefined ? 'nothing' : 'once'}`, async () => {
        const path = await c.wire.made(c.unique())
        await register(c.wire, path)
        await act(c.wire, path)
        expect(await c.wire.heard()).toEqual(heard[kind]?.(path) ?? [])
        await c.wire.watches(opCode.removeWatches, path, 3)
      })
    }
  }
  fact('create P fires an exists watch on the missing P', async () => {
    const path = c.unique()
    await exists(c.wire, path)
    await c.wire.create(path)
    expect(await c.wire.heard()).toEqual([`${created} ${path}`])
  })
  fact('create P fires persistent and recursive watches on the missing P', async () => {
    const [a, b] = [c.unique(), c.unique()]
    await persistent(c.wire, a)
    await recursive(c.wire, b)
    await c.wire.create(a)
    await c.wire.create(b)
    expect(await c.wire.heard()).toEqual([`${created} ${a}`, `${created} ${b}`])
  })
  fact(
    'delete of a child tells the parent: child and persistent watches that children changed, recursive ones the delete',
    async () => {
      for (const [register, expected] of [
        [children, childrenChanged],
        [persistent, childrenChanged],
        [recursive, deleted],
      ] as const) {
        const path = await c.wire.made(c.unique())
        await c.wire.made(`${path}/a`)
        await register(c.wire, path)
        await c.wire.delete(`${path}/a`)
        expect(await c.wire.heard()).toEqual([expected === deleted ? `${deleted} ${path}/a` : `${expected} ${path}`])
      }
    },
  )
  fact('setData of a child fires only a recursive watch of the parent', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    for (const register of [data, children, persistent]) await register(c.wire, path)
    await c.wire.set(`${path}/a`, 'x')
    expect(await c.wire.heard()).toEqual([])
    await recursive(c.wire, path)
    await c.wire.set(`${path}/a`, 'x')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}/a`])
  })
  fact('a one-shot watch fires once', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await c.wire.set(path, 'x')
    await c.wire.set(path, 'y')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
  })
  fact('a persistent watch fires every time, also across delete and create', async () => {
    const path = await c.wire.made(c.unique())
    await persistent(c.wire, path)
    await c.wire.set(path, 'x')
    await c.wire.delete(path)
    await c.wire.create(path)
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`, `${deleted} ${path}`, `${created} ${path}`])
  })
  fact('a recursive watch reports every depth, and never changed children', async () => {
    const path = await c.wire.made(c.unique())
    await recursive(c.wire, path)
    await c.wire.create(`${path}/a`)
    await c.wire.create(`${path}/a/b`)
    await c.wire.set(`${path}/a/b`, 'x')
    await c.wire.delete(`${path}/a/b`)
    expect(await c.wire.heard()).toEqual([
      `${created} ${path}/a`,
      `${created} ${path}/a/b`,
      `${dataChanged} ${path}/a/b`,
      `${deleted} ${path}/a/b`,
    ])
  })
  fact('a recursive watch respects names: a sibling with the same beginning is none of its business', async () => {
    const path = await c.wire.made(c.unique())
    await recursive(c.wire, path)
    await c.wire.create(`${path}-other`)
    expect(await c.wire.heard()).toEqual([])
  })
  fact('a recursive watch on the root reports everything', async () => {
    const other = await c.connect()
    await recursive(other, '/')
    const path = await c.wire.made(c.unique())
    expect(await other.heard()).toEqual([`${created} ${path}`])
    other.destroy()
  })
  fact('a recursive watch on the empty path concerns nobody, and takes nothing from one on the root', async () => {
    const [other, empty] = [await c.connect(), await c.connect()]
    await recursive(other, '/')
    await recursive(empty, '')
    const path = await c.wire.made(c.unique())
    expect(await other.heard()).toEqual([`${created} ${path}`])
    expect(await empty.heard()).toEqual([])
    for (const wire of [other, empty]) wire.destroy()
  })
  fact('data and child watches on one path get one event for a delete', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await children(c.wire, path)
    await c.wire.delete(path)
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}`])
    await c.wire.create(path)
    await c.wire.create(`${path}/a`)
    expect(await c.wire.heard()).toEqual([])
  })
  fact('delete P: data and child of P, then the parent', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    await children(c.wire, path)
    await data(c.wire, `${path}/a`)
    await c.wire.delete(`${path}/a`)
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}/a`, `${childrenChanged} ${path}`])
  })
  fact('a root-level znode has / as its parent', async () => {
    await children(c.wire, '/')
    await c.wire.create(c.unique())
    expect(await c.wire.heard()).toEqual([`${childrenChanged} /`])
  })
  fact('an event comes before the reply of the write that caused it, on the writer’s own connection too', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await c.wire.set(path, 'x')
    expect(c.wire.events.splice(0)).toHaveLength(1)
  })
  fact('an event comes before any read that shows the change', async () => {
    const path = await c.wire.made(c.unique(), { data: 'old' })
    const other = await c.connect()
    await data(other, path)
    await c.wire.set(path, 'new')
    expect(await other.data(path)).toBe('new')
    expect(other.events).toHaveLength(1)
  })
  fact('an event carries state SyncConnected', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await c.wire.set(path, 'x')
    expect(c.wire.events.splice(0)).toMatchObject([{ state: 3 }])
  })
  fact('an event carries the zxid of the change', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    const { zxid } = await c.wire.set(path, 'x')
    expect(c.wire.events.splice(0)).toMatchObject([{ zxid }])
  })
  fact('the ephemerals of a closed session are reported as deletes', async () => {
    const owner = await c.connect()
    const path = await c.wire.made(c.unique())
    await owner.made(`${path}/e`, { flags: 1 })
    await data(c.wire, `${path}/e`)
    await children(c.wire, path)
    await owner.call(opCode.closeSession)
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}/e`, `${childrenChanged} ${path}`])
  })
  fact('watches die with the connection, not with the session', async () => {
    const first = await c.connect()
    const path = await c.wire.made(c.unique())
    await data(first, path)
    const second = await c.connect({ sessionId: first.sessionId, passwd: first.passwd })
    await c.wire.set(path, 'x')
    expect(await second.heard()).toEqual([])
  })
})

chapter('registration', {}, (c) => {
  fact('a read that fails leaves no watch', async () => {
    const path = c.unique()
    expect(((await data(c.wire, path)) as Reply).code).toBe('NO_NODE')
    expect(((await children(c.wire, path)) as Reply).code).toBe('NO_NODE')
    await c.wire.create(path)
    expect(await c.wire.heard()).toEqual([])
  })
  fact('a read that is not permitted leaves no watch', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(2 | 16, 'world', 'anyone')] })
    expect(((await data(c.wire, path)) as Reply).code).toBe('NO_AUTH')
    await c.wire.setAcl(path, [aclOf(31, 'world', 'anyone')])
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([])
  })
  fact('a watch that is registered twice fires once', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await data(c.wire, path)
    await exists(c.wire, path)
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
  })
  fact('addWatch succeeds on any path and answers with 0', async () => {
    const reply = await c.wire.watches(opCode.addWatch, c.unique(), 0)
    expect([reply.code, reply.body.int()]).toEqual(['OK', 0])
  })
  for (const mode of [2, -1, 7]) {
    fact(`addWatch with mode ${mode} is MARSHALLING_ERROR`, async () => {
      expect((await c.wire.watches(opCode.addWatch, c.unique(), mode)).code).toBe('MARSHALLING_ERROR')
    })
  }
  fact('a client that may not read the znode gets no event, and its watch is used up', async () => {
    const path = await c.wire.made(c.unique())
    const other = await c.connect()
    await data(other, path)
    await c.wire.auth('digest', 'reader:pw')
    await c.wire.setAcl(path, [aclOf(31, 'auth', '')])
    await c.wire.set(path, 'x')
    expect(await other.heard()).toEqual([])
    await c.wire.setAcl(path, [aclOf(31, 'world', 'anyone')])
    await c.wire.set(path, 'y')
    expect(await other.heard()).toEqual([])
  })
  fact('one connection holds one-shot, persistent and recursive watches on one path at once', async () => {
    const path = await c.wire.made(c.unique())
    await persistent(c.wire, path)
    await recursive(c.wire, path)
    await data(c.wire, path)
    await c.wire.create(`${path}/a`)
    expect((await c.wire.heard()).sort()).toEqual([`${created} ${path}/a`, `${childrenChanged} ${path}`].sort())
    await c.wire.set(path, 'x')
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`, `${dataChanged} ${path}`])
  })
  fact('removeWatches of what is not there is NO_WATCHER', async () => {
    const path = await c.wire.made(c.unique())
    for (const type of [1, 2, 3])
      expect((await c.wire.watches(opCode.removeWatches, path, type)).code).toBe('NO_WATCHER')
  })
  fact('removeWatches with an unknown type is MARSHALLING_ERROR', async () => {
    for (const type of [0, 6, -1])
      expect((await c.wire.watches(opCode.removeWatches, '/', type)).code).toBe('MARSHALLING_ERROR')
  })
  fact('removeWatches of data takes the data watch and leaves the child watch', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await children(c.wire, path)
    expect((await c.wire.watches(opCode.removeWatches, path, 2)).code).toBe('OK')
    await c.wire.set(path, 'x')
    await c.wire.create(`${path}/a`)
    expect(await c.wire.heard()).toEqual([`${childrenChanged} ${path}`])
  })
  fact('removeWatches of any takes all of them', async () => {
    const path = await c.wire.made(c.unique())
    for (const register of [data, children, persistent]) await register(c.wire, path)
    expect((await c.wire.watches(opCode.removeWatches, path, 3)).code).toBe('OK')
    await c.wire.set(path, 'x')
    await c.wire.delete(path)
    expect(await c.wire.heard()).toEqual([])
  })
  fact('removeWatches by type takes the watches of that type alone', async () => {
    const path = await c.wire.made(c.unique())
    await persistent(c.wire, path)
    await recursive(c.wire, path)
    expect((await c.wire.watches(opCode.removeWatches, path, 4)).code).toBe('OK')
    await c.wire.create(`${path}/a`)
    expect(await c.wire.heard()).toEqual([`${created} ${path}/a`])
    expect((await c.wire.watches(opCode.removeWatches, path, 5)).code).toBe('OK')
    expect((await c.wire.watches(opCode.removeWatches, path, 5)).code).toBe('NO_WATCHER')
  })
  fact('checkWatches finds one-shot watches by type', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    const codes: string[] = []
    for (const type of [1, 2, 3]) codes.push((await c.wire.watches(opCode.checkWatches, path, type)).code)
    expect(codes).toEqual(['NO_WATCHER', 'OK', 'OK'])
  })
  fact('checkWatches finds watches by type', async () => {
    const path = await c.wire.made(c.unique())
    await recursive(c.wire, path)
    const codes: string[] = []
    for (const type of [1, 2, 3, 4, 5]) codes.push((await c.wire.watches(opCode.checkWatches, path, type)).code)
    expect(codes).toEqual(['NO_WATCHER', 'NO_WATCHER', 'OK', 'NO_WATCHER', 'OK'])
  })
  fact('checkWatches takes nothing away', async () => {
    const path = await c.wire.made(c.unique())
    await data(c.wire, path)
    await c.wire.watches(opCode.checkWatches, path, 2)
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
  })
})

chapter('catch-up after a reconnect', {}, (c) => {
  interface Lists {
    readonly data?: string[]
    readonly exists?: string[]
    readonly children?: string[]
    readonly persistent?: string[]
    readonly recursive?: string[]
  }
  const restore = (wire: Wire, relativeZxid: bigint, lists: Lists, xid?: number): Promise<Reply> => {
    const plain = {
      relativeZxid,
      dataWatches: lists.data ?? [],
      existWatches: lists.exists ?? [],
      childWatches: lists.children ?? [],
    }
    const isPlain = lists.persistent === undefined && lists.recursive === undefined
    return wire.call(
      isPlain ? opCode.setWatches : opCode.setWatches2,
      (writer) => {
        if (isPlain) writeSetWatches(writer, plain)
        else
          writeSetWatches2(writer, {
            ...plain,
            persistentWatches: lists.persistent ?? [],
            persistentRecursiveWatches: lists.recursive ?? [],
          })
      },
      xid,
    )
  }
  const at = async (chapterOf: Chapter): Promise<bigint> => (await chapterOf.wire.readPath(opCode.sync, '/')).zxid

  fact('data: a missing znode is reported as deleted', async () => {
    const path = c.unique()
    await restore(c.wire, await at(c), { data: [path] })
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}`])
  })
  fact('data: a later change is reported, and the watch is used up', async () => {
    const path = await c.wire.made(c.unique())
    const zxid = await at(c)
    await c.wire.set(path, 'x')
    await restore(c.wire, zxid, { data: [path] })
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
    await c.wire.set(path, 'y')
    expect(await c.wire.heard()).toEqual([])
  })
  fact('data: no change registers the watch', async () => {
    const path = await c.wire.made(c.unique())
    await restore(c.wire, await at(c), { data: [path] })
    expect(await c.wire.heard()).toEqual([])
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
  })
  fact('data: delete and create while away are reported as a change', async () => {
    const path = await c.wire.made(c.unique())
    const zxid = await at(c)
    await c.wire.delete(path)
    await c.wire.create(path)
    await restore(c.wire, zxid, { data: [path] })
    expect(await c.wire.heard()).toEqual([`${dataChanged} ${path}`])
  })
  fact('exists: a missing znode registers the watch', async () => {
    const path = c.unique()
    await restore(c.wire, await at(c), { exists: [path] })
    expect(await c.wire.heard()).toEqual([])
    await c.wire.create(path)
    expect(await c.wire.heard()).toEqual([`${created} ${path}`])
  })
  fact('exists: an existing znode is reported as created', async () => {
    const path = await c.wire.made(c.unique())
    await restore(c.wire, await at(c), { exists: [path] })
    expect(await c.wire.heard()).toEqual([`${created} ${path}`])
  })
  fact('child: a missing znode is reported as deleted', async () => {
    const path = c.unique()
    await restore(c.wire, await at(c), { children: [path] })
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}`])
  })
  fact('child: later children are reported, later data is not', async () => {
    const path = await c.wire.made(c.unique())
    const zxid = await at(c)
    await c.wire.set(path, 'x')
    await restore(c.wire, zxid, { children: [path] })
    expect(await c.wire.heard()).toEqual([])
    await c.wire.create(`${path}/a`)
    expect(await c.wire.heard()).toEqual([`${childrenChanged} ${path}`])
    await restore(c.wire, zxid, { children: [path] })
    expect(await c.wire.heard()).toEqual([`${childrenChanged} ${path}`])
  })
  fact('a path in both the data and the child list may be reported twice', async () => {
    const path = c.unique()
    await restore(c.wire, 0n, { data: [path], children: [path] })
    expect(await c.wire.heard()).toEqual([`${deleted} ${path}`, `${deleted} ${path}`])
  })
  fact('persistent and recursive watches are registered without a word about the past', async () => {
    const [a, b] = [await c.wire.made(c.unique()), await c.wire.made(c.unique())]
    await restore(c.wire, 0n, { persistent: [a, '/missing-too'], recursive: [b] })
    expect(await c.wire.heard()).toEqual([])
    await c.wire.create(`${a}/a`)
    await c.wire.create(`${b}/b`)
    expect(await c.wire.heard()).toEqual([`${childrenChanged} ${a}`, `${created} ${b}/b`])
  })
  fact('lists are handled in order: data, exists, child', async () => {
    const [a, b, d] = [c.unique(), await c.wire.made(c.unique()), c.unique()]
    await restore(c.wire, 0n, { children: [d], exists: [b], data: [a] })
    expect(await c.wire.heard()).toEqual([`${deleted} ${a}`, `${created} ${b}`, `${deleted} ${d}`])
  })
  fact('catch-up events stand in front of the reply and carry zxid -1', async () => {
    await restore(c.wire, 0n, { data: [c.unique()] })
    expect(c.wire.events.splice(0)).toMatchObject([{ zxid: -1n }])
  })
  fact('the reply echoes the xid, -8 or ordinary', async () => {
    expect(await restore(c.wire, 0n, {}, -8)).toMatchObject({ xid: -8, code: 'OK' })
    expect(await restore(c.wire, 0n, {}, 4711)).toMatchObject({ xid: 4711, code: 'OK' })
  })
})
