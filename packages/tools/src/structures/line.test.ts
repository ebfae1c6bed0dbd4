import { type ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import type { Child } from './directory.ts'
import { inLine, inOrder, standings } from './line.ts'

const stat = new ZnodeStat({
  czxid: 1n,
  mzxid: 1n,
  pzxid: 1n,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 7n,
  dataLength: 0,
  numChildren: 0,
})
const child = (name: string): Child => ({ name, path: `/p/${name}`, data: new Uint8Array(0), stat })
const uuid = '_c_348f73d5-2d92-4ea9-9822-c60d16084c1a-'
const hex = '348f73d52d924ea99822c60d16084c1a'

test.each([
  [`${uuid}lock-0000000001`, 'curator lock write 1'],
  ['lock-0000000001', 'curator lock write 1'],
  [`${uuid}lock--2147483648`, 'curator lock write -2147483648'],
  [`_c_${hex}-lock-0000000002`, 'go-zk lock write 2'],
  [`${uuid}__READ__0000000003`, 'curator lock read 3'],
  [`${uuid}__WRIT__0000000004`, 'curator lock write 4'],
  [`${hex}__lock__0000000005`, 'kazoo lock write 5'],
  [`${hex}__lock__-000000005`, 'kazoo lock write -5'],
  [`${hex}__rlock__0000000006`, 'kazoo lock read 6'],
  [`${uuid}latch-0000000007`, 'curator election write 7'],
  [`${uuid}p10-latch-0000000008`, 'curator election write 8'],
  [`${hex}p10__lock__0000000009`, 'kazoo election write 9'],
  ['x--72057594037927936-0000000010', 'apache lock write 10'],
  ['x-72057594037927936-0000000010', 'apache lock write 10'],
  ['n_0000000011', 'apache election write 11'],
  ['lock', undefined],
  ['lock-1', undefined],
  ['clock-0000000001', undefined],
  ['lock-9999999999', undefined],
  ['queue-0000000001', undefined],
])('%s stands in line as %s', (name, expected) => {
  const found = inLine(child(name))
  expect(found && `${found.layout} ${found.kind} ${found.side} ${found.sequence}`).toBe(expected)
})

describe('standings', () => {
  const of = (...names: readonly string[]): { holders: string[]; waiters: string[] } => {
    const line = inOrder(names.flatMap((name) => inLine(child(name)) ?? []))
    const short = (path: ZnodePath): string => path.slice('/p/'.length)
    const { holders, waiters } = standings(line)
    return {
      holders: holders.map(({ path }) => short(path)),
      waiters: waiters.map(({ path, behind }) => `${short(path)} behind ${behind.map(short).join(' ')}`),
    }
  }

  test('the lowest number holds, each of the others waits for the one before it', () => {
    expect(of('lock-0000000012', 'lock-0000000010', 'lock-0000000011')).toEqual({
      holders: ['lock-0000000010'],
      waiters: ['lock-0000000011 behind lock-0000000010', 'lock-0000000012 behind lock-0000000011'],
    })
  })

  test('numbers go on below zero where the counter has wrapped', () => {
    expect(of('lock--2147483648', 'lock-2147483647').holders).toEqual(['lock-2147483647'])
  })

  test('readers hold together, a writer waits for all of them, and a reader behind it for the writer', () => {
    const names = ['__READ__0000000001', '__READ__0000000002', '__WRIT__0000000003', '__READ__0000000004']
    expect(of(...names)).toEqual({
      holders: ['__READ__0000000001', '__READ__0000000002'],
      waiters: [
        '__WRIT__0000000003 behind __READ__0000000001 __READ__0000000002',
        '__READ__0000000004 behind __WRIT__0000000003',
      ],
    })
  })

  test('a writer that goes on as a reader holds both', () => {
    expect(of('__WRIT__0000000003', '__READ__0000000003', '__READ__0000000004')).toEqual({
      holders: ['__WRIT__0000000003', '__READ__0000000003'],
      waiters: ['__READ__0000000004 behind __WRIT__0000000003'],
    })
  })
})
