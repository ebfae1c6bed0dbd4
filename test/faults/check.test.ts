/** The judge is judged: for each thing that must hold, a history where it does and one where it does not. */
import type { WatchChange, ZnodeStat } from '@lightkeeper/client'
import { describe, expect, test } from 'vitest'
import {
  checkEphemerals,
  checkNamedCreates,
  checkSessions,
  checkSettled,
  checkWrites,
  ForwardReads,
  type NamedCreate,
  type Step,
  StreamModel,
  type Tree,
  type Write,
  type WriteOutcome,
} from './check.ts'

const create = (data: string, path = '/a'): Step => ({ kind: 'create', path, data })
const set = (data: string, version?: number, path = '/a'): Step =>
  version === undefined ? { kind: 'set', path, data } : { kind: 'set', path, data, version }
const remove = (path = '/a'): Step => ({ kind: 'delete', path })
const write = (outcome: WriteOutcome, steps: Step | Step[], code?: string): Write => ({
  steps: [steps].flat(),
  outcome,
  code,
})
/** `path=data@version`, all of one owner. */
const tree = (...znodes: string[]): Tree =>
  new Map(
    znodes.map((each) => {
      const [, path = '', data = '', version = '0', owner = '0'] = /^(.*?)=(.*?)@(\d+)(?: (\d+))?$/.exec(each) ?? []
      return [path, { data, version: Number(version), mzxid: BigInt(version) + 1n, owner: BigInt(owner) }]
    }),
  )
const nobody = (): boolean => false

