import { describe, expect, test } from 'vitest'
import { type MemberTree, type Numbers, unequalZnodes } from './unequal.ts'

describe('two members', () => {
  const numbers = (czxid: bigint, mzxid = czxid, version = 0, dataLength = 3): Numbers => ({
    czxid,
    mzxid,
    version,
    dataLength,
  })
  const tree = (atLeast: bigint, nodes: Readonly<Record<string, Numbers>>): MemberTree => ({
    atLeast,
    nodes: new Map(Object.entries(nodes)),
  })

  test.each<[string, MemberTree, MemberTree, string[]]>([
    ['equal', tree(9n, { '/a': numbers(1n) }), tree(9n, { '/a': numbers(1n) }), []],
    ['one was written between the reads', tree(5n, { '/a': numbers(1n) }), tree(9n, { '/a': numbers(1n, 8n, 1) }), []],
    ['one misses an old write', tree(9n, { '/a': numbers(1n) }), tree(9n, { '/a': numbers(1n, 8n, 1) }), ['/a']],
    [
      'the same write has another effect',
      tree(2n, { '/a': numbers(1n, 1n, 0, 4) }),
      tree(9n, { '/a': numbers(1n) }),
      ['/a'],
    ],
    ['one has a new znode', tree(5n, {}), tree(9n, { '/a': numbers(7n) }), []],
    ['one lacks an old znode', tree(9n, { '/a': numbers(7n) }), tree(9n, {}), ['/a']],
    ['one was made again', tree(5n, { '/a': numbers(1n) }), tree(9n, { '/a': numbers(8n) }), []],
    ['one was made again long ago', tree(9n, { '/a': numbers(1n) }), tree(9n, { '/a': numbers(8n) }), ['/a']],
  ])('%s', (_name, a, b, paths) => {
    expect([...unequalZnodes(a, b)].map(({ path }) => path)).toEqual(paths)
    expect([...unequalZnodes(b, a)].map(({ path }) => path)).toEqual(paths)
  })
})
