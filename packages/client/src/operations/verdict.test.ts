import { describe, expect, test } from 'vitest'
import { ZnodeStat } from '../stat.ts'
import {
  type Verdict,
  verdictOfAll,
  verdictOfCreate,
  verdictOfDelete,
  verdictOfSet,
  verdictOfSetAcl,
} from './verdict.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function stat(
  fields: Partial<Record<'czxid' | 'mzxid' | 'pzxid' | 'ephemeralOwner', bigint>> &
    Partial<Record<'version' | 'aversion', number>>,
): ZnodeStat {
  const zero = { czxid: 0n, mzxid: 0n, pzxid: 0n, ctime: 0n, mtime: 0n, version: 0, cversion: 0, aversion: 0 }
  return new ZnodeStat({ ...zero, ephemeralOwner: 0n, dataLength: 0, numChildren: 0, ...fields })
}

/** The client had seen zxid 100 when it sent the write. */
const seen = 100n

describe('a create', () => {
  const lost = { data: bytes('mine'), isEphemeral: false, sessionId: 7n, currentSessionId: 7n, seen }
  const ephemeral = { ...lost, isEphemeral: true }
  const quiet = stat({ pzxid: 100n })
  const busy = stat({ pzxid: 101n })
  test.each<[string, Verdict, Verdict]>([
    ['nothing there, no child came or went', verdictOfCreate(lost, undefined, quiet), 'notApplied'],
    ['nothing there, children came or went', verdictOfCreate(lost, undefined, busy), 'unknown'],
    ['nothing there, nor its parent', verdictOfCreate(lost, undefined, undefined), 'unknown'],
    ['there before', verdictOfCreate(lost, { data: bytes('mine'), stat: stat({ czxid: 100n }) }, busy), 'notApplied'],
    [
      'there since, with the data',
      verdictOfCreate(lost, { data: bytes('mine'), stat: stat({ czxid: 101n }) }, busy),
      'equal',
    ],
    [
      'there since, with other data',
      verdictOfCreate(lost, { data: bytes('other'), stat: stat({ czxid: 101n }) }, busy),
      'unknown',
    ],
    [
      'ephemeral of this session',
      verdictOfCreate(ephemeral, { data: bytes('x'), stat: stat({ czxid: 101n, ephemeralOwner: 7n }) }, busy),
      'applied',
    ],
    [
      'ephemeral of another session',
      verdictOfCreate(ephemeral, { data: bytes('mine'), stat: stat({ czxid: 101n, ephemeralOwner: 8n }) }, busy),
      'unknown',
    ],
    [
      'ephemeral of a session that is gone',
      verdictOfCreate({ ...ephemeral, currentSessionId: 9n }, undefined, quiet),
      'unknown',
    ],
  ])('%s', (_name, verdict, expected) => expect(verdict).toBe(expected))
})

describe('a set', () => {
  const lost = { data: bytes('mine'), version: 4, seen }
  const any = { ...lost, version: -1 }
  const found = (text: string, version: number, mzxid: bigint, czxid = 1n) => ({
    data: bytes(text),
    stat: stat({ czxid, mzxid, version }),
  })
  test.each<[string, Verdict, Verdict]>([
    ['the expected version still there', verdictOfSet(lost, found('old', 4, 90n)), 'notApplied'],
    ['the expected version, written by a client not seen yet', verdictOfSet(lost, found('old', 4, 120n)), 'notApplied'],
    ['the next version with the data', verdictOfSet(lost, found('mine', 5, 120n)), 'equal'],
    ['the next version with other data', verdictOfSet(lost, found('other', 5, 120n)), 'notApplied'],
    ['a later version', verdictOfSet(lost, found('mine', 6, 120n)), 'unknown'],
    ['a znode made since', verdictOfSet(lost, found('mine', 5, 120n, 110n)), 'unknown'],
    ['gone', verdictOfSet(lost, undefined), 'unknown'],
    ['any version: not written since', verdictOfSet(any, found('old', 9, 100n)), 'notApplied'],
    ['any version: written since, with the data', verdictOfSet(any, found('mine', 9, 101n)), 'equal'],
    ['any version: written since, with other data', verdictOfSet(any, found('other', 9, 101n)), 'unknown'],
    [
      'versions wrap around',
      verdictOfSet({ ...lost, version: 0x7fff_ffff }, found('mine', -0x8000_0000, 120n)),
      'equal',
    ],
  ])('%s', (_name, verdict, expected) => expect(verdict).toBe(expected))
})

describe('a delete', () => {
  test.each<[string, Verdict, Verdict]>([
    [
      'still there',
      verdictOfDelete({ seen }, { data: bytes(''), stat: stat({ czxid: 100n }) }, undefined),
      'notApplied',
    ],
    [
      'there, and made since',
      verdictOfDelete({ seen }, { data: bytes(''), stat: stat({ czxid: 101n }) }, undefined),
      'unknown',
    ],
    ['gone', verdictOfDelete({ seen }, undefined, stat({ pzxid: 101n })), 'equal'],
    ['gone with its parent', verdictOfDelete({ seen }, undefined, undefined), 'equal'],
    ['gone before', verdictOfDelete({ seen }, undefined, stat({ pzxid: 100n })), 'notApplied'],
  ])('%s', (_name, verdict, expected) => expect(verdict).toBe(expected))
})

describe('a setACL', () => {
  const acl = (...ids: string[]) => ids.map((id) => ({ perms: 31, id: { scheme: 'digest', id } }))
  const lost = { acl: acl('a', 'b'), version: 2, seen }
  const found = (aversion: number, list = acl('b', 'a'), czxid = 1n) => ({ acl: list, stat: stat({ czxid, aversion }) })
  test.each<[string, Verdict, Verdict]>([
    ['the expected aversion', verdictOfSetAcl(lost, found(2)), 'notApplied'],
    ['the next, with the ACL', verdictOfSetAcl(lost, found(3)), 'equal'],
    ['the next, with another ACL', verdictOfSetAcl(lost, found(3, acl('c'))), 'notApplied'],
    ['a later one', verdictOfSetAcl(lost, found(4)), 'unknown'],
    ['a znode made since', verdictOfSetAcl(lost, found(2, acl('a'), 101n)), 'unknown'],
    ['any aversion, with the ACL', verdictOfSetAcl({ ...lost, version: -1 }, found(9)), 'equal'],
    ['any aversion, with another', verdictOfSetAcl({ ...lost, version: -1 }, found(9, acl('a'))), 'unknown'],
    ['gone', verdictOfSetAcl(lost, undefined), 'unknown'],
  ])('%s', (_name, verdict, expected) => expect(verdict).toBe(expected))
})

test('of a transaction, what is certain of one operation is certain of all', () => {
  expect(verdictOfAll(['unknown', 'equal', 'applied'])).toBe('applied')
  expect(verdictOfAll(['unknown', 'equal', 'notApplied'])).toBe('notApplied')
  expect(verdictOfAll(['unknown', 'equal'])).toBe('equal')
  expect(verdictOfAll(['unknown'])).toBe('unknown')
})
