/**
 * Follows the transactions of a data directory from its newest usable snapshot to its end, from facts about its files alone, by the
 * rules by which our server starts: what a snapshot covers is not needed, what a crash leaves is no loss, and a gap is a loss.
 */
import { formatHex } from '@lightkeeper/protocol'
import {
  continues,
  type DamagedPlace,
  type ExaminedDirectory,
  type ExaminedLog,
  type Stretch,
} from '@lightkeeper/server'
import type { Finding } from './finding.ts'

/** The directory, so that commands can be copied. */
export interface Place {
  /** As the user named it. */
  readonly directory: string
}

/** What a walk through the history has found. */
export interface FollowedHistory {
  readonly findings: readonly Finding[]
  /** The last transaction that a start can reach. */
  readonly reached: bigint
  /** No finding says that something is lost. */
  readonly isWhole: boolean
}

export function followHistory(facts: ExaminedDirectory, place: Place): FollowedHistory {
  return new Walk(facts, place).run()
}

class Walk {
  readonly #facts: ExaminedDirectory
  readonly #directory: string
  readonly #findings: Finding[] = []
  readonly #base: bigint
  #reached: bigint
  /** The record of `#reached` is in a log. */
  #hasRead = false
  #isWhole = true
  /** The place where the good records of an earlier file end, if that file was cut or damaged there. */
  #suspect: { readonly log: ExaminedLog; readonly at: DamagedPlace; readonly isCut: boolean } | undefined

  constructor(facts: ExaminedDirectory, { directory }: Place) {
    this.#facts = facts
    this.#directory = directory
    this.#base = facts.snapshots.findLast(({ problem }) => problem === undefined)?.zxid ?? 0n
    this.#reached = this.#base
  }

  run(): FollowedHistory {
    const { logs, promised, snapshots } = this.#facts
    // As a start does: it reads no earlier log than the one that reaches to the snapshot.
    const start = Math.max(
      0,
      logs.findLastIndex(({ zxid }) => zxid <= this.#base + 1n),
    )
    for (const [i, log] of logs.entries()) {
      if (i < start) this.#pass(log)
      else this.#follow(log, logs[i + 1]?.zxid)
    }
    if (promised !== undefined && promised > this.#reached && this.#isWhole) this.#lostAcknowledged(promised)
    const newest = snapshots.at(-1)
    if (newest !== undefined && newest.zxid > this.#reached && this.#isWhole) {
      this.#lose({
        name: 'ends-before-snapshot',
        what: `The logs end with ${formatHex(this.#reached)}, and the snapshot ${nameOf(newest.path)}, which cannot be read, held more.`,
        where: newest.path,
        evidence: [
          `${newest.path}: ${newest.problem ?? ''}`,
          `the last transaction in the logs is ${formatHex(this.#reached)}`,
        ],
      })
    }
    return { findings: this.#findings, reached: this.#reached, isWhole: this.#isWhole }
  }

  /** A log that no start reads. */
  #pass(log: ExaminedLog): void {
    const { kind, offset, reason } = log.end
    for (const { behind } of log.stretches) if (behind !== undefined) this.#covered(log, behind)
    if (kind === 'foreign') this.#covered(log, { offset, isZeros: false, reason })
  }

