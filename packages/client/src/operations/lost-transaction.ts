/**
 * Finds out what happened to a transaction whose reply was lost. All operations were executed or none, so one operation with a
 * certain outcome decides for all. What the transaction wrote carries its zxid, and by that zxid we find the results.
 */
import { joinPath, nodeName, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { Lost } from '../session/request.ts'
import type { ZnodeStat } from '../stat.ts'
import { type Observed, type Verdict, verdictOfCreate, verdictOfSet } from './verdict.ts'

/** Reads of the tree as it is now. They see every write that was executed before. */
export interface Look {
  readonly sessionId: bigint
  find(path: string): Promise<Observed | undefined>
  stat(path: string): Promise<ZnodeStat | undefined>
  names(path: string): Promise<readonly string[]>
}

export interface Evidence {
  readonly verdict: Verdict
  /** The zxid of the transaction, where this operation shows it. */
  readonly zxid?: bigint
}

/** What one operation shows, and how to find its result once we know the zxid of the transaction. */
export interface LostOp<R> {
  evidence(lost: Lost, look: Look): Promise<Evidence>
  /** Undefined where the result cannot be found any more, since others have changed the znode. */
  result(zxid: bigint, look: Look): Promise<{ readonly value: R } | undefined>
}

const nothing: Evidence = { verdict: 'unknown' }

export function lostCreate(path: ZnodePath, data: Uint8Array | null, isEphemeral: boolean): LostOp<CreatedThere> {
  return {
    async evidence({ seen, sessionId }, look) {
      const found = await look.find(path)
      const parent = await look.stat(parentPath(path))
      const lost = { data, isEphemeral, sessionId, currentSessionId: look.sessionId, seen }
      const verdict = verdictOfCreate(lost, found, parent)
      return found === undefined ? { verdict } : { verdict, zxid: found.stat.czxid }
    },
    async result(zxid, look) {
      const stat = await look.stat(path)
      return { value: { path, stat: stat?.czxid === zxid ? stat : undefined } }
    },
  }
}

/** A create under a name that no other client creates or deletes. */
export function lostMarker(path: ZnodePath): LostOp<CreatedThere> {
  const plain = lostCreate(path, null, true)
  return {
    async evidence(lost, look) {
      if (lost.sessionId !== look.sessionId) return nothing
      const stat = await look.stat(path)
      return stat === undefined ? { verdict: 'notApplied' } : { verdict: 'applied', zxid: stat.czxid }
    },
    result: (zxid, look) => plain.result(zxid, look),
  }
}

export function lostSequential(path: ZnodePath): LostOp<CreatedThere> {
  const prefix = nodeName(path)
  const parent = parentPath(path)
  return {
    evidence: async () => nothing,
    async result(zxid, look) {
      const names = (await look.names(parent)).filter((name) => name.startsWith(prefix)).sort()
      for (const name of names) {
        const own = joinPath(parent, name)
        const stat = await look.stat(own)
        if (stat?.czxid === zxid) return { value: { path: own, stat } }
      }
      return undefined
    },
  }
}

export function lostSet(path: string, data: Uint8Array | null, version: number): LostOp<ZnodeStat> {
  return {
    async evidence({ seen }, look) {
      const found = await look.find(path)
      const verdict = verdictOfSet({ data, version, seen }, found)
      return found === undefined ? { verdict } : { verdict, zxid: found.stat.mzxid }
    },
    async result(zxid, look) {
      const stat = await look.stat(path)
      return stat?.mzxid === zxid ? { value: stat } : undefined
    },
  }
}

/** A delete or a check leaves nothing that we could find. */
export const lostWithoutTrace: LostOp<undefined> = {
  evidence: async () => nothing,
  result: async () => ({ value: undefined }),
}

interface CreatedThere {
  readonly path: ZnodePath
  readonly stat: ZnodeStat | undefined
}

/** The verdict on the whole transaction, with its zxid where one operation shows it. */
export async function evidenceOfAll(ops: readonly LostOp<unknown>[], lost: Lost, look: Look): Promise<Evidence> {
  let best: Evidence = nothing
  for (const each of ops) {
    const evidence = await each.evidence(lost, look)
    if (evidence.verdict === 'applied' || evidence.verdict === 'notApplied') return evidence
    if (evidence.verdict === 'equal' && evidence.zxid !== undefined) best = evidence
  }
  return best
}

/** Results in the order of the operations; undefined where one of them cannot be found any more. */
export async function resultsOfAll(
  ops: readonly LostOp<unknown>[],
  zxid: bigint,
  look: Look,
): Promise<unknown[] | undefined> {
  const results: unknown[] = []
  const taken = new Set<string>()
  // Two sequential creates with one prefix are in the order of their numbers.
  const distinct: Look = {
    sessionId: look.sessionId,
    find: look.find,
    stat: look.stat,
    names: async (path) => (await look.names(path)).filter((name) => !taken.has(joinPath(path, name))),
  }
  for (const each of ops) {
    const result = await each.result(zxid, distinct)
    if (result === undefined) return undefined
    const { value } = result
    if (typeof value === 'object' && value !== null && 'path' in value) taken.add(String(value.path))
    results.push(value)
  }
  return results
}
