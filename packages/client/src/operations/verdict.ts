/**
 * Judges what happened to a write whose reply was lost, from what the tree shows now. Values in, a verdict out. `seen` is the
 * highest zxid that the client had seen when it sent the write: nothing up to that zxid is the result of the write.
 */
import type { Acl } from '@lightkeeper/protocol'
import type { ZnodeStat } from '../stat.ts'

/**
 * `applied`: this client's write certainly was executed. `equal`: the state is what the write makes, but another client may have
 * made it.
 * `notApplied`: certainly not executed, so it may be sent again. `unknown`: none of these.
 */
export type Verdict = 'applied' | 'equal' | 'notApplied' | 'unknown'

export interface Observed {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

export interface LostCreate {
  readonly data: Uint8Array | null
  readonly isEphemeral: boolean
  /** The session in which it was sent, and the session that looks now. */
  readonly sessionId: bigint
  readonly currentSessionId: bigint
  readonly seen: bigint
}

/** A create under a name of its own, not a sequential one. `parent` was read together with the znode. */
export function verdictOfCreate(lost: LostCreate, found: Observed | undefined, parent: ZnodeStat | undefined): Verdict {
  // An ephemeral of an ended session would be gone as well, so this proves nothing.
  if (lost.isEphemeral && lost.sessionId !== lost.currentSessionId) return 'unknown'
  if (found === undefined) {
    // The znode may have been created and deleted again, unless the parent shows that no child came or went.
    return parent !== undefined && parent.pzxid <= lost.seen ? 'notApplied' : 'unknown'
  }
  if (found.stat.czxid <= lost.seen) return 'notApplied'
  // No other client creates ephemerals of this session.
  if (lost.isEphemeral) return found.stat.ephemeralOwner === lost.sessionId ? 'applied' : 'unknown'
  return found.stat.ephemeralOwner === 0n && sameBytes(found.data, lost.data) ? 'equal' : 'unknown'
}

/** `version` is -1 for any version. */
export function verdictOfSet(
  lost: { readonly data: Uint8Array | null; readonly version: number; readonly seen: bigint },
  found: Observed | undefined,
): Verdict {
  if (found === undefined) return 'unknown'
  const { stat, data } = found
  const isSameZnode = stat.czxid <= lost.seen
  if (isSameZnode && stat.mzxid <= lost.seen) return 'notApplied'
  const isEqual = sameBytes(data, lost.data)
  if (lost.version === -1) return isEqual ? 'equal' : 'unknown'
  if (!isSameZnode) return 'unknown'
  // Versions only grow, and exactly one write leads from the expected version to the next.
  if (stat.version === lost.version) return 'notApplied'
  if (stat.version !== ((lost.version + 1) | 0)) return 'unknown'
  return isEqual ? 'equal' : 'notApplied'
}

export function verdictOfDelete(
  lost: { readonly seen: bigint },
  found: Observed | undefined,
  parent: ZnodeStat | undefined,
): Verdict {
  if (found !== undefined) return found.stat.czxid <= lost.seen ? 'notApplied' : 'unknown'
  // No child came or went since then: the znode was missing before.
  return parent !== undefined && parent.pzxid <= lost.seen ? 'notApplied' : 'equal'
}

/** `version` is compared with the aversion; -1 means any. A setACL leaves no zxid, so only the ACL itself can show it. */
export function verdictOfSetAcl(
  lost: { readonly acl: readonly Acl[]; readonly version: number; readonly seen: bigint },
  found: { readonly acl: readonly Acl[]; readonly stat: ZnodeStat } | undefined,
): Verdict {
  if (found === undefined) return 'unknown'
  const isEqual = sameAcl(found.acl, lost.acl)
  if (lost.version === -1) return isEqual ? 'equal' : 'unknown'
  if (found.stat.czxid > lost.seen) return 'unknown'
  if (found.stat.aversion === lost.version) return 'notApplied'
  if (found.stat.aversion !== ((lost.version + 1) | 0)) return 'unknown'
  return isEqual ? 'equal' : 'notApplied'
}

/** All operations or none: a certain outcome of one holds for all. */
export function verdictOfAll(verdicts: readonly Verdict[]): Verdict {
  for (const certain of ['applied', 'notApplied', 'equal'] as const) if (verdicts.includes(certain)) return certain
  return 'unknown'
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  const left = a ?? none
  const right = b ?? none
  return left.length === right.length && left.every((byte, i) => byte === right[i])
}

/** Compares in any order: servers keep the given order, and no client relies on it. */
function sameAcl(a: readonly Acl[], b: readonly Acl[]): boolean {
  const key = (acl: readonly Acl[]): string =>
    acl
      .map(({ perms, id }) => `${perms} ${id.scheme} ${id.id}`)
      .sort()
      .join('\n')
  return key(a) === key(b)
}

const none = new Uint8Array(0)
