/** Which containers and TTL znodes may be removed (ContainerManager.java). */
import { kindOf, ttlMsOf } from './ephemeral-owner.ts'

/** What decides about a znode; a Znode is one, and so is a change that is not applied yet. */
export interface Reapable {
  readonly ephemeralOwner: bigint
  /** Children ever created. */
  readonly cversion: number
  readonly numChildren: number
  /** Wall-clock milliseconds of the last change of its data. */
  readonly mtime: bigint
}

/**
 * A container may go once it had children and is empty, or when it never had one for `neverUsedMs` milliseconds; 0 keeps it for ever.
 * A TTL znode may go when it is empty and its data was not set for longer than its TTL: what happens to children does not count.
 * `now` is wall-clock milliseconds.
 */
export function isReapable(node: Reapable, now: number, neverUsedMs: number): boolean {
  if (node.numChildren > 0) return false
  const age = now - Number(node.mtime)
  switch (kindOf(node.ephemeralOwner)) {
    case 'container':
      // The counter wraps to negative numbers.
      return node.cversion !== 0 || (neverUsedMs > 0 && age > neverUsedMs)
    case 'ttl':
      return age > ttlMsOf(node.ephemeralOwner)
    default:
      return false
  }
}
