/**
 * From a data directory to a tree: the newest good snapshot and every later transaction in the logs. If an acknowledged transaction
 * is missing, this fails with the file, the place and the choices; a loss is never ignored. judge.ts decides what to do at each
 * place.
 */
import { type Acl, formatHex } from '@lightkeeper/protocol'
import type { Runtime } from '@lightkeeper/runtime'
import { DataTree } from '../tree/data-tree.ts'
import { replay } from '../tree/replay.ts'
import type { Znode } from '../tree/znode.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { compressionOf, decompressed } from './compression.ts'
import { RecentRecords } from './continuity.ts'
import { logsAmong, type NamedFile, snapshotsAmong } from './file-names.ts'
import { highestIn } from './history-reader.ts'
import { SnapshotDamage } from './image.ts'
import { isMissingAcl } from './image-tree.ts'
import { judge, judgeReach, judgeRecord, type Known, type Loss } from './judge.ts'
import { DiskReadError, LogFile, type RecordPlace } from './log-file.ts'
import { removeOrphans } from './orphans.ts'
import { bytesOf, type LoadedSnapshot, readSnapshot, type SnapshotEnd } from './snapshot-file.ts'
import { type Cut, tidy } from './tidy.ts'
import type { LoggedTxn } from './txn-codec.ts'

export interface RecoveryOptions {
  readonly snapshotDirectory: string
  readonly logDirectory: string
  /**
   * What to do where something is lost or damaged. `refuse`: a RecoveryError is thrown. `accept`: the result is what is left, and
   * files that cannot be used are put aside. `report`: nothing is changed, and the result says what is wrong; this is for a member
   * of an ensemble, which gets what it lacks from the leader.
   */
  readonly damage: DamagePolicy
  /** Default `remove`; see orphans.ts. */
  readonly orphans?: 'remove' | 'keep'
  /**
   * Builds the tree as it was right after this transaction, and changes no file. Default: the whole history. A snapshot is used only
   * where its digest shows that it holds no later transaction.
   */
  readonly upTo?: bigint
  /** Changes nothing: for a directory that another process may be using. Default false. */
  readonly readOnly?: boolean
}

export type DamagePolicy = 'refuse' | 'accept' | 'report'

export interface Recovered {
  readonly tree: DataTree
  /** The last transaction of the tree; the next one is above it. */
  readonly lastZxid: bigint
  /** The snapshot it started from; undefined when there was none. */
  readonly snapshotZxid: bigint | undefined
  readonly replayedTxns: number
  /** Transactions behind which the tree did not have the digest that the log says. */
  readonly digestMismatches: number
  /** Transactions were given up: write a snapshot of the tree before anything is built on it. */
  readonly isLossy: boolean
  /** Logs that were given up; put them aside after that snapshot is written. */
  readonly aside: readonly string[]
  /** What is wrong, if the policy is `report`: then the tree is empty, `lastZxid` is -1, and the files are unchanged. */
  readonly damage: string | undefined
}

/** The directory is not what an undamaged server leaves. */
export class RecoveryError extends Error {
  override readonly name = 'RecoveryError'
  /** The code to match. */
  readonly code = 'DATA_DAMAGED'
}

/** The tree from a snapshot and the log after it is not the requested one: an older snapshot must be tried. */
class UnfitSnapshot extends Error {
  readonly path: string

  constructor(path: string, reason: string) {
    super(reason)
    this.path = path
  }
}

/** A loss, with the place that shows it. */
type PlacedLoss = Loss & { readonly place: string }

const skipped = 'skipped a damaged part of a log that a snapshot covers'
/** Grants nothing. */
const nobody: readonly Acl[] = [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }]

/** @throws RecoveryError; DiskReadError where a file cannot be read. */
export async function recover(runtime: Runtime, options: RecoveryOptions): Promise<Recovered> {
  await checkPlaces(runtime, options)
  const without = new Map<string, string>()
  for (;;) {
    try {
      return await new Recovery(runtime, options, without).run()
    } catch (error) {
      if (error instanceof UnfitSnapshot) {
        runtime.log('error', 'a snapshot cannot be used, trying an older one', {
          file: error.path,
          cause: error.message,
        })
        without.set(error.path, error.message)
        continue
      }
      const isReported = error instanceof RecoveryError || error instanceof DiskReadError
      if (options.damage !== 'report' || !isReported) throw error
      const nothing = {
        tree: new DataTree(),
        lastZxid: -1n,
        snapshotZxid: undefined,
        replayedTxns: 0,
        digestMismatches: 0,
      }
      return { ...nothing, isLossy: false, aside: [], damage: error.message }
    }
  }
}

