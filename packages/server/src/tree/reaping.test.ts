import { expect, test } from 'vitest'
import { containerOwner, ttlOwner } from './ephemeral-owner.ts'
import { isReapable, type Reapable } from './reaping.ts'

const now = 1_000_000
const node = (changes: Partial<Reapable> = {}): Reapable => ({
  ephemeralOwner: containerOwner,
  cversion: 0,
  numChildren: 0,
  mtime: BigInt(now),
  ...changes,
})
const ttl = (ageMs: number, changes: Partial<Reapable> = {}): Reapable =>
  node({ ephemeralOwner: ttlOwner(500n), mtime: BigInt(now - ageMs), ...changes })

test.each<[what: string, node: Reapable, neverUsedMs: number, goes: boolean]>([
  ['a container that never had a child', node({ mtime: 0n }), 0, false],
  ['a container that never had a child, as old as the limit', node({ mtime: BigInt(now - 500) }), 500, false],
  ['a container that never had a child, older than the limit', node({ mtime: BigInt(now - 501) }), 500, true],
  ['an emptied container', node({ cversion: 1 }), 0, true],
  ['an emptied container whose counter wrapped', node({ cversion: -5 }), 0, true],
  ['a container with a child', node({ cversion: 1, numChildren: 1, mtime: 0n }), 1, false],
  ['a TTL znode whose time is just up', ttl(500), 0, false],
  ['a TTL znode whose time is over', ttl(501), 0, true],
  ['a TTL znode with a child', ttl(9_999, { numChildren: 1 }), 0, false],
  ['a persistent znode', node({ ephemeralOwner: 0n, cversion: 3, mtime: 0n }), 1, false],
  ['an ephemeral', node({ ephemeralOwner: 7n, cversion: 3, mtime: 0n }), 1, false],
])('%s', (_what, given, neverUsedMs, goes) => {
  expect(isReapable(given, now, neverUsedMs)).toBe(goes)
})