describe('writes of one writer', () => {
  test('that were acknowledged are there, or were overwritten by a later one', () => {
    const row = [write('ok', create('0')), write('ok', set('1')), write('ok', set('2'))]
    expect(checkWrites(row, tree('/a=2@2'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@1'))).toHaveLength(1)
    expect(checkWrites(row, tree())).toHaveLength(1)
  })

  test('with outcome unknown happened once or never', () => {
    const row = [write('ok', create('0')), write('unknown', set('1'))]
    expect(checkWrites(row, tree('/a=0@0'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@1'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@2'))).toHaveLength(1)
  })

  test.each(['not-sent', 'rejected'] as const)('with outcome %s did not happen', (outcome) => {
    const row = [
      write('ok', create('0')),
      write(outcome, set('1'), outcome === 'rejected' ? 'SESSION_MOVED' : undefined),
    ]
    expect(checkWrites(row, tree('/a=0@0'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@1'))).toHaveLength(1)
  })

  test('are refused only for a reason that was there', () => {
    const refused = write('rejected', create('1'), 'NODE_EXISTS')
    expect(checkWrites([write('unknown', create('0')), refused], tree('/a=0@0'))).toEqual([])
    expect(checkWrites([write('not-sent', create('0')), refused], tree())).toHaveLength(1)
    const stale = write('rejected', set('1', 5), 'BAD_VERSION')
    expect(checkWrites([write('ok', create('0')), stale], tree('/a=0@0'))).toEqual([])
    expect(checkWrites([write('ok', create('0')), write('rejected', set('1', 0), 'BAD_VERSION')], tree())).toHaveLength(
      1,
    )
    expect(checkWrites([write('ok', create('0')), write('rejected', remove(), 'NO_NODE')], tree())).toHaveLength(1)
  })

  test('report the version they made', () => {
    const told = (version: number): Write[] => [
      write('ok', create('0')),
      write('unknown', set('1')),
      { ...write('ok', set('2')), versions: [version] },
    ]
    expect(checkWrites(told(1), tree('/a=2@1'))).toEqual([])
    expect(checkWrites(told(2), tree('/a=2@2'))).toEqual([])
    expect(checkWrites(told(2), tree('/a=2@1'))).toHaveLength(1)
    expect(checkWrites(told(3), tree('/a=2@3'))).toHaveLength(1)
  })

  test('of a transaction happen wholly or not at all', () => {
    const row = [
      write('ok', [create('0'), create('0', '/b')]),
      write('unknown', [set('1'), set('1', undefined, '/b')]),
      write('rejected', [set('2'), create('2')], 'NODE_EXISTS'),
    ]
    expect(checkWrites(row, tree('/a=0@0', '/b=0@0'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@1', '/b=1@1'))).toEqual([])
    expect(checkWrites(row, tree('/a=1@1', '/b=0@0'))).toHaveLength(1)
    expect(checkWrites(row, tree('/a=2@2', '/b=1@1'))).toHaveLength(1)
  })

  test('all settle', () => {
    expect(checkSettled([write('ok', create('0')), write('unknown', set('1'))])).toEqual([])
    expect(checkSettled([write('pending', create('0'))])).toHaveLength(1)
  })
})

describe('creates whose name the server completes', () => {
  const named = (outcome: WriteOutcome, path?: string, owner = 0n): NamedCreate[] => [
    { data: 'x', outcome, owner, ...(path === undefined ? {} : { path }) },
  ]
  const check = (creates: NamedCreate[], found: Tree, lives = nobody): string[] =>
    checkNamedCreates(creates, '/f', found, lives)

  test('are there under the reported name, once', () => {
    expect(check(named('ok', '/f/1'), tree('/f/1=x@0'))).toEqual([])
    expect(check(named('ok', '/f/1'), tree())).toHaveLength(1)
    expect(check(named('ok', '/f/1'), tree('/f/2=x@0'))).toHaveLength(1)
    expect(check(named('ok', '/f/1'), tree('/f/1=x@0', '/f/2=x@0'))).toHaveLength(1)
    expect(
      check([...named('ok', '/f/1'), { data: 'y', outcome: 'ok', path: '/f/1', owner: 0n }], tree('/f/1=x@0')),
    ).not.toEqual([])
  })

  test('with outcome unknown are there once or never, others never', () => {
    expect(check(named('unknown'), tree())).toEqual([])
    expect(check(named('unknown'), tree('/f/1=x@0'))).toEqual([])
    expect(check(named('unknown'), tree('/f/1=x@0', '/f/2=x@0'))).toHaveLength(1)
    expect(check(named('not-sent'), tree('/f/1=x@0'))).toHaveLength(1)
    expect(check(named('rejected'), tree('/f/1=x@0'))).toHaveLength(1)
    expect(check([], tree('/f/1=x@0'))).toHaveLength(1)
  })

  test('go with their session, and only with it', () => {
    expect(check(named('ok', '/f/1', 7n), tree())).toEqual([])
    expect(check(named('ok', '/f/1', 7n), tree('/f/1=x@0 7'))).toHaveLength(1)
    expect(check(named('ok', '/f/1', 7n), tree(), () => true)).toHaveLength(1)
  })
})

describe('a watch stream', () => {
  const stat = (mzxid: bigint, version: number): ZnodeStat => ({ mzxid, version }) as ZnodeStat
  const at = (value: string, mzxid: bigint, version: number) => ({ value, stat: stat(mzxid, version) })
  const created = (value: string, mzxid: bigint): WatchChange<string> => ({
    kind: 'created',
    path: '/a',
    via: 'event',
    missed: 0,
    zxid: mzxid,
    ...at(value, mzxid, 0),
  })
  const changed = (value: string, mzxid: bigint, version: number, previous: ReturnType<typeof at>, missed = 0) =>
    ({
      kind: 'changed',
      path: '/a',
      via: 'event',
      missed,
      zxid: mzxid,
      previous,
      ...at(value, mzxid, version),
    }) as const
  const deleted = (previous: ReturnType<typeof at>) =>
    ({ kind: 'deleted', path: '/a', via: 'event', missed: 0, zxid: undefined, previous }) as const
  const problems = (...changes: WatchChange<string>[]): string[] => {
    const model = new StreamModel('stream')
    for (const change of changes) model.take(change)
    return model.problems
  }

  test('yields a chain', () => {
    const first = at('0', 1n, 0)
    expect(problems(created('0', 1n), changed('1', 2n, 1, first), deleted(at('1', 2n, 1)), created('2', 4n))).toEqual(
      [],
    )
    expect(problems(created('0', 1n), changed('2', 3n, 2, at('1', 2n, 1), 1))).toHaveLength(1)
    expect(problems(created('0', 1n), created('0', 2n))).toHaveLength(1)
    expect(problems(created('0', 1n), deleted(at('1', 2n, 1)))).toHaveLength(1)
    expect(problems(deleted(first))).not.toEqual([])
  })

  test('yields no change twice, and counts what it missed', () => {
    const first = at('0', 1n, 0)
    expect(problems(created('0', 1n), changed('0', 1n, 1, first))).toHaveLength(1)
    expect(problems(created('0', 1n), deleted(first), created('0', 1n))).toHaveLength(1)
    expect(problems(created('0', 1n), changed('3', 4n, 3, first, 2))).toEqual([])
    expect(problems(created('0', 1n), changed('3', 4n, 3, first, 1))).toHaveLength(1)
  })

  test('ends at the true state', () => {
    const model = new StreamModel('stream')
    model.take(created('0', 1n))
    const everything = (): boolean => true
    expect(model.differences(tree('/a=0@0'), everything)).toEqual([])
    expect(model.differences(tree('/a=1@1'), everything)).toHaveLength(1)
    expect(model.differences(tree(), everything)).toHaveLength(1)
    expect(model.differences(tree('/a=0@0', '/b=0@0'), everything)).toHaveLength(1)
    expect(model.differences(tree('/a=0@0', '/b=0@0'), (path) => path === '/a')).toEqual([])
  })
})

test('reads never go back', () => {
  const reads = new ForwardReads()
  for (const zxid of [1n, 1n, 5n]) reads.note('/a', zxid)
  reads.note('/b', 2n)
  expect(reads.problems).toEqual([])
  reads.note('/a', 4n)
  expect(reads.problems).toHaveLength(1)
})

test('ephemerals live and die with their session', () => {
  const owned = [{ path: '/a', owner: 7n }]
  expect(checkEphemerals(owned, tree('/a=x@0 7'), () => true)).toEqual([])
  expect(checkEphemerals(owned, tree('/a=x@0 8'), () => true)).toHaveLength(1)
  expect(checkEphemerals(owned, tree(), () => true)).toHaveLength(1)
  expect(checkEphemerals(owned, tree(), nobody)).toEqual([])
  expect(checkEphemerals(owned, tree('/a=x@0 7'), nobody)).toHaveLength(1)
})

test('sessions stay what they were', () => {
  expect(checkSessions([{ name: 'w0', before: 7n, after: 7n, reasons: [] }])).toEqual([])
  expect(checkSessions([{ name: 'w0', before: 7n, after: 8n, reasons: ['why'] }])).toEqual([
    'w0 lost its session 7 for 8: why',
  ])
})
