import { ZnodeStat } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { type FindConditions, grepLines, isFound } from './find.ts'
import { usageOf } from './usage.ts'
import type { WalkedZnode } from './walk.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function znode(
  path: string,
  text = '',
  more: { owner?: bigint; mtime?: number; numChildren?: number } = {},
): WalkedZnode {
  const data = bytes(text)
  const stat = new ZnodeStat({
    czxid: 1n,
    mzxid: 1n,
    pzxid: 1n,
    ctime: 0,
    mtime: more.mtime ?? 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: more.owner ?? 0n,
    dataLength: data.length,
    numChildren: more.numChildren ?? 0,
  })
  return { path: path as WalkedZnode['path'], depth: path.split('/').length - 2, stat, children: [], data, acl: [] }
}

async function* walked(...znodes: readonly WalkedZnode[]): AsyncGenerator<WalkedZnode, void, void> {
  yield* znodes
}

const tree = [znode('/a', 'x'), znode('/a/b', 'xx'), znode('/a/b/c', 'xxx'), znode('/a/d'), znode('/a/e', 'xxxx')]

test('sums come behind what they contain', async () => {
  const sums = []
  for await (const { path, znodes, bytes: sum } of usageOf(walked(...tree))) sums.push([path, znodes, sum])
  expect(sums).toEqual([
    ['/a/b/c', 1, 3],
    ['/a/b', 2, 5],
    ['/a/d', 1, 0],
    ['/a/e', 1, 4],
    ['/a', 5, 10],
  ])
})

test('sums of the upper znodes count everything below', async () => {
  const sums = []
  for await (const { path, znodes, bytes: sum } of usageOf(walked(...tree), 0)) sums.push([path, znodes, sum])
  expect(sums).toEqual([['/a', 5, 10]])
})

test.each<[string, FindConditions, boolean]>([
  ['its name', { name: /^lock/ }, true],
  ['another name', { name: /^locks/ }, false],
  ['its path', { path: /^\/app\/.*0$/ }, true],
  ['its data', { data: /world/ }, true],
  ['other data', { data: /World/ }, false],
  ['its type', { type: 'ephemeral' }, true],
  ['another type', { type: 'container' }, false],
  ['its owner', { owner: 0x77n }, true],
  ['another owner', { owner: 0x78n }, false],
  ['a later time', { before: new Date(2000) }, true],
  ['an earlier time', { before: new Date(500) }, false],
  ['after an earlier time', { after: new Date(500) }, true],
  ['at least its bytes', { bytesMin: 11 }, true],
  ['at most fewer bytes', { bytesMax: 10 }, false],
  ['children', { childrenMin: 1 }, false],
  ['two conditions, one wrong', { name: /lock/, type: 'ttl' }, false],
])('a znode is found by %s', (_, conditions, found) => {
  expect(isFound(znode('/app/lock-0', 'hello world', { owner: 0x77n, mtime: 1000 }), conditions)).toBe(found)
})

test('containers and znodes with a time to live have no owner', () => {
  const container = znode('/c', '', { owner: -0x8000000000000000n })
  expect(isFound(container, { owner: -0x8000000000000000n })).toBe(false)
  expect(isFound(container, { type: 'container' })).toBe(true)
  expect(isFound(znode('/t', '', { owner: BigInt.asIntN(64, 0xff000000000003e8n) }), { type: 'ttl' })).toBe(true)
})

test('grep gives the lines with their numbers', () => {
  expect(grepLines(bytes('one\ntwo\r\nthree two'), /two/)).toEqual([
    { line: 2, text: 'two' },
    { line: 3, text: 'three two' },
  ])
})
