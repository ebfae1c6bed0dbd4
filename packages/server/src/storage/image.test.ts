/** An image leads to the tree it was made of, in pieces of any size; one that is broken, or made up, is refused with the place. */
import { creatorAcl, opCode, openAcl, Reader, Writer } from '@lightkeeper/protocol'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { DataTree } from '../tree/data-tree.ts'
import { TreeWalk } from '../tree/tree-walk.ts'
import { ImageEncoder, ImageParser, SnapshotDamage } from './image.ts'
import { ImageTree } from './image-tree.ts'
import { Bench, create, dump, imageOf } from './storage.harness.ts'

const readOnly = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
const joe = [{ perms: 31, id: { scheme: 'digest', id: 'joe:hash' } }]

/** Every kind of znode, data and list; one znode is larger than most pieces. */
async function varied(): Promise<DataTree> {
  const bench = new Bench()
  await bench.open()
  await bench.write({ type: opCode.createSession, timeOut: 4000 })
  await bench.creates(20, 'n', 100)
  await bench.write(create('/null'), create('/empty', new Uint8Array(0)), create('/large', new Uint8Array(9_000)))
  await bench.write(create('/n2/below', new Uint8Array(3)), create('/n2/below/é中', new Uint8Array(1)))
  await bench.write({ ...create('/mine'), ephemeral: true } as never)
  await bench.write({ type: opCode.createContainer, path: '/box', data: null, acl: joe, parentCVersion: -1 })
  await bench.write({ type: opCode.setACL, path: '/n3', acl: readOnly, version: 1 })
  await bench.close()
  return bench.tree
}

const tree = await varied()

const whole = imageOf(tree, 7)

/** Parses pieces that end at the places in `cut`; returns the tree and the number of bytes that belong to the image. */
function parsed(bytes: Uint8Array, cut: (at: number) => number): { image: ImageTree; taken: number; isDone: boolean } {
  const image = new ImageTree()
  const parser = new ImageParser(image)
  let taken = 0
  for (let at = 0; at < bytes.length && !parser.isDone; ) {
    const end = Math.min(bytes.length, Math.max(at + 1, cut(at)))
    const count = parser.push(bytes, at, end)
    taken += count
    // Nothing of a piece is left but what stands behind the image.
    if (!parser.isDone && count !== end - at) expect(count).toBe(end - at)
    at = end
    if (parser.offset !== taken) expect(parser.offset).toBe(taken)
  }
  return { image, taken, isDone: parser.isDone }
}

test('an image leads to the tree it was made of, in pieces of any size', () => {
  const random = new SeededRandom(1)
  const cuts: ((at: number) => number)[] = [
    () => whole.length,
    (at) => at + 1,
    (at) => at + 3,
    (at) => at + 1024,
    ...Array.from({ length: 30 }, () => (at: number) => at + 1 + random.below(random.pick([4, 100, 5000]))),
  ]
  for (const cut of cuts) {
    const { image, taken, isDone } = parsed(whole, cut)
    expect([isDone, taken]).toEqual([true, whole.length])
    image.tree.loaded()
    expect(dump(image.tree)).toEqual(dump(tree))
    expect([...image.tree.sessions]).toEqual([...tree.sessions])
    expect(image.tree.digest.value).toBe(tree.computeDigest())
    expect(image.missingAcls.size).toBe(0)
  }
})

test('what stands behind an image is left to its owner, wherever a piece ends', () => {
  const trailer = new TextEncoder().encode('....BenWasHere')
  const both = new Uint8Array(Buffer.concat([whole, trailer]))
  for (let end = whole.length - 6; end <= both.length; end++) {
    const { taken, isDone } = parsed(both, (at) => (at < end ? end : both.length))
    expect([isDone, taken]).toEqual([true, whole.length])
  }
})

test('an image that ends early is not done, and says how far it came', () => {
  for (const length of [0, 3, 4, 15, 100, whole.length - 5, whole.length - 1]) {
    const { isDone, taken } = parsed(whole.subarray(0, length), (at) => at + 1000)
    expect([isDone, taken]).toEqual([false, length])
  }
})

