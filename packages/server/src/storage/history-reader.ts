/**
 * Reads transactions from the log files of a directory, by zxid: for members that are behind, and to find the place for a cut. The
 * server that owns the directory may go on appending meanwhile.
 */
import { formatHex } from '@lightkeeper/protocol'
import type { Disk, ReadableDisk } from '@lightkeeper/runtime'
import { continues, RecentRecords } from './continuity.ts'
import { logsAmong, type NamedFile } from './file-names.ts'
import { behind, LogFile, logHeaderBytes } from './log-file.ts'
import { type LoggedPayload, NotInLogError } from './txn-log.ts'

/**
 * How many bytes it looks at in one turn. Who reads has clients too, and they must not wait for a part of the history that somebody else
 * needs. So few bytes pay for a turn, and for a read of what the system has in memory.
 */
const turnBytes = 64 * 1024

/** The files break off, or go on with a transaction that is not the next one. */
export class HistoryDamage extends Error {
  override readonly name = 'HistoryDamage'
  readonly code = 'HISTORY_DAMAGED'
}

/** The place of a record. */
export interface RecordLocation {
  readonly file: NamedFile
  readonly offset: number
  /** The offset after it. */
  readonly end: number
}

/** `payload` is valid until it returns. */
export type TakeTxn = (zxid: bigint, payload: Uint8Array) => void

/**
 * Passes the transactions from `from` to `until`, both included, to `take`, in order. It yields after each part that fits in a turn: `take`
 * is not called before the next one is asked for.
 * @throws NotInLogError where `from` is not in the log; HistoryDamage where the files break off before `until`; DiskReadError.
 */
export async function* scanHistory(
  disk: Disk,
  directory: string,
  from: bigint,
  until: bigint,
  take: TakeTxn,
): AsyncGenerator<undefined, undefined> {
  const logs = logsAmong(await disk.list(directory))
  const start = await locate(disk, directory, from, until, logs)
  const recent = new RecentRecords()
  let last = from
  let offset = start.offset
  let isFirst = true
  for (let i = logs.indexOf(start.file); i < logs.length; i++, offset = 0) {
    const path = `${directory}/${(logs[i] as NamedFile).name}`
    const file = await disk.open(path, { readOnly: true })
    try {
      const log = await LogFile.open(path, file, turnBytes)
      for (;;) {
        let bytes = 0
        let problem: string | undefined
        let isOver = false
        const end = await log.scanPayloads((zxid, type, payload, at) => {
          if (bytes >= turnBytes) return false
          if (!isFirst && !continues(last, zxid)) {
            if (recent.isRepeat(last, zxid, type, at)) return
            problem = `${path} at offset ${at.offset}: transaction ${formatHex(zxid)} follows ${formatHex(last)}`
            return false
          }
          isOver = zxid > until
          if (isOver) return false
          isFirst = false
          last = zxid
          recent.note(zxid, at)
          take(zxid, payload)
          bytes += payload.length
        }, offset)
        yield
        if (problem !== undefined) throw new HistoryDamage(problem)
        if (isOver || last === until) break
        offset = end.offset
        if (end.kind === 'stopped') continue
        // The numbers do not show how many transactions an epoch had.
        const next = logs[i + 1]?.zxid
        if (next !== undefined && next > last + 1n && !(await log.endsWhole(end, last))) {
          throw new HistoryDamage(`${path} at offset ${offset}: ${end.reason || 'zeros'} behind ${formatHex(last)}`)
        }
        break
      }
    } finally {
      await file.close()
    }
    if (last === until) return
  }
  throw new HistoryDamage(endsEarly(directory, last, until))
}

/** The same, one by one; the reader owns the payloads. */
export async function* readHistory(
  disk: Disk,
  directory: string,
  from: bigint,
  until: bigint,
): AsyncGenerator<LoggedPayload, undefined> {
  const txns: LoggedPayload[] = []
  const take = (zxid: bigint, payload: Uint8Array): void => void txns.push({ zxid, payload: payload.slice() })
  for await (const _ of scanHistory(disk, directory, from, until, take)) yield* txns.splice(0)
}

/**
 * Finds the record of `zxid` in a log whose last durable transaction is `last`.
 * @throws NotInLogError, with the first and last zxid of the log.
 */
export async function locate(
  disk: Disk,
  directory: string,
  zxid: bigint,
  last: bigint,
  logs?: readonly NamedFile[],
): Promise<RecordLocation> {
  const files = logs ?? logsAmong(await disk.list(directory))
  const asked = `transaction ${formatHex(zxid)} is not in the log in ${directory}`
  const first = files[0]
  if (first === undefined) throw new NotInLogError(`${asked}: there are no log files`, zxid)
  if (zxid < first.zxid) {
    throw new NotInLogError(`${asked}: it begins with ${formatHex(first.zxid)}`, zxid, first.zxid, last)
  }
  if (zxid > last) throw new NotInLogError(`${asked}: it ends with ${formatHex(last)}`, zxid, first.zxid, last)
  const file = files.findLast((each) => each.zxid <= zxid) as NamedFile
  const path = `${directory}/${file.name}`
  const handle = await disk.open(path, { readOnly: true })
  try {
    const log = await LogFile.open(path, handle, turnBytes)
    let found: RecordLocation | undefined
    let before: bigint | undefined
    let after: bigint | undefined
    await log.scanPayloads((each, _type, _payload, at) => {
      if (each === zxid) {
        found = { file, offset: at.offset, end: behind(at) }
        return false
      }
      if (each > zxid) {
        after = each
        return false
      }
      before = each
    })
    if (found !== undefined) return found
    const between =
      after === undefined
        ? `${path} ends behind ${formatHex(before ?? 0n)}`
        : `${formatHex(before ?? 0n)} is followed by ${formatHex(after)}`
    throw new NotInLogError(`${asked}: ${between}`, zxid, first.zxid, last)
  } finally {
    await handle.close()
  }
}

/** The highest zxid of the good records in these logs, damaged places or not, at least `atLeast`. */
export async function highestIn(disk: ReadableDisk, paths: readonly string[], atLeast: bigint): Promise<bigint> {
  let highest = atLeast
  for (const path of paths) {
    const file = await disk.open(path, { readOnly: true })
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

function endsEarly(directory: string, last: bigint, until: bigint): string {
  return `${directory}: the log files end with ${formatHex(last)}, and the log reached ${formatHex(until)}`
}

/**
 * Removes every record after `zxid` from the log files, for good. A crash at any moment leaves a whole log that reaches at least to
 * `zxid`: the newest file goes first, and a file is cut when all later files are gone.
 * @throws NotInLogError, with nothing changed, where `zxid` is not in the log.
 */
export async function truncateHistory(disk: Disk, directory: string, zxid: bigint, last: bigint): Promise<void> {
  const logs = logsAmong(await disk.list(directory))
  const { file, end } = await locate(disk, directory, zxid, last, logs)
  for (const { name } of logs.slice(logs.indexOf(file) + 1).reverse()) await disk.remove(`${directory}/${name}`)
  await disk.syncDirectory(directory)
  const handle = await disk.open(`${directory}/${file.name}`)
  try {
    await handle.truncate(end)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