/** Files in the wrong one of two directories are a mistake in the settings, not damage. */
async function checkPlaces({ disk }: Runtime, { snapshotDirectory, logDirectory }: RecoveryOptions): Promise<void> {
  if (logDirectory === snapshotDirectory) return
  if (snapshotsAmong(await disk.list(logDirectory)).length > 0) {
    throw new RecoveryError(
      `${logDirectory} holds snapshots although it is the log directory; move them to ${snapshotDirectory}`,
    )
  }
  if (logsAmong(await disk.list(snapshotDirectory)).length > 0) {
    throw new RecoveryError(
      `${snapshotDirectory} holds logs although ${logDirectory} is the log directory; move them there`,
    )
  }
}

class Recovery {
  readonly #runtime: Runtime
  readonly #options: RecoveryOptions
  #tree = new DataTree()
  #lastZxid = 0n
  /** The record of `#lastZxid` was read in a log. */
  #hasReadLast = false
  #replayed = 0
  #isLossy = false
  /** Why snapshots could not be used. */
  readonly #problems: string[] = []
  /** The path of the loaded snapshot. */
  #snapshot = ''
  #digest: SnapshotEnd['digest']
  /** Up to this zxid the tree may include effects of transactions that are not replayed yet: no digest is compared before. */
  #fuzzyUntil = 0n
  /**
   * The path of a snapshot whose tree does not have the snapshot's own digest. Apache changes the tree first and the digest
   * afterwards, and writes snapshots in another thread: its tree may be one transaction ahead of its digest, and is right if the
   * digest of that transaction fits.
   */
  #doubtful: string | undefined
  #comparesDigests = true
  #digestMismatches = 0
  /** The highest promised zxid; undefined where there is no mark: the directory of another server. */
  #promised: bigint | undefined
  /** Where the last good transaction ends. */
  #logsEnd: string
  readonly #recent = new RecentRecords()
  /** Changes of files for the case that the whole directory is found to be good. */
  readonly #cuts: Cut[] = []
  readonly #drops: string[] = []
  /** Logs with bytes after their last good record. */
  readonly #suspects: string[] = []
  readonly #aside: string[] = []
  /** Snapshots that cannot be used, and why. */
  readonly #without: ReadonlyMap<string, string>
  /** Paths whose ACL lists are missing in the snapshot. */
  #missingAcls: ReadonlyMap<string, bigint> = new Map()

  constructor(runtime: Runtime, options: RecoveryOptions, without: ReadonlyMap<string, string>) {
    this.#runtime = runtime
    this.#options = options
    this.#without = without
    for (const [path, reason] of without) this.#problems.push(`${path} cannot be used: ${reason}`)
    this.#logsEnd = options.logDirectory
  }

  async run(): Promise<Recovered> {
    const { snapshotDirectory, logDirectory } = this.#options
    const { disk, log } = this.#runtime
    const snapshots = snapshotsAmong(await disk.list(snapshotDirectory))
    this.#promised = await AcknowledgedMark.read(disk, logDirectory)

    const snapshotZxid = await this.#loadNewest(snapshots)
    this.#lastZxid = snapshotZxid ?? 0n
    await this.#replayLogs(logsAmong(await disk.list(logDirectory)))
    this.#checkBound()
    if (this.#doubtful !== undefined) {
      log('error', 'a snapshot does not have the digest it says; compare its znodes with a backup or another server', {
        file: this.#doubtful,
      })
    }
    this.#checkReach(snapshots)
    this.#checkAcls(snapshots)
    if (this.#isReadOnly) {
      // Nothing is changed.
    } else if (this.#isLossy) await tidy(this.#runtime, this.#directories, [], [])
    else await tidy(this.#runtime, this.#directories, this.#cuts, this.#drops)
    if (this.#options.orphans !== 'keep') {
      let count = 0
      let first: { readonly path: string; readonly session: bigint } | undefined
      removeOrphans(this.#tree, this.#lastZxid, (path, session) => {
        count++
        first ??= { path, session }
      })
      if (first !== undefined) log('warn', 'removed ephemerals whose session does not exist', { count, ...first })
    }
    return {
      tree: this.#tree,
      lastZxid: this.#lastZxid,
      snapshotZxid,
      replayedTxns: this.#replayed,
      digestMismatches: this.#digestMismatches,
      isLossy: this.#isLossy,
      aside: this.#aside,
      damage: undefined,
    }
  }

  get #isReadOnly(): boolean {
    return this.#options.readOnly === true || this.#options.upTo !== undefined
  }

