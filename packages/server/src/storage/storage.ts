/**
 * A data directory in use: recovered, locked, written to. Decides when a snapshot is due and which files may be removed after it
 * (SyncRequestProcessor.java, DatadirCleanupManager.java).
 */
import { assert, type DirectoryLock, type Runtime } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import type { SessionKeys } from '../session/session-keys.ts'
import { Summary } from '../stats.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { type BaseDirectories, finishInstalling, IncomingBase, truncateBase } from './base.ts'
import { makeDirectory, refuseMisplaced, requireDirectory, versionDirectory } from './directories.ts'
import { asidePath, snapshotsAmong } from './file-names.ts'
import { FileTxnLog } from './file-txn-log.ts'
import { scanHistory, type TakeTxn } from './history-reader.ts'
import { SnapshotDamage } from './image.ts'
import { receiveSnapshot } from './incoming-snapshot.ts'
import { PastFiles } from './past-files.ts'
import { purge } from './purge.ts'
import { type DamagePolicy, type Recovered, recover } from './recovery.ts'
import { openSessionKeys, sharedSessionKeys } from './session-secret.ts'
import { directorySize } from './sizes.ts'
import { bytesOf } from './snapshot-file.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import { tidy } from './tidy.ts'

export interface StorageOptions {
  /**
   * What to do where something is lost or damaged, see RecoveryOptions. A member of an ensemble uses `report`, and also keeps
   * orphans. Default `refuse`.
   */
  readonly damage?: DamagePolicy
}

export interface SnapshotResult {
  /** The name of the file, without its directory. */
  readonly name: string
  /** The zxid in this name: every transaction up to it is in the snapshot. */
  readonly zxid: bigint
}

export class Storage {
  readonly log: FileTxnLog
  readonly recovered: Recovered
  readonly snapshotDirectory: string
  readonly logDirectory: string
  readonly sessionKeys: SessionKeys
  /** The logs and snapshots, for readers elsewhere. */
  readonly past: PastFiles
  /** How long snapshots took, milliseconds. */
  readonly snapshotTimes = new Summary()
  readonly #runtime: Runtime
  readonly #config: ServerConfig
  readonly #mark: AcknowledgedMark
  readonly #locks: readonly DirectoryLock[]
  /** The current tree. */
  #tree: DataTree
  #appliedZxid: bigint
  /** Another history is replacing this one: no snapshot of this one may be written. */
  #isReplacing = false
  #replacing: Promise<unknown> | undefined
  #snapshotAtTxns = 0
  #snapshotAtBytes = 0
  #running: Promise<SnapshotResult> | undefined
  #purging: Promise<void> | undefined
  /** What others still do in the directories. */
  readonly #others = new Set<Promise<unknown>>()
  #isClosed = false
  #lastSnapshot: { readonly zxid: bigint; readonly wall: number } | undefined

  private constructor(
    runtime: Runtime,
    config: ServerConfig,
    directories: BaseDirectories,
    recovered: Recovered,
    mark: AcknowledgedMark,
    sessionKeys: SessionKeys,
    locks: readonly DirectoryLock[],
  ) {
    this.#runtime = runtime
    this.#config = config
    this.snapshotDirectory = directories.snapshots
    this.logDirectory = directories.logs
    this.recovered = recovered
    this.#mark = mark
    this.sessionKeys = sessionKeys
    this.#locks = locks
    this.#tree = recovered.tree
    this.#appliedZxid = recovered.lastZxid
    this.log = new FileTxnLog(runtime.disk, directories.logs, recovered.lastZxid, {
      preAllocBytes: config.preAllocSize * 1024,
      forceSync: config.forceSync,
      onDurable: (zxid) => mark.note(zxid),
    })
    this.past = new PastFiles(runtime.disk, directories, this.log)
    // Replayed transactions will be replayed again until a snapshot includes them.
    this.log.txns = recovered.replayedTxns
    this.#drawLimits()
  }

