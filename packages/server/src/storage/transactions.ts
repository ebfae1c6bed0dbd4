/** The transactions of a data directory in their order, read in place: for questions about the past. Writes nothing. */
import { Reader } from '@lightkeeper/protocol'
import type { ReadableDisk } from '@lightkeeper/runtime'
import { compressionOf, decompressed } from './compression.ts'
import { continues } from './continuity.ts'
import { logsAmong, type NamedFile, snapshotsAmong } from './file-names.ts'
import type { ImageSink } from './image.ts'
import { LogFile } from './log-file.ts'
import { bytesOf, readSnapshotInto, type SnapshotEnd } from './snapshot-file.ts'
import { type LoggedTxn, readTxn } from './txn-codec.ts'

/** Offsets in a TxnHeader: clientId, cxid, zxid, time, type. */
const timeOffset = 20

/** Snapshots and logs of a server, by zxid. */
export interface DataFiles {
  /** The directory that holds the snapshots: the given one, or its `version-2`. */
  readonly snapshotDirectory: string
  /** The same for the logs. */
  readonly logDirectory: string
  /** The snapshots, in the order of the zxids in their names. */
  readonly snapshots: readonly NamedFile[]
  /** The logs, in the order of the zxids in their names. */
  readonly logs: readonly NamedFile[]
}

/**
 * Looks for snapshots in `dataDir` or its `version-2`, and for logs in `logDir`. `logDir` is `dataDir` unless given.
 * @throws Error where a directory is missing or holds neither.
 */
export async function dataFiles(disk: ReadableDisk, dataDir: string, logDir = dataDir): Promise<DataFiles> {
  const [snapshotDirectory, names] = await namesIn(disk, dataDir)
  const [logDirectory, logNames] = logDir === dataDir ? [snapshotDirectory, names] : await namesIn(disk, logDir)
  const files = { snapshotDirectory, logDirectory, snapshots: snapshotsAmong(names), logs: logsAmong(logNames) }
  if (files.snapshots.length + files.logs.length > 0) return files
  throw new Error(`${snapshotDirectory} holds neither snapshots nor logs of a ZooKeeper server`)
}

async function namesIn(disk: ReadableDisk, directory: string): Promise<[string, string[]]> {
  const names = await disk.list(directory).catch((error: Error & { readonly code?: string }) => {
    if (error.code === 'ENOENT') throw new Error(`${directory} does not exist`, { cause: error })
    throw error
  })
  const below = `${directory}/version-2`
  return names.includes('version-2') ? [below, await disk.list(below)] : [directory, names]
}

/** One transaction in place. It is the same object each time: copy what you need before the visitor returns. */
export class TransactionView {
  /** TxnHeader (32 bytes), body, digest. */
  payload: Uint8Array = new Uint8Array(0)
  /** The zxid of the transaction. */
  zxid = 0n
  /** The number of the operation, as in the opcode table. */
  type = 0
  /** The path of the log that holds it. */
  file = ''
  /** Where the record begins in the file. */
  offset = 0

  /** The session that asked for it. */
  get session(): bigint {
    return new Reader(this.payload).long()
  }

  /** Milliseconds since 1970, by the clock of the server that executed the write. */
  get time(): number {
    return new Reader(this.payload, timeOffset).longAsNumber()
  }

  /** All of it; byte arrays are views. */
  decode(): LoggedTxn {
    return readTxn(new Reader(this.payload))
  }
}

/** Transactions that should be here and cannot be read. */
export interface Gap {
  /** The last one before, undefined where none was read yet. */
  readonly after: bigint | undefined
  /** The first one after. */
  readonly next: bigint
  /** File, offset and reason. */
  readonly place: string
}

export interface TransactionVisitor {
  /** Returns false to stop. */
  transaction(view: TransactionView): void | false
  /** Called before the transaction `gap.next`. */
  gap(gap: Gap): void
}

/**
 * Calls `visitor` for every transaction from `from` on, each once, in ascending order. Transactions after a damaged part are read
 * too. @throws DiskReadError where a file cannot be read.
 */
export async function visitTransactions(
  disk: ReadableDisk,
  { logDirectory, logs }: DataFiles,
  from: bigint,
  visitor: TransactionVisitor,
): Promise<void> {
  const first = Math.max(
    0,
    logs.findLastIndex(({ zxid }) => zxid <= from),
  )
  const view = new TransactionView()
  let last: bigint | undefined
  let place = ''
  const see = (zxid: bigint, type: number, payload: Uint8Array, { offset }: { offset: number }): void | false => {
    // The same record again: Apache gives an unreadable write the zxid of the record before it, and cuts a torn log only when it
    // needs the file's name.
    if (zxid < from || (last !== undefined && zxid <= last)) return
    if (last !== undefined && !continues(last, zxid)) visitor.gap({ after: last, next: zxid, place })
    last = zxid
    view.zxid = zxid
    view.type = type
    view.payload = payload
    view.offset = offset
    return visitor.transaction(view)
  }
  for (const [i, { name }] of logs.entries()) {
    if (i < first) continue
    const path = `${logDirectory}/${name}`
    const file = await disk.open(path, { readOnly: true })
    view.file = path
    try {
      const log = await LogFile.open(path, file)
      for (let at = 0; ; ) {
        const end = await log.scanPayloads(see, at)
        if (end.kind === 'stopped') return
        place = `${path} at offset ${end.offset}: ${end.reason || 'the log ends'}`
        if (end.kind === 'complete') break
        // The rest of a preallocated file is long, and empty where the next file continues.
        if (last !== undefined && logs[i + 1]?.zxid === last + 1n) break
        const record = await log.findRecord(end.offset, last ?? from - 1n)
        if (record === undefined) break
        at = record.offset
      }
    } finally {
      await file.close()
    }
  }
}

/** The zxid and time of the first good record of a log; undefined where there is none. */
export async function firstTransaction(
  disk: ReadableDisk,
  { logDirectory }: DataFiles,
  { name }: NamedFile,
): Promise<{ readonly zxid: bigint; readonly time: number } | undefined> {
  const path = `${logDirectory}/${name}`
  const file = await disk.open(path, { readOnly: true })
  const found: { readonly zxid: bigint; readonly time: number }[] = []
  try {
    const log = await LogFile.open(path, file)
    await log.scanPayloads((zxid, _type, payload) => {
      found.push({ zxid, time: new Reader(payload, timeOffset).longAsNumber() })
      return false
    })
  } finally {
    await file.close()
  }
  return found[0]
}

/** Reads a snapshot into `sink`. @throws SnapshotDamage where it is not whole. */
export async function visitSnapshot(
  disk: ReadableDisk,
  { snapshotDirectory }: DataFiles,
  { name }: NamedFile,
  sink: ImageSink,
): Promise<SnapshotEnd> {
  const path = `${snapshotDirectory}/${name}`
  const file = await disk.open(path, { readOnly: true })
  try {
    return await readSnapshotInto(decompressed(compressionOf(path), bytesOf(file)), sink)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await file.close()
  }
}