  get #directories(): ReadonlySet<string> {
    return new Set([this.#options.logDirectory, this.#options.snapshotDirectory])
  }

  // -- snapshots ------------------------------------------------------------------------------------------------------

  async #loadNewest(snapshots: readonly NamedFile[]): Promise<bigint | undefined> {
    const { snapshotDirectory, upTo } = this.#options
    for (const { name, zxid } of snapshots.toReversed()) {
      const path = `${snapshotDirectory}/${name}`
      if (this.#without.has(path) || (upTo !== undefined && zxid > upTo)) continue
      try {
        const { tree, digest, zxid: own, missingAcls } = await this.#load(path)
        // A renamed snapshot would hide the transactions in between. A slow writer's snapshot includes more than its name says.
        if (own !== undefined && own < zxid) {
          throw new SnapshotDamage(`it holds transactions up to ${formatHex(own)} alone`, 0)
        }
        if (upTo !== undefined && (digest === undefined || digest.zxid > upTo)) {
          // Transactions were applied while it was written. Only the digest says how far that went.
          const reach = digest === undefined ? 'it has no digest' : `its digest is that of ${formatHex(digest.zxid)}`
          this.#problems.push(`${path} may hold transactions after ${formatHex(upTo)}: ${reach}`)
          continue
        }
        this.#tree = tree
        this.#missingAcls = missingAcls
        this.#snapshot = path
        this.#digest = digest
        if (digest === undefined) this.#comparesDigests = false
        else if (digest.zxid > zxid) this.#fuzzyUntil = digest.zxid
        else if (digest.zxid === zxid && digest.value !== tree.digest.value) this.#doubtful = path
        return zxid
      } catch (error) {
        const { message } = error as Error
        this.#problems.push(`${path} cannot be used: ${message}`)
        this.#runtime.log('error', 'a snapshot cannot be used, trying an older one', { file: path, cause: message })
      }
    }
    return undefined
  }

  async #load(path: string): Promise<LoadedSnapshot> {
    const file = await this.#runtime.disk.open(path, { readOnly: true })
    try {
      return await readSnapshot(decompressed(compressionOf(path), bytesOf(file)))
    } finally {
      await file.close()
    }
  }

  // -- logs -----------------------------------------------------------------------------------------------------------