  /**
   * Locks the directory of `config` and reads it.
   * @throws RecoveryError where something acknowledged is missing; SessionSecretError; an Error with code ELOCKED where another
   * process has the directory.
   */
  static async open(
    runtime: Runtime,
    config: ServerConfig,
    dataDir: string,
    options: StorageOptions = {},
  ): Promise<Storage> {
    const { disk } = runtime
    for (const given of new Set([dataDir, config.dataLogDir ?? dataDir])) await refuseMisplaced(disk, given)
    const snapshots = `${dataDir}/${versionDirectory}`
    const named = `${config.dataLogDir ?? dataDir}/${versionDirectory}`
    const have = config.datadirAutocreate ? makeDirectory : requireDirectory
    for (const directory of new Set([snapshots, named])) await have(disk, directory)
    // One directory may have two names, and must not be locked twice.
    const logs = (await disk.identity(named)) === (await disk.identity(snapshots)) ? snapshots : named
    const unique = [...new Set([snapshots, logs])]
    const locks: DirectoryLock[] = []
    try {
      for (const directory of unique) locks.push(await disk.lock(directory))
      await finishInstalling(runtime, { snapshots, logs }, () => AcknowledgedMark.open(runtime, logs))
      const recovered = await recover(runtime, {
        snapshotDirectory: snapshots,
        logDirectory: logs,
        damage: options.damage ?? 'refuse',
        orphans: options.damage === 'report' ? 'keep' : 'remove',
      })
      const mark = await AcknowledgedMark.open(runtime, logs)
      const shared = config.sessionSecretFile
      const keys =
        shared === undefined
          ? await openSessionKeys(runtime, snapshots, recovered.tree.sessions.keys())
          : await sharedSessionKeys(runtime, shared)
      const storage = new Storage(runtime, config, { snapshots, logs }, recovered, mark, keys, locks)
      await storage.#begin()
      return storage
    } catch (error) {
      for (const lock of locks) await lock.release()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { recovered } = this
    // A member with `report` gets another history, and this one stays unchanged until then. What an image left that did not come to
    // its end would fill the disk at last.
    if (recovered.damage !== undefined) {
      await tidy(this.#runtime, new Set([this.snapshotDirectory, this.logDirectory]), [], [])
      return
    }
    const { disk, log } = this.#runtime
    const names = await disk.list(this.snapshotDirectory)
    // Apache does not start from logs alone, and transactions that were given up must not return.
    if (snapshotsAmong(names).length === 0 || recovered.isLossy) await this.snapshot()
    if (recovered.isLossy) {
      await this.#mark.set(recovered.lastZxid)
      for (const path of recovered.aside) {
        await disk.rename(path, asidePath(path))
        log('warn', 'put a damaged log aside', { file: asidePath(path) })
      }
      await disk.syncDirectory(this.logDirectory)
    }
    // From now on clients see everything that was recovered, acknowledged or not, so it must not disappear.
    // Also that of nothing: a first batch that is torn is then known to be one that nobody relies on.
    if (this.#mark.zxid < recovered.lastZxid || !this.#mark.isSet) await this.#mark.set(recovered.lastZxid)
    for (const directory of new Set([this.snapshotDirectory, this.logDirectory])) await disk.syncDirectory(directory)
  }

  /** Everything up to `zxid` was applied to the tree; this may begin a snapshot. */
  applied(zxid: bigint): void {
    this.#appliedZxid = zxid
    const { log } = this
    if (log.txns <= this.#snapshotAtTxns && log.bytes <= this.#snapshotAtBytes) return
    this.#drawLimits()
    log.roll()
    if (this.#running !== undefined) {
      this.#runtime.log(
        'warn',
        'a snapshot is due while the one before is still written, and is left out; the disk is slow, or snapCount is small',
      )
      return
    }
    this.snapshot().then(
      () => this.#purge(),
      (error: Error) => {
        // Given up for the stop of the server: the log has everything.
        if (this.#isClosed) return
        // The log has everything; the next one may succeed.
        this.#runtime.log(
          'error',
          'a snapshot could not be written; the log keeps everything, and the next one is tried later; see to the disk',
          { cause: error.message },
        )
      },
    )
  }

  /** The same without a snapshot: for a member between two terms, whose tree may be about to change. */
  replayed(zxid: bigint): void {
    this.#appliedZxid = zxid
  }

  /** Writes a snapshot now, or waits for the one that is being written. Resolves when it is durable. */
  snapshot(): Promise<SnapshotResult> {
    if (this.#running !== undefined) return this.#running
    if (this.#isReplacing) return Promise.reject(new Error('the history is being replaced'))
    if (this.#appliedZxid < 0n) return Promise.reject(new Error('the data directory is damaged: there is no tree yet'))
    const { clock, disk, log } = this.#runtime
    const begun = clock.now()
    const running = writeSnapshot(this.#tree, {
      disk,
      directory: this.snapshotDirectory,
      compression: this.#config.snapshotCompression,
      withDigest: this.#config.digestEnabled,
      sliceZnodes: this.#config.snapshotSliceZnodes,
      appliedZxid: () => this.#appliedZxid,
      pause: async () => {
        if (this.#isClosed) throw new Error('the server stopped')
        if (this.#isReplacing) throw new Error('the history is being replaced')
        await new Promise<void>((resolve) => clock.after(0, resolve))
      },
    }).then((result) => {
      this.snapshotTimes.add(clock.now() - begun)
      this.#lastSnapshot = { zxid: result.zxid, wall: clock.wall() }
      log('info', 'snapshot written', { file: result.name, ms: Math.round(clock.now() - begun) })
      return result
    })
    this.#running = running
    const settled = (): void => {
      this.#running = undefined
    }
    running.then(settled, settled)
    return running
  }

  /**
   * The zxid of the last snapshot, and when it was written, wall-clock milliseconds; -1000 where it is older than this process. Undefined
   * where there is none.
   */
  get lastSnapshot(): { readonly zxid: bigint; readonly wall: number } | undefined {
    if (this.#lastSnapshot !== undefined) return this.#lastSnapshot
    const { snapshotZxid } = this.recovered
    return snapshotZxid === undefined ? undefined : { zxid: snapshotZxid, wall: -1000 }
  }

  /** The bytes of a snapshot, by its name. They are there as long as they are read, also where a purge removes the file. */
  async snapshotContent(
    name: string,
  ): Promise<{ readonly size: number; readonly content: () => AsyncIterable<Uint8Array>; close(): Promise<void> }> {
    const file = await this.#runtime.disk.open(`${this.snapshotDirectory}/${name}`, { readOnly: true })
    const close = (): Promise<void> => file.close()
    const next = bytesOf(file)
    return {
      size: await file.size(),
      async *content() {
        try {
          for (let piece = await next(); piece !== undefined; piece = await next()) yield piece
        } finally {
          await close()
        }
      },
      close,
    }
  }

  /** Takes in a snapshot as a file holds it, and checks all of it; see receiveSnapshot. Nothing changes before `install`. */
  receiveSnapshot(source: AsyncIterable<Uint8Array>): Promise<IncomingBase> {
    return receiveSnapshot(this.#runtime.disk, this.#directories, source)
  }

  /**
   * Passes the transactions from `from` to `until`, both included, to `take`, in order; both must be durable. It yields after each part that
   * fits in a turn.
   * @throws NotInLogError where `from` is not in the log; HistoryDamage where the files break off before `until`; DiskReadError.
   */
  scan(from: bigint, until: bigint, take: TakeTxn): AsyncIterable<undefined> {
    return scanHistory(this.#runtime.disk, this.logDirectory, from, until, take)
  }

  // -- another history, for a member of an ensemble -------------------------------------------------------------------

  /** Begins to receive the history of a leader, first an image at `zxid`. Nothing changes before `install`. */
  receive(zxid: bigint): Promise<IncomingBase> {
    return IncomingBase.begin(this.#runtime.disk, this.#directories, zxid)
  }

  /**
   * Replaces the current history by `base`; see IncomingBase. No flush may be under way, and nothing may be applied meanwhile.
   * Resolves to the tree of the image; from now on snapshots are written of it.
   * @throws SnapshotDamage, with nothing changed. After any other error the log takes nothing more, and a start finishes or undoes
   * the change.
   */
  install(base: IncomingBase): Promise<DataTree> {
    return this.#replace(base.zxid, async () => {
      try {
        const tree = await base.install(this.#mark)
        await this.log.restart(base.lastZxid)
        // Whoever is told of the new history may rely on all of it.
        if (this.#mark.zxid < base.lastZxid) await this.#mark.set(base.lastZxid)
        return tree
      } catch (error) {
        if (!(error instanceof SnapshotDamage)) this.log.fail(error as Error)
        throw error
      }
    })
  }

  /**
   * Removes all transactions after `zxid`; see truncateBase, also for the errors. No flush may be under way, and nothing may be
   * applied meanwhile. Resolves to the tree at `zxid`; from now on snapshots are written of it.
   */
  truncate(zxid: bigint, committed: bigint): Promise<DataTree> {
    return this.#replace(zxid, async () => {
      const { tree } = await truncateBase(this.#runtime, this.#directories, this.log, this.#mark, zxid, committed)
      return tree
    })
  }

  #replace(zxid: bigint, work: () => Promise<DataTree>): Promise<DataTree> {
    const replacing = this.#replaceBy(zxid, work)
    this.#replacing = replacing.catch(() => {})
    return replacing
  }

  async #replaceBy(zxid: bigint, work: () => Promise<DataTree>): Promise<DataTree> {
    assert(!this.#isReplacing, 'one history is replaced by one other at a time')
    this.#isReplacing = true
    try {
      // A snapshot of the old tree must not appear among the new files.
      await this.#running?.catch(() => {})
      await this.#purging
      this.#tree = await work()
      this.#appliedZxid = zxid
      return this.#tree
    } finally {
      this.#isReplacing = false
    }
  }

  get #directories(): BaseDirectories {
    return { snapshots: this.snapshotDirectory, logs: this.logDirectory }
  }

  /** Bytes in the directories of snapshots and of logs; equal where they are one directory. */
  async sizes(): Promise<{ readonly snapshots: number; readonly logs: number }> {
    const { disk } = this.#runtime
    const snapshots = await directorySize(disk, this.snapshotDirectory)
    const isOne = this.logDirectory === this.snapshotDirectory
    return { snapshots, logs: isOne ? snapshots : await directorySize(disk, this.logDirectory) }
  }

  /** `close` waits for `work` too: whoever locks the directories next must not find them changing. */
  holds(work: Promise<unknown>): void {
    const over = (): void => void this.#others.delete(work)
    this.#others.add(work)
    work.then(over, over)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#replacing
    await this.#running?.catch(() => {})
    await this.#purging
    await Promise.allSettled(this.#others)
    try {
      await this.log.close()
      await this.#mark.close()
    } finally {
      for (const lock of this.#locks) await lock.release()
    }
  }

  /**
   * Removes old files, one purge at a time: two would try to remove the same files. What one call leaves out, the call after the
   * next snapshot removes.
   */
  #purge(): void {
    const { autopurgeSnapRetainCount: keep, autopurgePurgeInterval } = this.#config
    if (autopurgePurgeInterval === 0 || this.#purging !== undefined || this.#isClosed) return
    const { snapshotDirectory, logDirectory } = this
    const { disk, log } = this.#runtime
    this.#purging = purge(disk, { snapshotDirectory, logDirectory, keep })
      .then(
        (gone) => {
          if (gone.length > 0) log('info', 'removed old files', { count: gone.length, first: gone[0] })
        },
        (error: Error) =>
          log('warn', 'old files could not be removed; the next snapshot tries again', { cause: error.message }),
      )
      .then(() => {
        this.#purging = undefined
      })
  }

  /** A number in the upper half, so that the servers of an ensemble do not all write at the same time. */
  #drawLimits(): void {
    const { random } = this.#runtime
    const { snapCount, snapSizeLimitInKb } = this.#config
    const half = Math.floor(snapCount / 2)
    this.#snapshotAtTxns = half + random.below(Math.max(1, half))
    const halfBytes = (snapSizeLimitInKb * 1024) / 2
    this.#snapshotAtBytes =
      halfBytes > 0 ? halfBytes + random.below(1024) * (halfBytes / 1024) : Number.POSITIVE_INFINITY
  }
}
