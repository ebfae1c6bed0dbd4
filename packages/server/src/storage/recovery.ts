/**
 * From a data directory to a tree: the newest good snapshot and every logged transaction behind it. What was acknowledged and is
 * not there any more makes this fail with the file, the place and the choices; it is never passed over. Only what a crash leaves,
 * a torn end of the last log above everything acknowledged, is cut off.
 */
import { type Acl, formatHex, opCode, zxidCounter, zxidEpoch } from '@lightkeeper/protocol'
import type { DiskFile, Runtime } from '@lightkeeper/runtime'
import { DataTree, type TreeListener } from '../tree/data-tree.ts'
import { digestOfZnode } from '../tree/digest.ts'
import { replay } from '../tree/replay.ts'
import type { Znode } from '../tree/znode.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { compressionOf, decompressed } from './compression.ts'
import { asidePrefix, logsAmong, type NamedFile, snapshotsAmong, temporaryPrefix } from './file-names.ts'
import { type LogEnd, LogFile, logHeaderBytes } from './log-file.ts'
import { type ByteSource, isMissingAcl, type LoadedSnapshot, readSnapshot, SnapshotDamage } from './snapshot-file.ts'
import type { LoggedTxn } from './txn-codec.ts'

export interface RecoveryOptions {
  readonly snapshotDirectory: string
  readonly logDirectory: string
  /** Go on without what is lost, and put aside what cannot be used. */
  readonly acceptLoss: boolean
  readonly listener: TreeListener
  /** Changes nothing: for a directory that another process may be using. Default false. */
  readonly readOnly?: boolean
}

export interface Recovered {
  readonly tree: DataTree
  /** The last transaction of the tree; the next one is above it. */
  readonly lastZxid: bigint
  /** The snapshot it started from; undefined when there was none. */
  readonly snapshotZxid: bigint | undefined
  readonly replayedTxns: number
  /** Transactions were given up: the tree must be written down before anything is built on it. */
  readonly isLossy: boolean
  /** Logs that were given up, to be put aside once the tree is written down. */
  readonly aside: readonly string[]
}

/** The directory is not what an undamaged server leaves behind. */
export class RecoveryError extends Error {
  override readonly name = 'RecoveryError'
  readonly code = 'DATA_DAMAGED'
}

/** Thrown through a scan: this record cannot be the next one. */
class Discontinuity extends Error {
  readonly offset: number
  readonly zxid: bigint

  constructor(offset: number, zxid: bigint) {
    super('discontinuity')
    this.offset = offset
    this.zxid = zxid
  }
}

/** A znode's ACL list is neither in the snapshot nor in the log behind it, and there is an older snapshot to try. */
class IncompleteSnapshot extends Error {
  readonly path: string

  constructor(path: string, reason: string) {
    super(reason)
    this.path = path
  }
}

interface Loss {
  /** Where it shows. */
  readonly place: string
  /** The last zxid that is known to have existed. */
  readonly until: bigint
}

const readBytes = 1 << 20
/** Grants nothing. */
const nobody: readonly Acl[] = [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }]

export async function recover(runtime: Runtime, options: RecoveryOptions): Promise<Recovered> {
  const without = new Map<string, string>()
  for (;;) {
    try {
      return await new Recovery(runtime, options, without).run()
    } catch (error) {
      if (!(error instanceof IncompleteSnapshot)) throw error
      runtime.log('error', 'a snapshot cannot be used, trying an older one', { file: error.path, cause: error.message })
      without.set(error.path, error.message)
    }
  }
}

