/** What the ephemeralOwner field of a znode says about its kind (EphemeralType.java). */

export type ZnodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl'

/** ephemeralOwner of every container. */
export const containerOwner = -0x8000_0000_0000_0000n

const ttlMark = 0xffn << 56n
const ttlBits = 0xff_ffff_ffffn

/** `ttlMs` is 1 … 2^40-1. */
export function ttlOwner(ttlMs: bigint): bigint {
  return BigInt.asIntN(64, ttlMark | (ttlMs & ttlBits))
}

/** Milliseconds, for an owner that `kindOf` calls `ttl`. */
export function ttlMsOf(owner: bigint): number {
  return Number(owner & ttlBits)
}

/** Session ids never start with 0xFF, so an owner that does belongs to a TTL znode. */
export function kindOf(owner: bigint): ZnodeKind {
  if (owner === 0n) return 'persistent'
  if (owner === containerOwner) return 'container'
  return BigInt.asUintN(64, owner) >> 56n === 0xffn ? 'ttl' : 'ephemeral'
}
