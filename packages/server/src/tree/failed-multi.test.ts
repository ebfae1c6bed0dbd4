/** A multi of which one operation failed changes nothing, in whatever form it comes. */
import { opCode } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { DataTree } from './data-tree.ts'
import { withoutFailedOperations } from './failed-multi.ts'
import { applyWithDigest } from './replay.ts'
import type { NodeTxn, Txn } from './txn.ts'

const create: NodeTxn = { type: opCode.create, path: '/t', data: null, acl: null, ephemeral: false, parentCVersion: 1 }
const check: NodeTxn = { type: opCode.check, path: '/t', version: 99 }
const error = (err: number): NodeTxn => ({ type: opCode.error, err })
const multi = (...txns: readonly NodeTxn[]): Txn => ({ type: opCode.multi, txns })

test('as a leader of Apache sends it', () => {
  // create, check of a wrong version, delete.
  const failed = withoutFailedOperations(multi(create, error(-103), error(-2)))
  expect(failed).toEqual(multi(error(0), error(-103), error(-2)))
  const tree = new DataTree()
  const before = tree.digest.value
  const header = { clientId: 1n, cxid: 1, zxid: 1n, time: 0n, type: opCode.multi }
  expect(applyWithDigest(tree, header, failed)).toEqual([error(0), error(-103), error(-2)])
  expect(tree.get('/t')).toBeUndefined()
  expect(tree.digest.value).toBe(before)
})

test('what stands behind the failed operation was never tried', () => {
  expect(withoutFailedOperations(multi(error(-110), create))).toEqual(multi(error(-110), error(-2)))
})

test('one that succeeded, and every other transaction, stays as it is', () => {
  for (const txn of [multi(create, check), multi(error(0), error(-110)), create]) {
    expect(withoutFailedOperations(txn)).toBe(txn)
  }
})
