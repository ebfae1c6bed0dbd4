/**
 * What the files of a data directory, ours or Apache's, say about themselves: facts for a diagnosis. Everything is read, nothing is
 * changed, and a server may be using the directory. What the facts mean is decided elsewhere.
 */
import { opCode, Reader } from '@lightkeeper/protocol'
import type { Disk, Runtime } from '@lightkeeper/runtime'
import { AcknowledgedMark } from './acknowledged.ts'
import { compressionOf, decompressed } from './compression.ts'
import { continues, RecentRecords } from './continuity.ts'
import { type ExaminedEpochs, examineEpochs } from './epoch-files.ts'
import { SessionCount, type SessionHour } from './examine-sessions.ts'
import { type ExaminedZnode, examineTree } from './examine-tree.ts'
import { logsAmong, snapshotsAmong } from './file-names.ts'
import { endsInsideRecord, type LogEnd, LogFile } from './log-file.ts'
import { recover } from './recovery.ts'
import { bytesOf, readSnapshotInto } from './snapshot-file.ts'

/** Good transactions that follow one another without a damaged place between them. */
export interface Stretch {
  /** The zxid of the first one. */
  readonly first: bigint
  /** The zxid of the last one. */
  readonly last: bigint
  /** The number of transactions. */
  readonly count: number
  /** The offset of the first one in its file. */
  readonly offset: number
  /** The damaged place in front of it, in the same file; undefined where there is none. */
  readonly behind: DamagedPlace | undefined
}

export interface DamagedPlace {
  /** Where it begins in its file, bytes. */
  readonly offset: number
  /** The bytes there are zeros. */
  readonly isZeros: boolean
  /** Why the bytes are no record; empty for zeros. */
  readonly reason: string
}

export interface ExaminedLog {
  /** The path of the file. */
  readonly path: string
  /** The zxid in its name: its first transaction. */
  readonly zxid: bigint
  /** The size of the file, bytes. */
  readonly size: number
  /** The good transactions, in the order of the file. */
  readonly stretches: readonly Stretch[]
  /** How the file ends after its last good record. */
  readonly end: Pick<LogEnd, 'kind' | 'offset' | 'reason'>
  /** The file is shorter than the record at its end says. */
  readonly endsInsideRecord: boolean
  /** Its header says that another server wrote it. */
  readonly isFromOthers: boolean
}

export interface ExaminedSnapshot {
  /** The path of the file. */
  readonly path: string
  /** The zxid in its name. */
  readonly zxid: bigint
  /** The size of the file, bytes. */
  readonly size: number
  /** Why it cannot be used; undefined where it can. */
  readonly problem: string | undefined
}

/** The largest step back of the clock between two transactions. */
export interface ClockStep {
  /** The transaction whose time is earlier than one before it. */
  readonly zxid: bigint
  /** The log that holds it. */
  readonly path: string
  /** How much earlier, milliseconds. */
  readonly backMs: number
}

/** What a start on the directory would come to. */
export type StartOutcome =
  | {
      readonly kind: 'starts'
      /** The last transaction that the server would have. */
      readonly lastZxid: bigint
      /** The number of znodes in the tree. */
      readonly znodes: number
      /** Transactions behind which the tree did not have the digest in the log. */
      readonly digestMismatches: number
      /** Ephemerals whose session does not exist. */
      readonly orphans: readonly string[]
    }
  | { readonly kind: 'refuses'; readonly reason: string }

export interface ExaminedDirectory {
  /** The directory that holds the snapshots: the given one, or its `version-2`. */
  readonly snapshotDirectory: string
  /** The same for the logs. */
  readonly logDirectory: string
  /** Logs and snapshots that lie in a given directory itself although it has a directory version-2. */
  readonly misplaced: readonly string[]
  /** Other files in the two directories. */
  readonly others: readonly string[]
  /** Every snapshot, in the order of the zxids in their names. */
  readonly snapshots: readonly ExaminedSnapshot[]
  /** Every log, in the order of the zxids in their names. */
  readonly logs: readonly ExaminedLog[]
  /** The highest transaction that our server promised to keep; undefined in a directory that another server wrote. */
  readonly promised: bigint | undefined
  /** The time of the last transaction in the logs, milliseconds since 1970; undefined without transactions. */
  readonly lastTime: number | undefined
  /** The largest step back of the clock in the logs; undefined where there is none. */
  readonly clockStep: ClockStep | undefined
  /** Sessions that opened and ended, by hour, in order. */
  readonly sessionHours: readonly SessionHour[]
  /** What a start on the directory would come to; that of a member has the files of its epochs to read as well. */
  readonly start: StartOutcome
  /** The epochs of a member of an ensemble; undefined in the directory of another server. */
  readonly epochs: ExaminedEpochs | undefined
}