class Recovery {
  readonly #runtime: Runtime
  readonly #options: RecoveryOptions
  #tree: DataTree
  #lastZxid = 0n
  #replayed = 0
  #isLossy = false
  /** Why snapshots could not be used. */
  readonly #problems: string[] = []
  /** The path of the one the tree was loaded from. */
  #snapshot = ''
  /** Up to here the tree may hold effects of transactions not replayed yet: no digest is compared before. */
  #fuzzyUntil = 0n
  /**
   * A snapshot without the digest it says. Apache changes the tree first and the digest afterwards, and writes snapshots in
   * another thread: its tree may be one transaction ahead of its digest, and is well where the digest of that one fits.
   */
  #doubtful: string | undefined
  #comparesDigests = true
  #digestMismatches = 0
  /** The kept mark, undefined where there is none: another's directory. */
  #acknowledged: bigint | undefined
  /** Where the last good transaction ends. */
  #logsEnd: string
  /** What is to be done to the files once everything is found to be well. */
  readonly #cuts: { readonly path: string; readonly offset: number; readonly reason: string }[] = []
  readonly #empty: string[] = []
  /** Logs with something behind their last good record. */
  readonly #suspects: string[] = []
  readonly #aside: string[] = []

  /** Snapshots that were found to be incomplete, and why. */
  readonly #without: ReadonlyMap<string, string>
  /** Paths whose ACL lists the snapshot lacks. */
  #missingAcls: ReadonlyMap<string, bigint> = new Map()

  constructor(runtime: Runtime, options: RecoveryOptions, without: ReadonlyMap<string, string>) {
    this.#runtime = runtime
    this.#options = options
    this.#without = without
    for (const [path, reason] of without) this.#problems.push(`${path} cannot be used: ${reason}`)
    this.#tree = new DataTree(options.listener)
    this.#logsEnd = options.logDirectory
  }

