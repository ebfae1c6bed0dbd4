/** A multi that is rolled back must find each change as it was: the copies it keeps have every field. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { opCode, openAcl, type TxnHeader } from '@lightkeeper/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Access } from '../auth/access.ts'
import { DataTree } from '../tree/data-tree.ts'
import { computedDigestOf, crcOfPath } from '../tree/digest.ts'
import { applyWithDigest } from '../tree/replay.ts'
import type { Txn } from '../tree/txn.ts'
import { Znode, ZnodeStore } from '../tree/znode.ts'
import { Change, PendingChanges } from './pending-changes.ts'
import { Preparer } from './prepare.ts'

/** Belong to the list that a change stands in, not to the znode it describes. */
const ofTheList = new Set(['isTouched', 'multi'])
/** Fixed when the change is made. */
const fixed = new Set(['source'])
const accessors = ['ephemeralOwner', 'data']

const stored = (): Znode => {
  const node = new ZnodeStore().make([])
  node.data = new Uint8Array([1, 2, 3])
  node.version = 7
  return node
}

const fieldsOf = (change: Change): string[] => [
  ...Object.keys(change).filter((key) => !ofTheList.has(key) && !fixed.has(key)),
  ...accessors,
]

const valuesOf = (change: Change): Record<string, unknown> => {
  const fields = change as unknown as Record<string, unknown>
  return Object.fromEntries(fieldsOf(change).map((key) => [key, fields[key]]))
}

test.each([
  ['a znode that is stored', stored],
  ['a znode that is not stored yet', () => undefined],
])('a copy of a change of %s has every field', (_what, source) => {
  const count = fieldsOf(new Change(undefined)).length
  expect(count).toBeGreaterThan(14)
  // Any field may be filled in or left as it is, each with a value of its own.
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: count, maxLength: count }), (isFilled) => {
      const change = new Change(source())
      const fields = change as unknown as Record<string, unknown>
      for (const [i, key] of fieldsOf(change).entries()) if (isFilled[i]) fields[key] = { value: i }
      const before = valuesOf(change)
      const copy = change.copy()
      expect(valuesOf(copy)).toEqual(before)
      expect(copy.source).toBe(change.source)
      expect(copy.dataLength).toBe(change.dataLength)
      // They are two: what happens to the change afterwards does not reach its copy.
      for (const key of fieldsOf(change)) fields[key] = { value: 'later' }
      expect(valuesOf(copy)).toEqual(before)
    }),
  )
})

test('the ephemerals of a session are what a look at everything finds, whatever is pending or rolled back', () => {
  const sessions = [1n, 2n, -0x7000_0000_0000_0000n]
  const paths = ['/a', '/b', '/c', '/d']
  const step = fc.record({
    kind: fc.constantFrom('create', 'create', 'remove', 'set', 'begin', 'keep', 'rollBack'),
    path: fc.constantFrom(...paths),
    owner: fc.constantFrom(...sessions, 0n),
  })
  const stores = fc.array(fc.record({ path: fc.constantFrom(...paths), owner: fc.constantFrom(...sessions) }))
  fc.assert(
    fc.property(stores, fc.array(step, { maxLength: 40 }), (stored, steps) => {
      const tree = new DataTree()
      let zxid = 1n
      for (const { path, owner } of stored) {
        if (tree.nodes.has(path)) continue
        const header = { clientId: owner, cxid: 0, zxid: zxid++, time: 0n, type: 1 }
        tree.createNode(header, { path, data: null, acl: null, parentCVersion: 1 }, owner)
      }
      const pending = new PendingChanges(tree, false)
      let isMulti = false
      for (const { kind, path, owner } of steps) {
        const view = pending.view(path)
        zxid++
        if (kind === 'create' && view === undefined) pending.create(path, zxid, 0n, owner, [], null)
        else if (kind === 'remove' && view !== undefined) pending.remove(path, zxid)
        else if (kind === 'set' && view !== undefined) pending.change(path, zxid).version++
        else if (kind === 'begin' && !isMulti) {
          pending.begin()
          isMulti = true
        } else if (kind === 'keep' && isMulti) {
          pending.keep()
          isMulti = false
        } else if (kind === 'rollBack' && isMulti) {
          pending.rollBack()
          isMulti = false
        }
        for (const session of sessions) {
          const all = paths.filter((each) => pending.view(each)?.ephemeralOwner === session)
          expect([...pending.ephemeralsOf(session)].sort()).toEqual(all)
        }
      }
    }),
  )
})