  /** `next` is the first transaction of the next log, by its name. */
  #follow(log: ExaminedLog, next: bigint | undefined): void {
    // What another server wrote later was acknowledged by that one.
    const promised = log.isFromOthers ? undefined : this.#facts.promised
    const isLast = next === undefined
    for (const stretch of log.stretches) {
      const { behind } = stretch
      if (stretch.last === this.#base) this.#hasRead = true
      if (stretch.last <= this.#base) {
        if (behind !== undefined) this.#covered(log, behind)
        continue
      }
      // The part that the snapshot covers may be in front.
      const first = stretch.first <= this.#base && this.#reached === this.#base ? this.#base + 1n : stretch.first
      // Where an epoch begins behind a damaged place, its number does not show that nothing was there.
      const isMissed = behind !== undefined && this.#hasRead && first !== this.#reached + 1n
      if (continues(this.#reached, first) && !isMissed) {
        if (behind !== undefined) this.#covered(log, behind)
        this.#reached = stretch.last
        this.#hasRead = true
        continue
      }
      if (first <= this.#reached) {
        this.#repeats(log, stretch)
        continue
      }
      const isPassedOver = next !== undefined && next > this.#reached + 1n
      if (behind !== undefined && !isPassedOver && (!isLast || promised !== undefined)) {
        // Nothing behind the place was acknowledged, unless what follows says so.
        this.#suspect = { log, at: behind, isCut: false }
        if (isLast && (promised as bigint) <= this.#reached) this.#tornBatch(log, behind)
        if (isLast && (promised as bigint) > this.#reached) this.#gap(log, stretch, behind)
        return
      }
      this.#gap(log, stretch, behind)
      this.#reached = stretch.last
    }
    this.#fileEnd(log, isLast)
  }

  /** Damage that no start has to read. */
  #covered(log: ExaminedLog, at: DamagedPlace): void {
    this.#findings.push({
      name: 'damage-behind-snapshot',
      severity: 'warning',
      what: 'A log is damaged in a part that a snapshot covers: nothing is lost while that snapshot can be read.',
      where: `${log.path} at offset ${at.offset}`,
      evidence: [
        at.isZeros ? 'zeros between good transactions' : at.reason,
        `the newest usable snapshot is that of ${formatHex(this.#base)}`,
      ],
      next: `Make a backup now, and look for the cause in the disk: lightkeeper backup ${this.#directory} TARGET`,
    })
  }