  async run(): Promise<Recovered> {
    const { snapshotDirectory, logDirectory } = this.#options
    const { disk } = this.#runtime
    const names = await disk.list(snapshotDirectory)
    const logNames = logDirectory === snapshotDirectory ? names : await disk.list(logDirectory)
    if (logDirectory !== snapshotDirectory) {
      if (snapshotsAmong(logNames).length > 0) {
        throw new RecoveryError(
          `${logDirectory} holds snapshots although it is the log directory; move them to ${snapshotDirectory}`,
        )
      }
      if (logsAmong(names).length > 0) {
        throw new RecoveryError(
          `${snapshotDirectory} holds logs although ${logDirectory} is the log directory; move them there`,
        )
      }
    }
    const snapshots = snapshotsAmong(names)
    const mark = await AcknowledgedMark.read(disk, logDirectory)
    this.#acknowledged = mark === 0n ? undefined : mark

    const snapshotZxid = await this.#loadNewest(snapshots)
    this.#lastZxid = snapshotZxid ?? 0n
    await this.#replayLogs(logsAmong(logNames))
    if (this.#doubtful !== undefined) {
      this.#runtime.log('error', 'a snapshot does not have the digest it says', { file: this.#doubtful })
    }
    this.#checkReach(snapshots)
    this.#checkAcls(snapshots)
    if (!this.#options.readOnly) await this.#tidy(names, logNames)
    this.#buryOrphans()
    return {
      tree: this.#tree,
      lastZxid: this.#lastZxid,
      snapshotZxid,
      replayedTxns: this.#replayed,
      isLossy: this.#isLossy,
      aside: this.#aside,
    }
  }

  // -- snapshots ------------------------------------------------------------------------------------------------------

  async #loadNewest(snapshots: readonly NamedFile[]): Promise<bigint | undefined> {
    for (const { name, zxid } of snapshots.toReversed()) {
      const path = `${this.#options.snapshotDirectory}/${name}`
      if (this.#without.has(path)) continue
      try {
        const { tree, digest, zxid: own, missingAcls } = await this.#load(path)
        // One that was renamed would hide what lies between; a writer that is slow says more than the name.
        if (own !== undefined && own < zxid)
          throw new SnapshotDamage(`it holds transactions up to ${formatHex(own)} alone`, 0)
        this.#tree = tree
        this.#missingAcls = missingAcls
        this.#snapshot = path
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
      return await readSnapshot(decompressed(compressionOf(path), bytesOf(file)), this.#options.listener)
    } finally {
      await file.close()
    }
  }

  // -- logs -----------------------------------------------------------------------------------------------------------

  async #replayLogs(logs: readonly NamedFile[]): Promise<void> {
    // The newest log that begins at or below the first zxid needed may reach past it.
    const start = Math.max(
      0,
      logs.findLastIndex(({ zxid }) => zxid <= this.#lastZxid + 1n),
    )
    for (let i = start; i < logs.length; i++) {
      const path = this.#pathOf(logs[i] as NamedFile)
      const file = await this.#runtime.disk.open(path, { readOnly: true })
      try {
        const loss = await this.#replayLog(await LogFile.open(path, file), i === logs.length - 1)
        // A killed process may have left what it never synced; what is built on it must not outlast it.
        if (!this.#options.readOnly) await file.sync()
        if (loss === undefined) continue
        const rest = logs.slice(i).map((each) => this.#pathOf(each))
        this.#lose({ place: loss.place, until: await this.#highestIn(rest, loss.until) })
        this.#aside.push(...rest.filter((path) => !this.#aside.includes(path)))
        return
      } finally {
        await file.close()
      }
    }
  }

  /** Applies what a log adds; says what is missing, if anything is. */
  async #replayLog(log: LogFile, isLast: boolean): Promise<Loss | undefined> {
    let from = 0
    for (;;) {
      let end: LogEnd
      try {
        const covered = this.#replayed === 0 ? this.#lastZxid : undefined
        end = await log.scan((record, { offset }) => this.#apply(record, offset), from, covered)
      } catch (error) {
        if (!(error instanceof Discontinuity)) throw error
        return { place: `${log.path} at offset ${error.offset}: ${this.#describeJump(error.zxid)}`, until: error.zxid }
      }
      this.#logsEnd = `${log.path} at offset ${end.offset}`
      if (end.kind === 'complete') return undefined
      const place = `${log.path} at offset ${end.offset}: ${end.reason || 'zeros'}`
      if (end.kind === 'foreign') return { place, until: this.#lastZxid + 1n }
      const next = await log.findRecord(end.offset, this.#lastZxid)
      if (next !== undefined && this.#continues(next.zxid)) {
        // What is damaged lies in front of all that is needed.
        this.#runtime.log('warn', 'skipped a damaged part of a log that a snapshot covers', { place })
        from = next.offset
        continue
      }
      if (next !== undefined && isLast && this.#acknowledged === undefined) {
        return { place: `${place}, and good transactions from ${formatHex(next.zxid)} on behind it`, until: next.zxid }
      }
      if (next !== undefined || end.kind === 'torn') this.#suspects.push(log.path)
      if (end.kind === 'header') this.#empty.push(log.path)
      else if (end.kind === 'torn') this.#cuts.push({ path: log.path, offset: end.offset, reason: end.reason })
      else if (next !== undefined)
        this.#cuts.push({ path: log.path, offset: end.offset, reason: 'a batch that was torn' })
      return undefined
    }
  }

  #describeJump(zxid: bigint): string {
    if (zxid <= this.#lastZxid) return `transaction ${formatHex(zxid)} again, behind ${formatHex(this.#lastZxid)}`
    if (this.#replayed === 0 && this.#lastZxid === 0n) {
      return `the logs begin with ${formatHex(zxid)}, and there is no usable snapshot to start from`
    }
    return `transaction ${formatHex(zxid)} follows ${formatHex(this.#lastZxid)}`
  }

  /** Whether `zxid` may stand right behind the last one: the next number, or the first of a later epoch. */
  #continues(zxid: bigint): boolean {
    const last = this.#lastZxid
    if (zxid === last + 1n) return true
    if (last === 0n) return zxidEpoch(zxid) === 1 && zxidCounter(zxid) <= 1
    return zxidEpoch(zxid) > zxidEpoch(last) && zxidCounter(zxid) <= 1
  }

  #apply({ header, txn, digest }: LoggedTxn, offset: number): void {
    const { zxid } = header
    if (zxid <= this.#lastZxid && this.#replayed === 0) return
    // Apache 3.9 logs a write that it could not read so, without a number of its own; it changes nothing.
    if (zxid === this.#lastZxid && txn.type === opCode.error) return
    if (!this.#continues(zxid)) throw new Discontinuity(offset, zxid)
    replay(this.#tree, header, txn)
    this.#lastZxid = zxid
    this.#replayed++
    if (digest === undefined || !this.#comparesDigests || zxid < this.#fuzzyUntil) return
    if (digest === this.#tree.digest.value) this.#doubtful = undefined
    if (digest === this.#tree.digest.value || this.#digestMismatches++ > 0) return
    this.#runtime.log(
      'error',
      'the tree does not have the digest the log says; it differs from the one that was served',
      {
        zxid,
        logged: digest,
        here: this.#tree.digest.value,
      },
    )
  }

  async #highestIn(paths: readonly string[], atLeast: bigint): Promise<bigint> {
    let highest = atLeast
    for (const path of paths) {
      const file = await this.#runtime.disk.open(path, { readOnly: true })
      try {
        const log = await LogFile.open(path, file)
        for (let from = 0; ; ) {
          const end = await log.scan(({ header }) => {
            if (header.zxid > highest) highest = header.zxid
          }, from)
          if (end.kind === 'complete') break
          const next = await log.findRecord(Math.max(end.offset, logHeaderBytes), highest)
          if (next === undefined) break
          from = next.offset
        }
      } finally {
        await file.close()
      }
    }
    return highest
  }

  #pathOf({ name }: NamedFile): string {
    return `${this.#options.logDirectory}/${name}`
  }

  // -- what must be there ---------------------------------------------------------------------------------------------

  /** The tree must reach as far as anything that was ever said or written down. */
  #checkReach(snapshots: readonly NamedFile[]): void {
    if (this.#isLossy) return
    const acknowledged = this.#acknowledged ?? 0n
    if (this.#lastZxid < acknowledged) {
      this.#lose({ place: `${this.#logsEnd}: the log ends, and more was acknowledged`, until: acknowledged })
      return
    }
    const newest = snapshots.at(-1)
    if (newest !== undefined && this.#lastZxid < newest.zxid) {
      this.#lose({
        place: `${this.#logsEnd}: the log ends, and does not reach the newest snapshot`,
        until: newest.zxid,
      })
      return
    }
    if (this.#lastZxid < this.#fuzzyUntil) {
      const place = `${this.#logsEnd}: the log ends, and the snapshot holds some of what came later`
      this.#lose({ place, until: this.#fuzzyUntil })
    }
  }

  #lose({ place, until }: Loss): void {
    const first = formatHex(this.#lastZxid + 1n)
    const range = until > this.#lastZxid ? `${first} to ${formatHex(until)}` : `from ${first} on`
    const because = this.#problems.length === 0 ? '' : ` ${this.#problems.join('. ')}.`
    if (!this.#options.acceptLoss) {
      throw new RecoveryError(
        `${place}. Transactions ${range} are missing or damaged, and are not given up silently.${because} ` +
          'A copy of the directory that was made file by file while a server used it looks like this, too: ' +
          '"lightkeeper backup" makes one that is whole. ' +
          'Restore the directory from a backup or from another member, look into it with "lightkeeper inspect", ' +
          'or start once with --accept-loss to go on without them; damaged files are kept, renamed.',
      )
    }
    this.#runtime.log('error', `going on without transactions ${range}, as told`, { place })
    this.#isLossy = true
    this.#aside.push(...this.#suspects)
    // New transactions must not take the numbers of lost ones, which clients have seen.
    const highest = [until, this.#acknowledged ?? 0n, this.#fuzzyUntil].reduce((a, b) => (a > b ? a : b))
    if (highest > this.#lastZxid) this.#lastZxid = highest
  }

  /** What the snapshot left open the log must have told by now. A list that is not known is never taken for an open one. */
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
    if (older) throw new IncompleteSnapshot(this.#snapshot, reason)
    if (!this.#options.acceptLoss) {
      throw new RecoveryError(
        `${this.#snapshot}: ${reason}, and there is no older snapshot to start from. Restore the directory from a backup or ` +
          'from another member, or start once with --accept-loss: only the super user passes the ACL of such znodes then.',
      )
    }
    this.#runtime.log('error', 'znodes without a known ACL are open to the super user alone, as told', {
      first: path,
      count: paths.length,
    })
    for (const each of paths) {
      const node = this.#tree.get(each) as Znode
      this.#tree.setAcl(each, nobody, node.aversion)
      // They come from transactions behind the last one that is known, whose numbers must not be given again.
      for (const zxid of [node.czxid, node.mzxid, node.pzxid]) if (zxid > this.#lastZxid) this.#lastZxid = zxid
    }
    this.#isLossy = true
  }

  // -- afterwards -----------------------------------------------------------------------------------------------------

  /** Leaves the directory as Apache can read it too: it takes a torn record with a wrong checksum for a reason to stop. */
  async #tidy(names: readonly string[], logNames: readonly string[]): Promise<void> {
    const { snapshotDirectory, logDirectory } = this.#options
    const { disk, log } = this.#runtime
    // Where something is given up, nothing is thrown away.
    for (const { path, offset, reason } of this.#isLossy ? [] : this.#cuts) {
      log('warn', 'cut a torn end off a log; nothing of it was acknowledged', { file: path, offset, reason })
      const file = await disk.open(path)
      try {
        await file.truncate(offset)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    for (const path of this.#isLossy ? [] : this.#empty) {
      log('warn', 'removed a log without a header; nothing of it was acknowledged', { file: path })
      await disk.remove(path)
    }
    const isTemporary = (name: string): boolean => name.startsWith(temporaryPrefix)
    for (const name of names.filter(isTemporary)) await disk.remove(`${snapshotDirectory}/${name}`)
    if (logDirectory !== snapshotDirectory) {
      for (const name of logNames.filter(isTemporary)) await disk.remove(`${logDirectory}/${name}`)
    }
    await disk.syncDirectory(logDirectory)
    if (logDirectory !== snapshotDirectory) await disk.syncDirectory(snapshotDirectory)
  }

  /** Ephemerals of sessions that are not there: their closeSession was applied in part when the snapshot was taken. */
  #buryOrphans(): void {
    const tree = this.#tree
    for (const [session, paths] of [...tree.ephemerals()]) {
      if (tree.sessions.has(session)) continue
      for (const path of [...paths]) {
        const node = tree.get(path)
        if (node === undefined) continue
        this.#runtime.log('warn', 'removed an ephemeral whose session does not exist', { path, session })
        const parent = path.slice(0, path.lastIndexOf('/')) || '/'
        tree.digest.subtract(digestOfZnode(path, node))
        const parentNode = tree.get(parent)
        if (parentNode !== undefined) tree.digest.subtract(digestOfZnode(parent, parentNode))
        tree.deleteNode(path, this.#lastZxid)
        if (parentNode !== undefined) tree.digest.add(digestOfZnode(parent, parentNode))
      }
    }
  }
}

export function asideName(path: string): string {
  const slash = path.lastIndexOf('/')
  return `${path.slice(0, slash + 1)}${asidePrefix}${path.slice(slash + 1)}`
}

export function bytesOf(file: DiskFile): ByteSource {
  let position = 0
  return async () => {
    const target = new Uint8Array(readBytes)
    const count = await file.read(position, target)
    position += count
    return count === 0 ? undefined : target.subarray(0, count)
  }
}
