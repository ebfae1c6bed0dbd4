import { type Acl, ZnodeStat } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import type { WholeZnode, ZnodeType } from '../compare/compare.ts'
import type { ReadZnode } from '../compare/read-whole.ts'
import { type PlanOptions, planImport } from './plan.ts'

const open: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const closed: readonly Acl[] = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const znode = (data: string, type: ZnodeType = 'persistent', acl = open): WholeZnode => ({
  data: bytes(data),
  type,
  acl,
})
/** One that is there: its version is 3, its aversion 2. */
const there = (data: string, type: 'persistent' | 'ephemeral' = 'persistent', acl = open): ReadZnode => ({
  ...znode(data, type, acl),
  stat: new ZnodeStat({
    czxid: 1n,
    mzxid: 1n,
    pzxid: 1n,
    ctime: 0,
    mtime: 0,
    version: 3,
    cversion: 0,
    aversion: 2,
    ephemeralOwner: 0n,
    dataLength: 0,
    numChildren: 0,
  }),
})

function plan(
  file: Readonly<Record<string, WholeZnode>>,
  known: Readonly<Record<string, ReadZnode>>,
  options: PlanOptions = {},
): { steps: string[]; notes: readonly string[] } {
  const { steps, notes } = planImport(new Map(Object.entries(file)), new Map(Object.entries(known)), options)
  const text = steps.map((step) => {
    const { kind, path } = step
    if (step.kind === 'create')
      return `create ${path} ${typeof step.mode === 'object' ? `ttl ${step.mode.ttl}` : step.mode}`
    return `${kind} ${path} ${step.kind === 'set acl' ? step.aversion : step.version}`
  })
  return { steps: text, notes }
}

test('what is equal is not written', () => {
  expect(plan({ '': znode('a'), '/b': znode('b') }, { '': there('a'), '/b': there('b') })).toEqual({
    steps: [],
    notes: [],
  })
})

test('missing znodes are made, parents first, of their type; others get data and ACL by version', () => {
  const file = {
    '': znode('a'),
    '/c/d': znode('', { ttl: 5 }),
    '/c': znode('', 'container'),
    '/e': znode('new', 'persistent', closed),
  }
  expect(plan(file, { '': there('old'), '/e': there('old') }).steps).toEqual([
    'set  3',
    'create /c container',
    'create /c/d ttl 5',
    'set /e 3',
    'set acl /e 2',
  ])
})

test('what is not in the file stays, or is deleted, children first', () => {
  const known = { '': there(''), '/x': there(''), '/x/y': there(''), '/x-z': there('') }
  expect(plan({ '': znode('') }, known)).toEqual({ steps: [], notes: ['3 znodes that are not in the file stay'] })
  expect(plan({ '': znode('') }, known, { delete: true })).toEqual({
    steps: ['delete /x-z 3', 'delete /x/y 3', 'delete /x 3'],
    notes: [],
  })
})

test('ephemerals that are there stay, with all above them', () => {
  const known = { '': there(''), '/x': there(''), '/x/e': there('', 'ephemeral'), '/x/p': there('') }
  expect(plan({ '': znode('') }, known, { delete: true })).toEqual({
    steps: ['delete /x/p 3'],
    notes: ['2 znodes that are not in the file stay: they are ephemerals, or have some below them'],
  })
})

test("the file's ephemerals are left out, or become persistent", () => {
  const file = { '': znode(''), '/e': znode('x', 'ephemeral') }
  expect(plan(file, { '': there('') })).toEqual({
    steps: [],
    notes: ['1 ephemerals of the file are left out: they would end with this session'],
  })
  expect(plan(file, { '': there('') }, { ephemerals: 'persistent' }).steps).toEqual(['create /e persistent'])
})

test('an ephemeral where the file has another type is left as it is; a container looks persistent to a client', () => {
  const file = { '': znode('', 'container'), '/e': znode('x') }
  expect(plan(file, { '': there(''), '/e': there('y', 'ephemeral') })).toEqual({
    steps: [],
    notes: ['/e is left as it is: it is ephemeral here and persistent in the file'],
  })
})
