/** What is applied, and when: only transactions that are durable and committed, and never more than the share of a turn. */
import { opCode, openAcl } from '@lightkeeper/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { DataTree } from '../tree/data-tree.ts'
import { Turn } from '../turn.ts'
import { Applier } from './applier.ts'
import type { Entry } from './history.ts'

function create(zxid: bigint): Entry {
  const type = opCode.create
  return {
    header: { clientId: 1n, cxid: 0, zxid, time: 0n, type },
    txn: { type, path: `/${zxid}`, data: null, acl: openAcl, ephemeral: false, parentCVersion: Number(zxid) },
    digest: undefined,
    ticket: undefined,
    work: 0,
  }
}

let clock: HandClock
let history: { durableZxid: bigint }
let applied: bigint[]
let broken: Error[]
let isBehind: boolean
let workOf: (zxid: bigint) => number
let turn: Turn
let applier: Applier

beforeEach(() => {
  clock = new HandClock()
  turn = new Turn(clock)
  history = { durableZxid: 0n }
  applied = []
  broken = []
  isBehind = false
  workOf = Number
  const tree = new DataTree()
  applier = new Applier(tree, 0n, history, turn, {
    workOf: ({ header }) => workOf(header.zxid),
    execute: ({ header, txn }) => tree.apply(header, txn),
    isBehind: () => isBehind,
    before() {},
    applied: ({ header }) => void applied.push(header.zxid),
    settled() {},
    broken: (error) => void broken.push(error),
  })
  for (let zxid = 1n; zxid <= 5n; zxid++) applier.add(create(zxid))
})

test('a turn that other parts used up applies a few, and the next turn the rest', () => {
  history.durableZxid = 5n
  applier.commit(5n)
  turn.use(50)
  const { now } = clock
  clock.now = () => (clock.time += 1)
  applier.run()
  clock.now = now
  expect(applied.length).toBeGreaterThan(0)
  expect(applied.length).toBeLessThan(5)
  clock.endTurn()
  expect(applied).toEqual([1n, 2n, 3n, 4n, 5n])
})

describe('a transaction is applied', () => {
  test('not before it is durable, although it is committed', () => {
    applier.commit(5n)
    applier.run()
    expect(applied).toEqual([])
    history.durableZxid = 2n
    applier.run()
    expect(applied).toEqual([1n, 2n])
  })

  test('not before it is committed, although it is durable', () => {
    history.durableZxid = 5n
    applier.run()
    expect(applied).toEqual([])
    applier.commit(3n)
    applier.run()
    expect([applied, applier.lastZxid, applier.outstanding]).toEqual([[1n, 2n, 3n], 3n, 2])
  })

  test('even where an older commit is reported later', () => {
    history.durableZxid = 5n
    applier.commit(4n)
    applier.commit(2n)
    applier.run()
    expect(applied).toEqual([1n, 2n, 3n, 4n])
  })
})

describe('a turn', () => {
  /** Applying takes longer than a turn's share. */
  const slowly = (): void => {
    const { tree } = applier
    const { apply } = tree
    tree.apply = (...args) => {
      clock.time += 20
      return apply.apply(tree, args)
    }
    history.durableZxid = 5n
    applier.commit(5n)
  }

  test('that is over leaves the rest to the next', () => {
    slowly()
    applier.run()
    expect(applied).toEqual([1n, 2n, 3n])
    clock.oneTurn()
    expect(applied).toEqual([1n, 2n, 3n, 4n, 5n])
  })

  test('ends behind a single transaction that is much work', () => {
    workOf = () => 500
    applier.drop()
    for (let zxid = 1n; zxid <= 5n; zxid++) applier.add(create(zxid))
    slowly()
    applier.run()
    expect(applied).toEqual([1n])
    clock.oneTurn()
    expect(applied).toEqual([1n, 2n])
  })

  test('applies nothing while watch events wait to be sent, and goes on when they are', () => {
    history.durableZxid = 5n
    applier.commit(5n)
    isBehind = true
    applier.run()
    clock.oneTurn()
    expect([applied, applier.work]).toEqual([[], 15])
    isBehind = false
    clock.oneTurn()
    expect([applied, applier.work]).toEqual([[1n, 2n, 3n, 4n, 5n], 0])
  })

  test('does not count where everything must be applied now', () => {
    slowly()
    applier.runToEnd()
    expect(applied).toEqual([1n, 2n, 3n, 4n, 5n])
  })

  test('after the end of the term applies nothing', () => {
    slowly()
    applier.run()
    applier.stop()
    clock.endTurn()
    expect(applied).toEqual([1n, 2n, 3n])
  })
})

test('what is given up is never applied', () => {
  expect(applier.drop().map(({ header }) => header.zxid)).toEqual([1n, 2n, 3n, 4n, 5n])
  history.durableZxid = 5n
  applier.commit(5n)
  applier.run()
  expect([applied, applier.outstanding, applier.work]).toEqual([[], 0, 0])
})

test('a transaction that does not fit the tree is a broken invariant', () => {
  applier.add(create(5n))
  history.durableZxid = 5n
  applier.commit(5n)
  applier.run()
  expect(broken.map(({ message }) => message)).toEqual(['create /5: the path is free when a create is applied'])
})
