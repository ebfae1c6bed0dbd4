/** Trees of real Curator and kazoo (test/interop/tools records them), and of ours where the znodes are our own. */
import { readFileSync } from 'node:fs'
import { type ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import type { SeenTree, SeenZnode } from './directory.ts'
import { recognise } from './recognise.ts'
import { treeOf } from './recorded/tree-of.ts'
import type { Party, Structure } from './structure.ts'
import { cyclesOf } from './waiting.ts'

const recorded = (peer: string): SeenTree =>
  treeOf(JSON.parse(readFileSync(new URL(`./recorded/${peer}.json`, import.meta.url), 'utf8')))

/** Sessions as letters, in the order of their numbers; znodes without the parts that are random. */
function facts(tree: SeenTree): Record<string, string> {
  const found = recognise(tree)
  const sessions = [
    ...new Set(found.flatMap(({ holders, waiters }) => [...holders, ...waiters]).map(({ session }) => session)),
  ]
  // An item or a lease for a time belongs to no session.
  const owners = sessions.filter((session) => session !== 0n)
  const letters = new Map(owners.sort((a, b) => Number(a - b)).map((session, i) => [session, 'abc'[i] ?? '?']))
  const text = ({ session, side, item, id }: Party): string =>
    [letters.get(session), side, item, id].filter((word) => word !== undefined).join(' ')
  const line = ({ kind, layouts, holders, waiters, capacity, items }: Structure): string => {
    const numbers = [capacity === undefined ? '' : `of ${capacity}`, items === undefined ? '' : `${items} items`]
    const held = holders.map(text).sort().join(', ')
    const waiting = waiters.map((each) => `${text(each)} (${each.needs} of ${each.behind.length})`).join(', ')
    return [kind, layouts.join('+'), ...numbers, `[${held}]`, waiting].filter((word) => word !== '').join(' ')
  }
  return Object.fromEntries(found.map((each) => [each.path, line(each)]))
}

test('everything of Curator is recognised, with who holds and who waits', () => {
  expect(facts(recorded('curator'))).toEqual({
    '/curator/delay': 'delay queue curator 1 items []',
    '/curator/gathering': 'double barrier curator [] a 127.0.0.1 (all of 0)',
    '/curator/group': 'group curator [a node-1, b node-2]',
    '/curator/id-queue': 'queue curator 1 items []',
    '/curator/inside': 'double barrier curator [a 127.0.0.1, b 127.0.0.1]',
    '/curator/latch': 'election curator [a a] b b (all of 1)',
    '/curator/lock': 'lock curator [a 127.0.0.1] b 127.0.0.1 (all of 1), b 127.0.0.1 (all of 1)',
    '/curator/multi/one': 'lock curator [a 127.0.0.1]',
    '/curator/multi/two': 'lock curator [a 127.0.0.1]',
    '/curator/mutex': 'semaphore curator [a 127.0.0.1] b 127.0.0.1 (any of 1)',
    '/curator/other-lock': 'lock curator [b 127.0.0.1] a 127.0.0.1 (all of 1)',
    '/curator/persistent': 'group curator [a node]',
    '/curator/priority': 'priority queue curator 1 items []',
    '/curator/queue': 'queue curator 2 items []',
    '/curator/read-write':
      'read-write lock curator [a read 127.0.0.1, b read 127.0.0.1] a write 127.0.0.1 (all of 2), b read 127.0.0.1 (all of 1)',
    '/curator/selector': 'lock curator [a a] b b (all of 1)',
    '/curator/semaphore': 'semaphore curator [a 127.0.0.1, b 127.0.0.1] a 127.0.0.1 (any of 2), b 127.0.0.1 (all of 1)',
    '/curator/services/web': 'service curator [a 10.0.0.7:8080]',
    '/curator/simple-queue': 'queue apache 1 items []',
  })
})

test('a lease of kazoo says until when it is held', () => {
  const lease = recognise(recorded('kazoo')).find(({ path }) => path === '/kazoo/lease')
  expect(lease?.notes).toEqual([
    expect.stringMatching(/^the lease ends at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d UTC, by the clock of its holder$/),
  ])
})

test('two of Curator that wait for each other are found', () => {
  const cycles = cyclesOf(recognise(recorded('curator')))
  const places = cycles.map((cycle) => cycle.map(({ structure }) => structure.path).sort())
  expect(places).toEqual([['/curator/lock', '/curator/other-lock']])
})

test('everything of kazoo is recognised; its election has the names of a lock', () => {
  expect(facts(recorded('kazoo'))).toEqual({
    '/kazoo/election': 'lock kazoo [a a] b b (all of 1)',
    '/kazoo/gathering': 'double barrier kazoo [] a a (all of 0)',
    '/kazoo/inside': 'double barrier kazoo [a a, b b]',
    '/kazoo/lease': 'lease kazoo [a]',
    '/kazoo/leases/0': 'lease kazoo [a]',
    '/kazoo/leases/1': 'lease kazoo [b]',
    '/kazoo/lock': 'lock kazoo [a a] b b (all of 1)',
    '/kazoo/locking-queue': expect.stringMatching(
      /^priority queue kazoo 2 items \[a entry-100-0000000000 [0-9a-f]{32}\]$/,
    ),
    '/kazoo/partitioner': 'partitioner kazoo [a x, a z, b y]',
    '/kazoo/party': 'group kazoo [a a, b b]',
    '/kazoo/queue': 'priority queue kazoo 1 items []',
    '/kazoo/read-write': 'read-write lock kazoo [a read a] b write b (all of 1), a read c (all of 1)',
    // kazoo 2.8 writes the identifier as Python prints bytes.
    '/kazoo/semaphore': "semaphore kazoo of 2 [a a, b b] a b'c' (any of 2)",
    '/kazoo/shallow': 'group kazoo [a a]',
  })
})

describe('znodes of our own', () => {
  const znode = (data: string, owner: number, czxid: number, mzxid = czxid): SeenZnode => ({
    data: new TextEncoder().encode(data),
    stat: new ZnodeStat({
      czxid: BigInt(czxid),
      mzxid: BigInt(mzxid),
      pzxid: BigInt(czxid),
      ctime: 0,
      mtime: 0,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: BigInt(owner),
      dataLength: data.length,
      numChildren: 0,
    }),
  })
  /** A znode by path: data, owner, czxid, mzxid; parents come by themselves. */
  const tree = (
    nodes: Readonly<Record<ZnodePath, readonly [data: string, owner?: number, czxid?: number, mzxid?: number]>>,
  ): SeenTree => {
    const all = new Map<ZnodePath, SeenZnode>([['/', znode('', 0, 0)]])
    for (const [path, [data, owner = 0, czxid = 1, mzxid]] of Object.entries(nodes)) {
      for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1)) {
        const parent = path.slice(0, at) as ZnodePath
        if (!all.has(parent)) all.set(parent, znode('', 0, 0))
      }
      all.set(path as ZnodePath, znode(data, owner, czxid, mzxid))
    }
    return all
  }

  test('a partitioner: who works on what, and what is held by none', () => {
    const nodes = tree({
      '/p/members/m1': ['', 1],
      '/p/assignment': ['{"members":["m1"],"assigned":{"m1":["x/1","y"]}}'],
      '/p/locks/x%2F1': ['m1', 1],
      '/p/locks/%marks/mark': ['', 1],
    })
    expect(facts(nodes)).toEqual({ '/p': 'partitioner lightkeeper [a x/1 m1]' })
    expect(recognise(nodes)[0]?.notes).toEqual(['1 members divide 2 items; 1 of these are held by none now'])
  })

  test('a queue with claims and waiting consumers', () => {
    const nodes = tree({
      '/q/queue-0000000001': ['x'],
      '/q/queue-0000000002': ['x'],
      '/q-claims/queue-0000000001': ['', 1],
      '/q-claims/line/_c_348f73d5-2d92-4ea9-9822-c60d16084c1a-waiting-0000000001': ['', 2],
    })
    expect(facts(nodes)).toEqual({ '/q': 'queue curator 2 items [a queue-0000000001] b (all of 0)' })
  })

  test('a master beside the count of its terms', () => {
    const nodes = tree({ '/jobs/master': ['node-7', 1], '/jobs/master-epoch': ['node-7'] })
    expect(facts(nodes)).toEqual({ '/jobs/master': 'election lightkeeper [a node-7]' })
  })

  test('a round of a double barrier is open for members older than the last write of ready', () => {
    const uuid = (digit: number): ZnodePath => `/b/348f73d5-2d92-4ea9-9822-c60d16084c1${digit}`
    const nodes = tree({ [uuid(1)]: ['', 1, 5], [uuid(2)]: ['', 2, 9], '/b/ready': ['', 0, 2, 7] })
    expect(facts(nodes)).toEqual({ '/b': 'double barrier curator [a] b (all of 0)' })
  })

  test('services of Dubbo, whose URL is the name', () => {
    const url = 'dubbo%3A%2F%2F10.0.0.1%3A20880%2Fcom.foo.BarService%3Fside%3Dprovider'
    const nodes = tree({ [`/dubbo/com.foo.BarService/providers/${url}` as ZnodePath]: ['10.0.0.1', 1] })
    expect(facts(nodes)).toEqual({ '/dubbo/com.foo.BarService/providers': 'service dubbo [a 10.0.0.1:20880]' })
  })

  test('contenders of two libraries at one path are pointed out', () => {
    const nodes = tree({
      '/l/lock-0000000001': ['', 1],
      '/l/348f73d52d924ea99822c60d16084c1a__lock__0000000002': ['', 2],
    })
    expect(facts(nodes)).toEqual({ '/l': 'lock curator+kazoo [a] b (all of 1)' })
    expect(recognise(nodes)[0]?.notes[0]).toMatch(/curator and kazoo names meet here/)
  })

  test('data that only looks like something is taken for what it is', () => {
    const nodes = tree({
      '/a/instance': ['{"name":"x","id":"other","address":"h"}'],
      '/b/x': ['{broken'],
      '/c/entries/queue-0000000001': ['x'],
      '/d/members/m': ['', 1],
      '/d/assignment': ['no JSON'],
      '/zookeeper/quota/e': ['', 1],
    })
    expect(facts(nodes)).toEqual({ '/d/members': 'group curator [a m]', '/c/entries': 'queue curator 1 items []' })
  })

  test("what is below /zookeeper is the server's own, but not below a chroot", () => {
    const nodes = new Map<ZnodePath, SeenZnode>([
      ['/zookeeper', znode('', 0, 1)],
      ['/zookeeper/queue', znode('', 0, 2)],
      ['/zookeeper/queue/entries', znode('', 0, 3)],
      ['/zookeeper/queue/entries/entry-100-0000000001', znode('x', 0, 4)],
    ])
    expect(recognise(nodes)).toEqual([])
    expect(recognise(nodes, '/prod').map(({ kind }) => kind)).toEqual(['priority queue'])
  })

  test('a tree of which only one znode was read has nothing that would need its siblings', () => {
    expect(recognise(new Map([['/only/one', znode('', 1, 1)]]))).toEqual([])
  })
})
