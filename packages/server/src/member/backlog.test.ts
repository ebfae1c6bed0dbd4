/** The tree between two terms gets what is committed and no more, also where it has some of it already. */
import { opCode } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import type { LoggedTxn } from '../storage/txn-codec.ts'
import { DataTree } from '../tree/data-tree.ts'
import { replay } from '../tree/replay.ts'
import { Backlog } from './backlog.ts'

let clock: HandClock
let tree: DataTree
let applied: bigint[]
let differs: bigint[]
let backlog: Backlog

const create = (zxid: bigint, digest?: bigint): LoggedTxn => ({
  header: { clientId: 0n, cxid: 0, zxid, time: 0n, type: opCode.create },
  txn: {
    type: opCode.create,
    path: `/n${zxid}`,
    data: null,
    acl: null,
    ephemeral: false,
    parentCVersion: Number(zxid),
  },
  digest,
})
/** The digest of a tree that has these transactions. */
const digestOf = (...zxids: readonly bigint[]): bigint => {
  const other = new DataTree()
  for (const zxid of zxids) replay(other, create(zxid).header, create(zxid).txn)
  return other.digest.value
}
const paths = (): string[] => [...(tree.get('/')?.children?.keys() ?? [])].filter((name) => name !== 'zookeeper').sort()

beforeEach(() => {
  clock = new HandClock()
  tree = new DataTree()
  applied = []
  differs = []
  backlog = new Backlog(tree, 0n, clock, {
    applied: (zxid) => void applied.push(zxid),
    differs: (zxid) => void differs.push(zxid),
    broken: (error) => {
      throw error
    },
  })
})

test('what is not committed stays outside', () => {
  for (const zxid of [1n, 2n, 3n]) backlog.add(create(zxid))
  backlog.commit(2n)
  clock.endTurn()
  expect(paths()).toEqual(['n1', 'n2'])
  expect([applied.at(-1), backlog.zxid]).toEqual([2n, 2n])
})

test('a commit of what is in the tree already is reported too: the machines wait for it', () => {
  backlog.replace(tree, 5n, [])
  backlog.commit(4n)
  clock.endTurn()
  expect(applied).toEqual([5n])
})

test('a transaction whose effects an image has already changes nothing, and the digest is that of the leader', () => {
  for (const zxid of [1n, 2n]) replay(tree, create(zxid).header, create(zxid).txn)
  backlog.replace(tree, 0n, [create(1n), create(2n, digestOf(1n, 2n))])
  backlog.commit(2n)
  clock.endTurn()
  expect(paths()).toEqual(['n1', 'n2'])
  expect(differs).toEqual([])
})

test('a digest that differs from that of the leader is reported', () => {
  backlog.add(create(1n, 1234n))
  backlog.commit(1n)
  clock.endTurn()
  expect(differs).toEqual([1n])
})

test('a term takes what is not in the tree, and gives back what it did not apply', () => {
  for (const zxid of [1n, 2n, 3n, 4n]) backlog.add(create(zxid))
  backlog.commit(1n)
  clock.endTurn()
  const rest = backlog.lend()
  expect(rest.map(({ header }) => header.zxid)).toEqual([2n, 3n, 4n])
  backlog.takeBack(1n, rest, 1n)
  clock.endTurn()
  expect(paths()).toEqual(['n1'])
})

test('what was committed in a term and not applied in it is applied after it: nobody commits it again', () => {
  for (const zxid of [1n, 2n, 3n]) backlog.add(create(zxid))
  backlog.takeBack(0n, backlog.lend(), 2n)
  clock.endTurn()
  expect(paths()).toEqual(['n1', 'n2'])
  expect(applied).toEqual([2n])
})

test('another history drops what waited', () => {
  backlog.add(create(1n))
  tree = new DataTree()
  backlog.replace(tree, 7n, [create(8n)])
  backlog.commit(8n)
  clock.endTurn()
  expect(paths()).toEqual(['n8'])
})

test('many transactions take several turns', () => {
  for (let zxid = 1n; zxid <= 1000n; zxid++) backlog.add(create(zxid))
  const { now } = clock
  clock.now = () => (clock.time += 1)
  backlog.commit(1000n)
  clock.oneTurn()
  expect(backlog.zxid).toBeLessThan(1000n)
  clock.endTurn()
  clock.now = now
  expect(backlog.zxid).toBe(1000n)
})
