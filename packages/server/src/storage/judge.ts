/**
 * Decides what recovery does at each doubtful place: a record that does not follow, the end of a log file, a history that ends too
 * early. Values in, a judgement out; recovery.ts acts on it. No judgement gives up anything that may have been acknowledged: it
 * reports a loss, with what is known to be missing.
 */
import { formatHex, zxidEpoch } from '@lightkeeper/protocol'
import { continues } from './continuity.ts'
import type { LogEnd } from './log-file.ts'

/** What is known of the history at the place of a judgement. */
export interface Known {
  /** The last transaction of the history so far, 0 for none. */
  readonly last: bigint
  /** The highest zxid that this server promised to keep; undefined in a directory of another server, which has no such mark. */
  readonly promised: bigint | undefined
  /** Transactions of the log were applied already: `last` is not that of a snapshot. */
  readonly hasReplayed: boolean
  /** The record of `last` was read in a log: what is damaged now comes behind it. Default `hasReplayed`. */
  readonly hasReadLast?: boolean
  /** A snapshot was read. Without one the history must begin with a log of the first epoch, or its beginning may be lost. */
  readonly hasSnapshot: boolean
  /** The current log file is the last one. */
  readonly isLastFile: boolean
  /** The first transaction of the next log file, by its name. */
  readonly nextFile?: bigint | undefined
}

/** The first good record after the place where good records end. */
export interface NextRecord {
  readonly offset: number
  readonly zxid: bigint
}

/** Something that must exist is missing. */
export interface Loss {
  readonly kind: 'loss'
  /** The last zxid that is known to have existed. */
  readonly until: bigint
  readonly reason: string
}

export type Judgement =
  /** Continues with the next file; with `from`, at that offset of the same file. */
  | { readonly kind: 'continue'; readonly from?: number }
  /** Torn by a crash: the file is cut after its last good record, once the whole directory is found to be good. */
  | { readonly kind: 'cut'; readonly reason: string }
  /** The file never had a record: it is removed, once the whole directory is found to be good. */
  | { readonly kind: 'drop'; readonly hasRecords: boolean }
  | Loss

/** Judges a log file whose good records end at `end`. `next` is the first good record after that place, if there is one. */
export function judge(end: LogEnd, next: NextRecord | undefined, known: Known): Judgement {
  if (end.kind === 'complete' || end.kind === 'stopped') return { kind: 'continue' }
  const what = end.reason || 'zeros'
  // A whole record that this version does not know, or another kind of file: no crash leaves that.
  if (end.kind === 'foreign') return { kind: 'loss', until: known.last + 1n, reason: what }
  if (next !== undefined) {
    const { last, hasReplayed, hasReadLast = hasReplayed, nextFile } = known
    // The damage comes before everything that is needed: a snapshot covers it. Where it comes later and an epoch begins behind it,
    // transactions of the epoch before are missing.
    if (follows(next.zxid, known) && (next.zxid === last + 1n || !hasReadLast)) {
      return { kind: 'continue', from: next.offset }
    }
    // Apache writes batches in order, so good records after the place prove damage. A mark says more: records above it were never
    // acknowledged, and the end of the history is compared with it. A later file shows what its server had: it continues there, or
    // with a new epoch, whose number says nothing about how much came before.
    const isPassedOver = nextFile !== undefined && nextFile > last + 1n
    if (isPassedOver || (known.isLastFile && known.promised === undefined)) {
      const reason = `${what}, and good transactions from ${formatHex(next.zxid)} on behind it`
      return { kind: 'loss', until: next.zxid, reason }
    }
  }
  if (end.kind === 'header') return { kind: 'drop', hasRecords: next !== undefined }
  if (end.kind === 'torn') return { kind: 'cut', reason: end.reason }
  return next === undefined ? { kind: 'continue' } : { kind: 'cut', reason: 'a batch that was torn' }
}

/** Judges a good record. `isRepeat`: it is one of the repeats that Apache writes, see RecentRecords. */
export function judgeRecord(zxid: bigint, isRepeat: boolean, known: Known): 'apply' | 'skip' | Loss {
  const { last, hasReplayed } = known
  // The snapshot includes it.
  if (zxid <= last && !hasReplayed) return 'skip'
  if (isRepeat) return 'skip'
  if (follows(zxid, known)) return 'apply'
  let reason = `transaction ${formatHex(zxid)} follows ${formatHex(last)}`
  if (zxid <= last) reason = `transaction ${formatHex(zxid)} again, behind ${formatHex(last)}`
  else if (!hasReplayed && last === 0n) {
    reason = `the logs begin with ${formatHex(zxid)}, and there is no usable snapshot to start from`
  }
  return { kind: 'loss', until: zxid, reason }
}

function follows(zxid: bigint, { last, hasSnapshot }: Known): boolean {
  if (last === 0n && !hasSnapshot && zxidEpoch(zxid) > 1) return false
  return continues(last, zxid)
}

/** How far a history must reach, for reasons outside the log. */
export interface Reach {
  readonly promised: bigint | undefined
  readonly newestSnapshot: bigint | undefined
  /** The snapshot may include effects of transactions up to this zxid. */
  readonly fuzzyUntil: bigint
}

/** Undefined where a history that ends with `last` reaches far enough. */
export function judgeReach(last: bigint, { promised, newestSnapshot, fuzzyUntil }: Reach): Loss | undefined {
  const ends = (until: bigint, reason: string): Loss => ({ kind: 'loss', until, reason: `the log ends, and ${reason}` })
  if (promised !== undefined && last < promised) return ends(promised, 'more was acknowledged')
  if (newestSnapshot !== undefined && last < newestSnapshot) {
    return ends(newestSnapshot, 'does not reach the newest snapshot')
  }
  if (last < fuzzyUntil) return ends(fuzzyUntil, 'the snapshot holds some of what came later')
  return undefined
}