test('the end of a session is the deletion of each of its ephemerals, pending or stored', () => {
  const [mine, other] = [7n, 8n]
  const paths = ['/a', '/b', '/p/a', '/p/b', '/q/a']
  const owners = fc.constantFrom(mine, other, 0n)
  const make = fc.record({ path: fc.constantFrom(...paths), owner: owners })
  const change = fc.record({
    kind: fc.constantFrom('create', 'remove', 'set'),
    path: fc.constantFrom(...paths),
    owner: owners,
  })
  fc.assert(
    fc.property(fc.array(make), fc.array(change), fc.array(change), (stored, before, after) => {
      const tree = new DataTree()
      let zxid = 1n
      const create = (path: string, owner: bigint): void => {
        if (tree.nodes.has(path)) return
        const header = { clientId: owner, cxid: 0, zxid: zxid++, time: 0n, type: 1 }
        tree.createNode(header, { path, data: new Uint8Array([1]), acl: null, parentCVersion: 1 }, owner)
      }
      for (const path of ['/p', '/q']) create(path, 0n)
      for (const { path, owner } of stored) create(path, owner)
      tree.digest.value = tree.computeDigest()
      const [ended, reference] = [new PendingChanges(tree, true), new PendingChanges(tree, true)]
      const both = [ended, reference]
      const step = ({ kind, path, owner }: { kind: string; path: string; owner: bigint }): void => {
        zxid++
        for (const pending of both) {
          const isThere = pending.view(path) !== undefined
          if (kind === 'create' && !isThere) pending.create(path, zxid, 0n, owner, [], null)
          else if (kind === 'remove' && isThere) pending.remove(path, zxid)
          else if (kind === 'set' && isThere) pending.change(path, zxid).version++
        }
        expect(ended.seal()).toBe(reference.seal())
      }
      for (const each of before) step(each)
      zxid++
      const gone = [...ended.endSession(mine, zxid)]
      expect(gone.sort()).toEqual(reference.ephemeralsOf(mine).sort())
      for (const path of gone) {
        const parent = reference.change(path.slice(0, path.lastIndexOf('/')) || '/', zxid)
        parent.numChildren--
        parent.pzxid = zxid
        reference.remove(path, zxid)
      }
      expect(ended.seal()).toBe(reference.seal())
      for (const each of after) step(each)
      for (const path of ['/', '/p', '/q', ...paths]) {
        const views = both.map((pending) => pending.view(path))
        const [own, wanted] = views.map((view) => view && [view.version, view.numChildren, view.ephemeralOwner])
        expect([path, own]).toEqual([path, wanted])
      }
    }),
  )
})

test('a second end of a session, asked for while the first is pending, deletes nothing again', () => {
  const tree = new DataTree()
  const header = { clientId: 7n, cxid: 0, zxid: 1n, time: 0n, type: 1 }
  tree.createNode(header, { path: '/a', data: null, acl: null, parentCVersion: 1 }, 7n)
  tree.digest.value = tree.computeDigest()
  const pending = new PendingChanges(tree, true)
  expect(pending.endSession(7n, 2n)).toEqual(['/a'])
  const digest = pending.seal()
  expect([pending.endSession(7n, 3n), pending.seal(), pending.view('/')?.numChildren]).toEqual([[], digest, 1])
})