  #gap(log: ExaminedLog, stretch: Stretch, behind: DamagedPlace | undefined): void {
    const [from, to] = [this.#reached + 1n, stretch.first - 1n]
    const range = to > from ? `${formatHex(from)} to ${formatHex(to)}` : formatHex(from)
    const good = `good transactions go on with ${formatHex(stretch.first)} at offset ${stretch.offset} of ${log.path}`
    if (behind !== undefined) {
      this.#lose({
        name: behind.isZeros ? 'zeros-in-log' : 'damaged-record',
        what: behind.isZeros
          ? `A log has zeros in its middle: the transactions ${range} are gone.`
          : `A log is damaged in its middle: the transactions ${range} cannot be read.`,
        where: `${log.path} at offset ${behind.offset}`,
        evidence: [behind.isZeros ? 'zeros where a record should begin' : behind.reason, good],
        isQuiet: behind.isZeros,
      })
      return
    }
    const suspect = this.#suspect
    if (suspect !== undefined) {
      this.#lose({
        name: suspect.isCut ? 'log-cut' : suspect.at.isZeros ? 'zeros-in-log' : 'damaged-record',
        what: `A log that is not the last one ends too early: the transactions ${range} are gone, and later ones follow.`,
        where: `${suspect.log.path} at offset ${suspect.at.offset}`,
        evidence: [suspect.at.reason === '' ? 'zeros' : suspect.at.reason, good],
        isQuiet: true,
      })
      this.#suspect = undefined
      return
    }
    const isFirstOfFile = stretch === log.stretches[0]
    const begin =
      this.#reached === 0n
        ? 'nothing reaches back to the first transaction'
        : `the history before it ends with ${formatHex(this.#reached)}`
    this.#lose({
      name: isFirstOfFile ? 'log-missing' : 'transactions-missing',
      what: isFirstOfFile
        ? `A log file is missing: the transactions ${range} are in no file.`
        : `Transactions are missing inside a log: ${range}.`,
      where: isFirstOfFile ? this.#facts.logDirectory : `${log.path} at offset ${stretch.offset}`,
      evidence: [begin, good, ...(isFirstOfFile ? ['or the log before it was cut at the end of a transaction'] : [])],
      isQuiet: true,
    })
  }

  #repeats(log: ExaminedLog, { first, offset }: Stretch): void {
    this.#lose({
      name: 'history-repeats',
      what: `The transaction ${formatHex(first)} is in the logs again, with another content: the files are of two histories.`,
      where: `${log.path} at offset ${offset}`,
      evidence: [`the transactions before it reach ${formatHex(this.#reached)}`],
    })
  }

  #fileEnd(log: ExaminedLog, isLast: boolean): void {
    const { kind, offset, reason } = log.end
    if (kind === 'header') return this.#headless(log, isLast)
    if (kind === 'foreign') {
      this.#lose({
        name: 'damaged-record',
        what: 'A log holds something that is not a transaction of this version of ZooKeeper.',
        where: `${log.path} at offset ${offset}`,
        evidence: [reason],
      })
      return
    }
    if (kind !== 'torn') return
    const isNeeded = (log.stretches.at(-1)?.last ?? 0n) >= this.#base
    if (!isNeeded) return
    if (!isLast) {
      this.#suspect = { log, at: { offset, isZeros: false, reason }, isCut: true }
      return
    }
    const { promised } = this.#facts
    const where = `${log.path} at offset ${offset}`
    const last = `the last whole transaction is ${formatHex(this.#reached)}`
    if (promised !== undefined && promised > this.#reached) return
    if (log.endsInsideRecord && promised === undefined) {
      this.#findings.push({
        name: 'log-ends-inside-record',
        severity: 'warning',
        what: 'The last log ends in the middle of a transaction. A killed server leaves zeros there, so something has cut the file, and nothing shows how much is missing.',
        where,
        evidence: [reason, last, 'no file says up to where transactions were acknowledged'],
        next: `Compare with the zxid that clients or other members have seen; if they have seen more, restore: lightkeeper inspect ${log.path}`,
      })
      return
    }
    this.#torn(where, [reason, last])
  }

  /** What a crash leaves, and a start removes. */
  #torn(where: string, evidence: readonly string[]): void {
    this.#findings.push({
      name: 'torn-end',
      severity: 'note',
      what: 'The last log ends with a transaction that was being written when the server was killed. It was not acknowledged.',
      where,
      evidence,
      next: `Nothing has to be done: a start cuts it off. lightkeeper server --data-dir ${this.#directory}`,
    })
  }

  #tornBatch(log: ExaminedLog, at: DamagedPlace): void {
    this.#torn(`${log.path} at offset ${at.offset}`, [
      at.reason === '' ? 'zeros in a batch' : at.reason,
      `everything that was acknowledged, up to ${formatHex(this.#facts.promised ?? 0n)}, is in front of it`,
    ])
  }

  #headless(log: ExaminedLog, isLast: boolean): void {
    const isEmpty = log.size === 0
    this.#findings.push({
      name: isEmpty ? 'empty-log' : 'torn-header',
      severity: 'warning',
      what: isEmpty
        ? 'A log file is empty: the server was killed when it began the file. Nothing is lost, but Apache ZooKeeper before 3.9.3 does not start with it.'
        : 'A log file has no whole header: the server was killed when it began the file. Nothing is lost, but Apache ZooKeeper does not start with it.',
      where: log.path,
      evidence: [log.end.reason, isLast ? 'it is the last log' : 'later logs follow'],
      next: `Start our server, which removes it, or move the file away: mv ${log.path} ${log.path}.aside`,
    })
  }

  #lostAcknowledged(promised: bigint): void {
    const log = this.#facts.logs.at(-1)
    const end = log === undefined ? 'there is no log' : `the logs end at offset ${log.end.offset} of ${log.path}`
    const [first, last] = [formatHex(this.#reached + 1n), formatHex(promised)]
    this.#lose({
      name: 'acknowledged-missing',
      what: `The log ends too early: the transactions ${first} to ${last} were acknowledged to clients and are gone.`,
      where: log?.path ?? this.#facts.logDirectory,
      evidence: [end, `the file "acknowledged" says ${last}`],
      isQuiet: true,
    })
  }

  /** `isQuiet`: Apache ZooKeeper starts on it, and serves what is left without a word. */
  #lose(loss: Omit<Finding, 'severity' | 'next'> & { readonly isQuiet?: boolean }): void {
    this.#isWhole = false
    const { isQuiet = false, ...finding } = loss
    const quiet = isQuiet ? ['Apache ZooKeeper would start on it and serve what is left, without a word'] : []
    this.#findings.push({
      ...finding,
      severity: 'critical',
      evidence: [...finding.evidence, ...quiet],
      next: remedyOf(this.#facts, this.#directory),
    })
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** What to do about data that is lost. A member must not get a backup while others live, and loses nothing that they have. */
export function remedyOf({ epochs }: ExaminedDirectory, directory: string): string {
  return epochs === undefined
    ? `Restore the directory from a backup. Without one, go on without what is lost: lightkeeper server --data-dir ${directory} --accept-loss`
    : 'Start it: a member of an ensemble gives no vote with such a directory, and gets everything from its leader.'
}