export interface ExamineOptions {
  /** Files are in it or in its version-2. */
  readonly dataDir: string
  /** The directory with the logs. Default `dataDir`. */
  readonly logDir?: string | undefined
  /** Called for each znode of the tree, if a server would start on the directory. */
  readonly onZnode?: (znode: ExaminedZnode) => void
  /** Called before each file is read. */
  readonly onFile?: (path: string) => void
  /** Stops between two files. */
  readonly signal?: AbortSignal
}

/** How many orphans to name. */
const orphansNamed = 5

/** @throws Error where a directory does not exist, cannot be read, or has no files of a server. */
export async function examine(runtime: Runtime, options: ExamineOptions): Promise<ExaminedDirectory> {
  const { dataDir, logDir = dataDir, onZnode = () => {}, onFile = () => {}, signal } = options
  const { disk } = runtime
  const snapshotPlace = await placeOf(disk, dataDir)
  const logPlace = logDir === dataDir ? snapshotPlace : await placeOf(disk, logDir)
  const [snapshotDirectory, logDirectory] = [snapshotPlace.directory, logPlace.directory]
  // Before the logs: a server that is writing must not seem to have promised more than it wrote.
  const mark = await AcknowledgedMark.read(disk, logDirectory)
  const logFiles = logsAmong(logPlace.names)
  const snapshotFiles = snapshotsAmong(snapshotPlace.names)
  const misplaced = new Set([...snapshotPlace.misplaced, ...logPlace.misplaced])
  if (logFiles.length + snapshotFiles.length + misplaced.size === 0) {
    throw new Error(`${snapshotDirectory} holds neither snapshots nor logs of a ZooKeeper server`)
  }
  const before = async (path: string): Promise<string> => {
    signal?.throwIfAborted()
    onFile(path)
    return path
  }
  const snapshots: ExaminedSnapshot[] = []
  for (const { name, zxid } of snapshotFiles) {
    snapshots.push(await examineSnapshot(disk, await before(`${snapshotDirectory}/${name}`), zxid))
  }
  const history = new HistoryFacts()
  const logs: ExaminedLog[] = []
  for (const { name, zxid } of logFiles) {
    logs.push({ zxid, ...(await history.read(disk, await before(`${logDirectory}/${name}`))) })
  }
  signal?.throwIfAborted()
  const known = new Set([...logFiles, ...snapshotFiles].map(({ name }) => name))
  const others = [...new Set([...snapshotPlace.names, ...logPlace.names])].filter((name) => !known.has(name)).sort()
  const start = await startOn(runtime, snapshotDirectory, logDirectory, onZnode)
  const lastZxid = start.kind === 'starts' ? start.lastZxid : 0n
  return {
    snapshotDirectory,
    logDirectory,
    misplaced: [...misplaced].sort(),
    others,
    snapshots,
    logs,
    promised: mark,
    lastTime: history.lastTime,
    clockStep: history.clockStep,
    sessionHours: history.sessions.hours(),
    start,
    epochs: await examineEpochs(disk, snapshotDirectory, snapshotPlace.names, lastZxid),
  }
}

interface Place {
  readonly directory: string
  readonly names: readonly string[]
  readonly misplaced: readonly string[]
}

async function placeOf(disk: Disk, directory: string): Promise<Place> {
  const names = await disk.list(directory).catch((error: Error & { readonly code?: string }) => {
    if (error.code === 'ENOENT') throw new Error(`${directory} does not exist`, { cause: error })
    if (error.code === 'ENOTDIR') throw new Error(`${directory} is a file; name the data directory`, { cause: error })
    throw error
  })
  const plain = directory.replace(/(.)\/+$/, '$1')
  if (!names.includes('version-2')) return { directory: plain, names, misplaced: [] }
  const misplaced = [...logsAmong(names), ...snapshotsAmong(names)].map(({ name }) => `${plain}/${name}`)
  const below = `${plain}/version-2`
  return { directory: below, names: await disk.list(below), misplaced }
}