describe('a made-up image is refused with the reason and the place:', () => {
  interface Node {
    readonly path: string
    readonly dataLength?: number
    readonly pathLength?: number
  }
  const image = (
    nodes: readonly Node[],
    counts: { sessions?: number; lists?: number; entries?: number } = {},
  ): Uint8Array => {
    const writer = new Writer()
    writer.int(counts.sessions ?? 0)
    writer.int(counts.entries === undefined ? (counts.lists ?? 0) : 1)
    if (counts.entries !== undefined) {
      writer.long(1n)
      writer.int(counts.entries)
    }
    for (const { path, dataLength = 0, pathLength } of nodes) {
      const at = writer.length
      writer.ustring(path)
      if (pathLength !== undefined) writer.patchInt(at, pathLength)
      writer.int(dataLength)
      if (dataLength > 0 && dataLength < 100) writer.raw(new Uint8Array(dataLength))
      writer.long(-1n)
      writer.raw(new Uint8Array(60))
    }
    writer.ustring('/')
    return writer.written().slice()
  }
  const root = { path: '' }
  test.each<[string, Uint8Array, string]>([
    ['a negative count of sessions', image([], { sessions: -1 }), 'a count of -1 sessions, at byte 0 '],
    ['a negative count of lists', image([], { lists: -7 }), 'a count of -7 ACL lists, at byte 4 '],
    ['a negative count of entries', image([], { entries: -1 }), 'a count of -1 entries in an ACL list, at byte 8 '],
    ['no root', image([{ path: '/a' }]), 'the znode "/a" stands in front of the root, at byte 8 '],
    [
      'a znode without a parent',
      image([root, { path: '/a/b' }]),
      'the znode "/a/b" stands in front of its parent or without one, at byte 84 ',
    ],
    [
      'a znode twice',
      image([root, { path: '/abc' }, { path: '/abc' }]),
      'the znode "/abc" is there twice, at byte 164 ',
    ],
    ['a short path twice', image([root, { path: '/a' }, { path: '/a' }]), 'the znode "/a" is there twice, at byte '],
    [
      'a long path twice',
      image([root, { path: `/${'x'.repeat(40)}` }, { path: `/${'x'.repeat(40)}` }]),
      'is there twice, at byte ',
    ],
    ['the root twice', image([root, root]), 'the znode "/" is there twice, at byte 84 '],
    [
      'a znode of a fresh tree twice',
      image([root, { path: '/zookeeper' }, { path: '/zookeeper' }]),
      'the znode "/zookeeper" is there twice',
    ],
    ['a path without its slash', image([root, { path: 'abc' }]), 'the znode "abc" is no path, at byte 84 '],
    ['a path that ends in a slash', image([root, { path: '/abc/' }]), 'the znode "/abc/" is no path'],
    ['a path with two slashes', image([root, { path: '//abc' }]), 'the znode "//abc" is no path'],
    [
      'an empty name',
      image([root, { path: '/a' }, { path: '/a//b' }]),
      'the znode "/a//b" stands in front of its parent or without one',
    ],
    ['a path of one letter', image([root, { path: 'x' }]), 'a znode with the path "x", at byte 84 '],
    ['a negative length', image([{ path: '', dataLength: -2 }]), 'a field of length -2, at byte 8 '],
    [
      'a length beyond reason',
      image([{ path: '', dataLength: 0x7fff_ffff }]),
      'a field of length 2147483647, at byte 8 ',
    ],
    ['a path beyond reason', image([{ path: 'abc', pathLength: -9 }]), 'a field of length -9, at byte 8 '],
  ])('%s', (_claim, bytes, message) => {
    for (const step of [1, 1000]) {
      let thrown: unknown
      try {
        parsed(bytes, (at) => at + step)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(SnapshotDamage)
      expect((thrown as Error).message).toContain(message)
    }
  })

  test('a large number is promised, and takes no memory before it comes', () => {
    const parser = new ImageParser(new ImageTree())
    const claims = image([{ path: '', dataLength: 1 << 30 }])
    const before = process.memoryUsage().arrayBuffers
    parser.push(claims, 0, claims.length - 73)
    parser.push(new Uint8Array(1000))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024)
    expect(parser.isDone).toBe(false)
  })
})

test('a bit that flips, a byte that is cut out or put in: a tree that holds together, or SnapshotDamage', () => {
  const small = imageOf(new DataTree(), 7)
  const random = new SeededRandom(7)
  const outcomes = { parsed: 0, early: 0, refused: 0 }
  for (let i = 0; i < 4000; i++) {
    let bytes = random.oneIn(4) ? whole.slice(0, 3000) : small.slice()
    for (let n = 1 + random.below(3); n > 0; n--) {
      const at = random.below(bytes.length)
      const how = random.below(4)
      if (how === 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      else if (how === 1) bytes[at] = random.below(256)
      else if (how === 2) bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]))
      else
        bytes = new Uint8Array(
          Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]),
        )
    }
    try {
      const { image, isDone } = parsed(bytes, (at) => at + 1 + random.below(600))
      if (isDone) {
        outcomes.parsed++
        let count = 0
        image.tree.loaded()
        image.tree.nodes.forEach((node, path) => {
          count++
          expect(image.tree.get(path)).toBe(node)
        })
        expect(count).toBe(image.tree.nodes.size)
      } else outcomes.early++
    } catch (error) {
      if (!(error instanceof SnapshotDamage)) throw error
      expect(error.message).toMatch(/, at byte \d+ of its uncompressed content$/)
      outcomes.refused++
    }
  }
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(100)
})

