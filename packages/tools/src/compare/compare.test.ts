import type { Acl } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { compareTrees, type WholeTree, type WholeZnode, type ZnodeType } from './compare.ts'

const anyone: Acl = { perms: 31, id: { scheme: 'world', id: 'anyone' } }
const local: Acl = { perms: 1, id: { scheme: 'ip', id: '10.0.0.1' } }
const znode = (data: string, type: ZnodeType = 'persistent', acl: readonly Acl[] = [anyone]): WholeZnode => ({
  data: new TextEncoder().encode(data),
  type,
  acl,
})
const tree = (nodes: Readonly<Record<string, WholeZnode>>): WholeTree => new Map(Object.entries(nodes))

test('equal trees have no differences, whatever the order of their ACL entries', () => {
  const a = tree({ '': znode('x'), '/a': znode('', 'ephemeral', [anyone, local]) })
  const b = tree({ '/a': znode('', 'ephemeral', [local, anyone]), '': znode('x') })
  expect(compareTrees(a, b)).toEqual([])
})

test('znodes that only one has, by path, parents first', () => {
  const a = tree({ '': znode(''), '/a-b': znode('1'), '/a': znode('2'), '/a/c': znode('3') })
  const b = tree({ '': znode(''), '/z': znode('4') })
  expect(compareTrees(a, b).map(({ path, kind }) => `${path} ${kind}`)).toEqual([
    '/a only in a',
    '/a/c only in a',
    '/a-b only in a',
    '/z only in b',
  ])
})

test('data, type and ACL differ each alone and together', () => {
  const a = tree({
    '/1': znode('x'),
    '/2': znode('', { ttl: 5 }),
    '/3': znode('', 'persistent', [anyone]),
    '/4': znode('{"a":1}'),
  })
  const b = tree({
    '/1': znode('y'),
    '/2': znode('', { ttl: 6 }),
    '/3': znode('', 'persistent', [local]),
    '/4': znode('{"a":2}', 'container'),
  })
  expect(compareTrees(a, b)).toEqual([
    {
      path: '/1',
      kind: 'both',
      data: {
        kind: 'text',
        lines: [
          { sign: '-', line: 1, text: 'x' },
          { sign: '+', line: 1, text: 'y' },
        ],
      },
      type: undefined,
      acl: undefined,
    },
    { path: '/2', kind: 'both', data: undefined, type: [{ ttl: 5 }, { ttl: 6 }], acl: undefined },
    { path: '/3', kind: 'both', data: undefined, type: undefined, acl: [[anyone], [local]] },
    {
      path: '/4',
      kind: 'both',
      data: { kind: 'json', members: [{ pointer: '/a', before: 1, after: 2 }] },
      type: ['persistent', 'container'],
      acl: undefined,
    },
  ])
})