async function examineSnapshot(disk: Disk, path: string, zxid: bigint): Promise<ExaminedSnapshot> {
  const file = await disk.open(path, { readOnly: true })
  try {
    const size = await file.size()
    try {
      const end = await readSnapshotInto(decompressed(compressionOf(path), bytesOf(file)), {
        session() {},
        aclList() {},
        znode: () => undefined,
      })
      const isRenamed = end.zxid !== undefined && end.zxid < zxid
      return { path, zxid, size, problem: isRenamed ? 'its name says more than it holds' : undefined }
    } catch (error) {
      return { path, zxid, size, problem: size === 0 ? 'it is empty' : (error as Error).message }
    }
  } finally {
    await file.close()
  }
}

/** Reads logs one after the other, in the order of their names. */
class HistoryFacts {
  readonly sessions = new SessionCount()
  lastTime: number | undefined
  clockStep: ClockStep | undefined
  #latest = 0
  #last = 0n
  readonly #recent = new RecentRecords()

  async read(disk: Disk, path: string): Promise<Omit<ExaminedLog, 'zxid'>> {
    const file = await disk.open(path, { readOnly: true })
    try {
      const log = await LogFile.open(path, file)
      const stretches: Stretch[] = []
      const reader = new Reader(new Uint8Array(0))
      let current: { -readonly [K in keyof Stretch]: Stretch[K] } | undefined
      let behind: DamagedPlace | undefined
      for (let from = 0; ; ) {
        const end = await log.scanPayloads((zxid, type, payload, at) => {
          if (this.#recent.isRepeat(this.#last, zxid, type, at)) return
          this.#recent.note(zxid, at)
          this.#note(reader.reset(payload, 0, payload.length), zxid, type, path)
          if (current !== undefined && behind === undefined && continues(current.last, zxid)) {
            current.last = zxid
            current.count++
          } else {
            current = { first: zxid, last: zxid, count: 1, offset: at.offset, behind }
            stretches.push(current)
            behind = undefined
          }
          this.#last = zxid
        }, from)
        const { kind, offset, reason } = end
        // No server reads on behind a file of another kind.
        const isOver = kind === 'complete' || kind === 'foreign'
        const next = isOver ? undefined : await log.findRecord(offset, current?.last ?? 0n)
        if (next === undefined) {
          const isShort = reason === endsInsideRecord
          const facts = { path, size: log.size, stretches, end: { kind, offset, reason } }
          return { ...facts, endsInsideRecord: isShort, isFromOthers: log.isFromOthers }
        }
        behind = { offset, isZeros: kind === 'padding', reason }
        from = next.offset
      }
    } finally {
      await file.close()
    }
  }

  /** `payload` begins with clientId, cxid, zxid and time. */
  #note(payload: Reader, zxid: bigint, type: number, path: string): void {
    const session = payload.long()
    const cxid = payload.int()
    payload.pos += 8
    const time = payload.longAsNumber()
    this.lastTime = time
    const backMs = this.#latest - time
    if (backMs > 0 && backMs > (this.clockStep?.backMs ?? 0)) this.clockStep = { zxid, path, backMs }
    if (time > this.#latest) this.#latest = time
    if (type === opCode.createSession) this.sessions.opened(session, time)
    // A server that expires a session makes the request itself, and it has no number.
    else if (type === opCode.closeSession) this.sessions.ended(session, time, cxid === 0)
  }
}

async function startOn(
  runtime: Runtime,
  snapshotDirectory: string,
  logDirectory: string,
  onZnode: (znode: ExaminedZnode) => void,
): Promise<StartOutcome> {
  const quiet: Runtime = { ...runtime, log: () => {} }
  const directories = { snapshotDirectory, logDirectory, readOnly: true, orphans: 'keep' } as const
  try {
    const { tree, lastZxid, digestMismatches, damage } = await recover(quiet, { ...directories, damage: 'report' })
    if (damage !== undefined) return { kind: 'refuses', reason: damage }
    examineTree(tree, onZnode)
    const orphans: string[] = []
    for (const [session, paths] of tree.ephemerals()) {
      if (tree.sessions.has(session)) continue
      for (const path of paths) if (orphans.length < orphansNamed) orphans.push(path)
    }
    return { kind: 'starts', lastZxid, znodes: tree.nodes.size, digestMismatches, orphans }
  } catch (error) {
    return { kind: 'refuses', reason: (error as Error).message }
  }
}
