/** What the identities of a client add to a transaction is bounded: every member must be able to take it from its leader. */
import {
  type Acl,
  creatorAcl,
  type Id,
  keeperCodes,
  opCode,
  Reader,
  Writer,
  writeMultiRequest,
} from '@lightkeeper/protocol'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, expect, test } from 'vitest'
import { Access } from '../auth/access.ts'
import { authProviders } from '../auth/providers.ts'
import { resolveConfig } from '../config/config.ts'
import { writeTxn } from '../storage/txn-codec.ts'
import { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'
import { HeapGuard } from './heap-guard.ts'
import { PendingChanges } from './pending-changes.ts'
import { type PrepareContext, Preparer } from './prepare.ts'

const config = resolveConfig({}, 0)
const invalidAcl = keeperCodes.INVALID_ACL.number
const identities: readonly Id[] = Array.from({ length: config.maxIdentities }, (_, i) => ({
  scheme: 'digest',
  id: `${'u'.repeat(4000)}${i}:x`,
}))

let preparer: Preparer
let zxid: bigint

const contextOf = (ids: readonly Id[]): PrepareContext => ({ session: 7n, identities: ids, zxid: ++zxid, time: 0n })
const bytesOf = (txn: Txn): number => {
  const writer = new Writer(1024)
  writeTxn(writer, { clientId: 7n, cxid: 1, zxid, time: 0n, type: txn.type }, txn, 0n)
  return writer.length
}
/** A create for each path. */
const multi = (ids: readonly Id[], paths: readonly string[]): Txn | number => {
  const writer = new Writer(1024)
  const operations = paths.map((path) => ({ type: opCode.create, path, data: null, acl: creatorAcl, flags: 0 }))
  writeMultiRequest(writer, operations)
  const heap = new HeapGuard(nodeRuntime({ log: silentLog }))
  return preparer.multi(contextOf(ids), new Reader(writer.written()), config.maxMultiOperations, heap)
}
const pathsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `/n${i}`)
const create = (acl: readonly Acl[], ids: readonly Id[]): Txn | number =>
  preparer.create(contextOf(ids), opCode.create, { path: `/c${zxid}`, data: null, acl, flags: 0 }, undefined)

beforeEach(() => {
  const tree = new DataTree()
  preparer = new Preparer(tree, new PendingChanges(tree, false), new Access(authProviders(config), false), config)
  zxid = 0n
})

test('a multi that grows far beyond its request is refused, and nothing of it is done', () => {
  const refused = multi(identities, pathsOf(config.maxMultiOperations))
  expect(refused).toMatchObject({ type: opCode.multi })
  const errors = (refused as Txn & { type: typeof opCode.multi }).txns.map((part) =>
    part.type === opCode.error ? part.err : undefined,
  )
  expect(new Set(errors)).toEqual(new Set([0, invalidAcl, keeperCodes.RUNTIME_INCONSISTENCY.number]))
  expect(bytesOf(refused as Txn)).toBeLessThan(config.juteMaxbuffer)
  expect(create(creatorAcl, identities)).toMatchObject({ type: opCode.create })
})

test('a list that grows far beyond its request is refused', () => {
  const many: Acl[] = Array.from({ length: 60_000 }, (_, perms) => ({ perms, id: { scheme: 'auth', id: '' } }))
  expect(create(many, identities)).toBe(invalidAcl)
  expect(preparer.setAcl(contextOf(identities), { path: '/', acl: many, version: -1 })).toBe(invalidAcl)
})

test('a list whose ids are no UTF-8 is refused where it grows far beyond its request', () => {
  // As a reader gives bytes that are no UTF-8: one of them becomes three.
  const broken = (count: number): Acl[] => [{ perms: 31, id: { scheme: 'digest', id: `${'\ufffd'.repeat(count)}:x` } }]
  expect(create(broken(1_000_000), identities)).toBe(invalidAcl)
  expect(preparer.setAcl(contextOf(identities), { path: '/', acl: broken(1_000_000), version: -1 })).toBe(invalidAcl)
  expect(create(broken(3), identities)).toMatchObject({ type: opCode.create, acl: broken(3) })
})

test('as many operations as a multi may have have room for the identities of a client', () => {
  const some = identities.slice(0, 4).map((_, i) => ({ scheme: 'digest', id: `user${i}:${'h'.repeat(28)}` }))
  const made = multi(some, pathsOf(config.maxMultiOperations))
  expect(made).toMatchObject({
    type: opCode.multi,
    txns: expect.arrayContaining([expect.objectContaining({ type: opCode.create })]),
  })
  expect(bytesOf(made as Txn)).toBeLessThan(config.juteMaxbuffer + (1 << 20))
})

test('an identity stands once for each set of permissions, however often a list names it', () => {
  const twice: Acl[] = Array.from({ length: 60_000 }, (_, i) => ({ perms: i % 31, id: { scheme: 'auth', id: '' } }))
  const [own] = identities
  const made = create(twice, own === undefined ? [] : [own]) as Txn & { type: typeof opCode.create }
  expect(made.acl).toEqual(Array.from({ length: 31 }, (_, perms) => ({ perms, id: own })))
})