describe('walks', () => {
  const header = (zxid: bigint) => ({ clientId: 0n, cxid: 0, zxid, time: 0n, type: 0 })
  const fresh = (): DataTree => {
    const tree = new DataTree()
    tree.apply(header(1n), { ...create('/a'), acl: joe } as never)
    tree.apply(header(2n), { ...create('/b'), acl: readOnly } as never)
    return tree
  }
  const lists = (walk: TreeWalk): Map<string, string | undefined> => {
    const found = new Map<string, string | undefined>()
    while (walk.next()) found.set(walk.path, walk.acl[0]?.id.id)
    return found
  }

  test('show the list that a znode had when they began, however often it is replaced', () => {
    const tree = fresh()
    const walk = new TreeWalk(tree, 2n)
    for (const [i, acl] of [readOnly, creatorAcl, openAcl].entries()) {
      tree.apply(header(3n + BigInt(i)), { type: opCode.setACL, path: '/a', acl, version: i + 1 })
      tree.apply(header(9n + BigInt(i)), { type: opCode.setACL, path: '/b', acl: joe, version: i + 1 })
    }
    const found = lists(walk)
    expect([found.get('/a'), found.get('/b')]).toEqual(['joe:hash', 'anyone'])
    const known = new Set<unknown>([...walk.lists, openAcl])
    const again = new TreeWalk(tree, 2n)
    while (again.next()) expect(known.has(again.acl) || again.lists.includes(again.acl)).toBe(true)
    walk.end()
    again.end()
    expect(tree.aclObservers.size).toBe(0)
  })

  test('are independent of each other, each with the lists of its own beginning', () => {
    const tree = fresh()
    const first = new TreeWalk(tree, 2n)
    tree.apply(header(3n), { type: opCode.setACL, path: '/a', acl: readOnly, version: 1 })
    const second = new TreeWalk(tree, 3n)
    tree.apply(header(4n), { type: opCode.setACL, path: '/a', acl: creatorAcl, version: 2 })
    tree.apply(header(5n), create('/c'))
    const third = new TreeWalk(tree, 5n)
    expect(lists(second).get('/a')).toBe('anyone')
    second.end()
    tree.apply(header(6n), { type: opCode.delete, path: '/b' })
    const [old, now] = [lists(first), lists(third)]
    expect([old.get('/a'), now.get('/a')]).toEqual(['joe:hash', ''])
    expect([old.has('/c'), now.has('/c'), old.has('/b')]).toEqual([false, true, false])
    first.end()
    third.end()
  })

  test('of one tree, encoded at the same time while it changes, lead to trees that hold together', () => {
    const tree = fresh()
    for (let i = 0; i < 50; i++)
      tree.apply(header(BigInt(10 + i)), { ...create(`/n${i}`), acl: i % 2 ? joe : readOnly } as never)
    const random = new SeededRandom(3)
    const begin = () => {
      const encoder = new ImageEncoder()
      const walk = new TreeWalk(tree, 100n)
      encoder.begin(tree.sessions, walk.lists)
      return { encoder, walk, steps: encoder.znodes(walk, 3), pieces: [] as Uint8Array[], isDone: false }
    }
    const jobs = [begin(), begin(), begin()]
    for (let zxid = 200n; jobs.some(({ isDone }) => !isDone); zxid++) {
      const path = `/n${random.below(50)}`
      const version = (tree.get(path)?.aversion ?? 0) + 1
      tree.apply(header(zxid), {
        type: opCode.setACL,
        path,
        acl: random.pick([joe, readOnly, creatorAcl, openAcl]),
        version,
      })
      const job = random.pick(jobs)
      if (job.isDone) continue
      job.isDone = job.steps.next().done === true
      if (job.isDone) {
        job.encoder.end()
        job.walk.end()
      }
      job.pieces.push(job.encoder.take())
    }
    for (const { pieces } of jobs) {
      const { image, isDone } = parsed(new Uint8Array(Buffer.concat(pieces)), (at) => at + 100)
      expect([isDone, image.missingAcls.size, image.tree.nodes.size]).toEqual([true, 0, tree.nodes.size])
      for (let i = 0; i < 50; i++) expect(image.tree.get(`/n${i}`)?.acl).toEqual(i % 2 ? joe : readOnly)
    }
  })
})

test('a list of the image stands in front of it in the table: its bytes are those of a snapshot', () => {
  const reader = new Reader(imageOf(new DataTree(), 7))
  expect([reader.int(), reader.int(), reader.long(), reader.int()]).toEqual([0, 1, 1n, 1])
})