test('the digest that is sealed is that of the tree, and each znode keeps its share of it, however much is settled at once', () => {
  const paths = ['/a', '/b', '/a/c', '/a/d']
  const operation = fc.record({
    kind: fc.constantFrom('create', 'delete', 'set', 'set', 'acl', 'end', 'apply', 'apply all'),
    path: fc.constantFrom(...paths),
    session: fc.constantFrom(0n, 7n),
    bytes: fc.uint8Array({ maxLength: 3 }),
  })
  const options = { extendedTypesEnabled: false, enforceQuota: false, maxSessionEphemerals: 0 }
  fc.assert(
    fc.property(fc.array(fc.array(operation, { maxLength: 3 })), (turns) => {
      const [tree, follower] = [new DataTree(), new DataTree()]
      const pending = new PendingChanges(tree, true)
      const preparer = new Preparer(tree, pending, new Access(new Map(), true), options)
      const ordered: { header: TxnHeader; txn: Txn; digest: bigint | undefined }[] = []
      let zxid = 0n
      const applySome = (count: number): void => {
        const some = ordered.splice(0, count)
        for (const { header, txn, digest } of some) {
          tree.apply(header, txn)
          expect(tree.computeDigest()).toBe(digest)
          applyWithDigest(follower, header, txn)
          expect(follower.digest.value).toBe(digest)
        }
        const last = some.at(-1)
        if (last !== undefined) pending.settle(last.header.zxid, ordered.length === 0)
        tree.nodes.forEach((node, path) => {
          if (node.share !== 0) expect([path, node.share]).toEqual([path, computedDigestOf(path, node)])
          if (node.pathCrc !== 0) expect([path, node.pathCrc]).toEqual([path, crcOfPath(path)])
        })
      }
      for (const turn of turns) {
        for (const { kind, path, session, bytes } of turn) {
          if (kind === 'apply' || kind === 'apply all') {
            applySome(kind === 'apply' ? 1 : Number.POSITIVE_INFINITY)
            continue
          }
          zxid++
          const context = { session, identities: [], zxid, time: zxid }
          const flags = session === 0n ? 0 : 1
          const prepared: Txn | number = {
            create: () =>
              preparer.create(context, opCode.create, { path, data: bytes, acl: openAcl, flags }, undefined),
            delete: () => preparer.delete(context, { path, version: -1 }),
            set: () => preparer.setData(context, { path, data: bytes, version: -1 }),
            acl: () => preparer.setAcl(context, { path, acl: openAcl, version: -1 }),
            end: () => preparer.closeSession(7n, zxid),
          }[kind]()
          const txn: Txn = typeof prepared === 'number' ? { type: opCode.error, err: prepared } : prepared
          const header = { clientId: kind === 'end' ? 7n : session, cxid: 0, zxid, time: zxid, type: txn.type }
          ordered.push({ header, txn, digest: pending.seal() })
        }
      }
      applySome(Number.POSITIVE_INFINITY)
    }),
  )
})

test('what is settled does not move to the old space, though the map of an earlier turn did', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  setFlagsFromString('--no-expose-gc')
  const old = (): number =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0

  const pending = new PendingChanges(new DataTree(), false)
  const turn = (zxid: bigint, isAll: boolean): void => {
    for (let i = 0; i < 100; i++) pending.create(`/${zxid}-${i}`, zxid, 0n, 0n, [], null)
    pending.settle(zxid, isAll)
  }
  // Something is always pending while this one gets old.
  turn(1n, false)
  for (let i = 0; i < 3; i++) collect({ type: 'minor' })
  const before = old()
  for (let zxid = 2n; zxid < 200n; zxid++) {
    turn(zxid, true)
    collect({ type: 'minor' })
  }
  // A turn's changes are about 20 kB, so 198 turns that stay are several MB.
  expect(old() - before).toBeLessThan(1 << 20)
})