  async #replayLogs(logs: readonly NamedFile[]): Promise<void> {
    // The newest log that begins at or below the first required zxid may reach past it.
    const start = Math.max(
      0,
      logs.findLastIndex(({ zxid }) => zxid <= this.#lastZxid + 1n),
    )
    for (let i = start; i < logs.length && !this.#isBeyondBound(this.#lastZxid + 1n); i++) {
      const path = this.#pathOf(logs[i] as NamedFile)
      const file = await this.#runtime.disk.open(path, { readOnly: true })
      try {
        const loss = await this.#replayLog(await LogFile.open(path, file), logs[i + 1]?.zxid)
        // A killed process may have left bytes that it never synced; later writes must not outlive them.
        if (!this.#isReadOnly) await file.sync()
        if (loss === undefined) continue
        const rest = logs.slice(i).map((each) => this.#pathOf(each))
        this.#lose({ ...loss, until: await highestIn(this.#runtime.disk, rest, loss.until) })
        this.#aside.push(...rest.filter((each) => !this.#aside.includes(each)))
        return
      } finally {
        await file.close()
      }
    }
  }

  /** Applies the transactions of a log; returns what is missing, if anything is. */
  async #replayLog(log: LogFile, nextFile: bigint | undefined): Promise<PlacedLoss | undefined> {
    let from = 0
    /** The last record that the snapshot has. */
    let seen = 0n
    for (;;) {
      let loss: PlacedLoss | undefined
      const covered = this.#replayed === 0 ? this.#lastZxid : undefined
      const end = await log.scan(
        (record, at) => {
          if (this.#isBeyondBound(record.header.zxid)) return false
          const judgement = this.#judgeRecord(record, at)
          if (judgement === 'apply') this.#apply(record, at)
          if (typeof judgement === 'string') return
          loss = { ...judgement, place: `${log.path} at offset ${at.offset}: ${judgement.reason}` }
          return false
        },
        from,
        (zxid, at) => {
          if (covered === undefined || zxid > covered) return false
          seen = zxid
          if (zxid === covered) this.#hasReadLast = true
          this.#recent.note(zxid, at)
          return true
        },
      )
      if (loss !== undefined) return loss
      this.#logsEnd = `${log.path} at offset ${end.offset}`
      if (end.kind === 'complete' || end.kind === 'stopped') return undefined
      const next = end.kind === 'foreign' ? undefined : await log.findRecord(end.offset, this.#lastZxid)
      const known = { ...this.#known(nextFile === undefined), hasReadLast: this.#hasReadLast, nextFile }
      // A mark from before another server went on says nothing of what that one acknowledged.
      if (log.isFromOthers) known.promised = undefined
      const judgement = judge(end, next, known)
      const place = `${this.#logsEnd}: ${end.reason || 'zeros'}`
      if (judgement.kind === 'cut' || judgement.kind === 'drop') {
        // Records between the damage and the snapshot's last one were acknowledged: others may ask for them.
        const isCovered = next === undefined && !this.#hasReadLast
        const covered = isCovered ? await log.findRecord(end.offset, seen) : undefined
        if (covered !== undefined && covered.zxid <= this.#lastZxid) {
          this.#runtime.log('warn', skipped, { place })
          return undefined
        }
      }
      const isSuspect = judgement.kind === 'cut' || (judgement.kind === 'drop' && judgement.hasRecords)
      if (isSuspect) this.#suspects.push(log.path)
      switch (judgement.kind) {
        case 'loss':
          return { ...judgement, place: `${this.#logsEnd}: ${judgement.reason}` }
        case 'cut':
          this.#cuts.push({ path: log.path, offset: end.offset, reason: judgement.reason })
          return undefined
        case 'drop':
          this.#drops.push(log.path)
          return undefined
        case 'continue':
          if (judgement.from === undefined) return undefined
          this.#runtime.log('warn', skipped, { place })
          from = judgement.from
      }
    }
  }

  #judgeRecord({ header, txn }: LoggedTxn, at: RecordPlace): 'apply' | 'skip' | Loss {
    // The table gives the same answer; nearly all records go this way.
    if (header.zxid === this.#lastZxid + 1n) return 'apply'
    const isRepeat = this.#recent.isRepeat(this.#lastZxid, header.zxid, txn.type, at)
    return judgeRecord(header.zxid, isRepeat, this.#known(false))
  }

  #known(isLastFile: boolean): Known {
    const hasSnapshot = this.#snapshot !== ''
    return { last: this.#lastZxid, promised: this.#promised, hasReplayed: this.#replayed > 0, hasSnapshot, isLastFile }
  }

  #isBeyondBound(zxid: bigint): boolean {
    const { upTo } = this.#options
    return upTo !== undefined && zxid > upTo
  }

  #apply({ header, txn, digest }: LoggedTxn, at: RecordPlace): void {
    const { zxid } = header
    replay(this.#tree, header, txn)
    this.#recent.note(zxid, at)
    this.#lastZxid = zxid
    this.#hasReadLast = true
    this.#replayed++
    if (digest === undefined || !this.#comparesDigests || zxid < this.#fuzzyUntil) return
    const here = this.#tree.digest.value
    if (digest === here) this.#doubtful = undefined
    else if (this.#digestMismatches++ === 0) {
      const message =
        'the tree does not have the digest the log says: it differs from the one that was served; compare it with a backup or another server'
      this.#runtime.log('error', message, { zxid, logged: digest, here })
    }
  }

  #pathOf({ name }: NamedFile): string {
    return `${this.#options.logDirectory}/${name}`
  }

  // -- what must be there ---------------------------------------------------------------------------------------------

  /**
   * A snapshot of Apache's may be one transaction ahead of its digest. With a bound, the tree must not include that transaction.
   */
  #checkBound(): void {
    const { upTo } = this.#options
    if (upTo === undefined || this.#digest?.zxid !== upTo || this.#lastZxid !== upTo) return
    if (this.#digest.value === this.#tree.digest.value) return
    throw new UnfitSnapshot(
      this.#snapshot,
      `the tree at ${formatHex(upTo)} does not have the digest that the snapshot says; it may hold a later transaction`,
    )
  }

  /** The tree must reach as far as anything that was promised or written; with a bound, exactly to the bound. */
  #checkReach(snapshots: readonly NamedFile[]): void {
    if (this.#isLossy) return
    const { upTo } = this.#options
    const last = this.#lastZxid
    if (upTo !== undefined) {
      if (last === upTo) return
      throw new RecoveryError(
        `${this.#logsEnd}: the history has no transaction ${formatHex(upTo)}; the last one before it is ${formatHex(last)}` +
          this.#because,
      )
    }
    const newestSnapshot = snapshots.at(-1)?.zxid
    const loss = judgeReach(last, { promised: this.#promised, newestSnapshot, fuzzyUntil: this.#fuzzyUntil })
    if (loss !== undefined) this.#lose({ ...loss, place: `${this.#logsEnd}: ${loss.reason}` })
  }

  /** The end of a sentence, and why snapshots could not be used. */
  get #because(): string {
    return ['', ...this.#problems].map((each) => (each === '' ? '.' : ` ${each}.`)).join('')
  }

  #lose({ place, until }: PlacedLoss): void {
    const first = formatHex(this.#lastZxid + 1n)
    const range = until > this.#lastZxid ? `${first} to ${formatHex(until)}` : `from ${first} on`
    if (this.#options.damage !== 'accept') {
      throw new RecoveryError(
        `${place}. Transactions ${range} are missing or damaged, and are not given up silently${this.#because} ` +
          'A copy of the directory that was made file by file while a server used it looks like this, too: ' +
          '"lightkeeper backup" makes one that is whole.' +
          this.#advice(
            'look into it with "lightkeeper inspect", or start once with --accept-loss to go on without them; damaged files ' +
              'are kept, renamed.',
          ),
      )
    }
    this.#runtime.log('error', `continuing without transactions ${range} (--accept-loss)`, { place })
    this.#isLossy = true
    this.#aside.push(...this.#suspects)
    // New transactions must not reuse the numbers of lost ones, which clients have seen.
    const highest = [until, this.#promised ?? 0n, this.#fuzzyUntil].reduce((a, b) => (a > b ? a : b))
    if (highest > this.#lastZxid) this.#lastZxid = highest
  }

  /** What to do where a start is refused. A member does without: it gets everything from its leader. */
  #advice(orElse: string): string {
    return this.#options.damage === 'report' ? '' : ` Restore the directory from a backup, ${orElse}`
  }

  /** By now the log must have supplied the missing ACL lists. An unknown list never counts as an open one. */
  #checkAcls(snapshots: readonly NamedFile[]): void {
    const paths = [...this.#missingAcls.keys()].filter((path) => isMissingAcl(this.#tree.get(path)?.acl ?? []))
    const [path] = paths
    if (path === undefined) return
    const others = paths.length === 1 ? '' : `, like ${paths.length - 1} others,`
    const reason = `${path}${others} has the ACL list ${this.#missingAcls.get(path)}, which neither the snapshot nor the log has`
    const older = snapshots.some(({ name }) => {
      const each = `${this.#options.snapshotDirectory}/${name}`
      return each !== this.#snapshot && !this.#without.has(each)
    })
    if (older) throw new UnfitSnapshot(this.#snapshot, reason)
    if (this.#options.damage !== 'accept') {
      throw new RecoveryError(
        `${this.#snapshot}: ${reason}, and there is no older snapshot to start from.` +
          this.#advice('or start once with --accept-loss: only the super user passes the ACL of such znodes then.'),
      )
    }
    this.#runtime.log('error', 'znodes without a known ACL are open to the super user alone (--accept-loss)', {
      first: path,
      count: paths.length,
    })
    for (const each of paths) {
      const node = this.#tree.get(each) as Znode
      this.#tree.setAcl(each, nobody, node.aversion)
      // They come from transactions after the last known one, whose numbers must not be reused.
      for (const zxid of [node.czxid, node.mzxid, node.pzxid]) if (zxid > this.#lastZxid) this.#lastZxid = zxid
    }
    this.#isLossy = true
  }
}
