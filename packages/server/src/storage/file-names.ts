/** Names in a data directory: `log.<zxid>` and `snapshot.<zxid>[.gz|.snappy]`, hexadecimal without padding (Util.java). */
import { formatHex } from '@lightkeeper/protocol'

export interface NamedFile {
  readonly name: string
  readonly zxid: bigint
}

/** The beginning of the name of a file that is being written; no reader looks at such files. */
export const temporaryPrefix = 'tmp.'
/** The beginning of the name of a file that was put aside because it cannot be trusted. */
const asidePrefix = 'damaged.'

/** The beginning of the name of a file that a snapshot from a leader has replaced. */
export const replacedPrefix = 'replaced.'

/** The point of no return of such a replacement: while this file exists, the files that it names are the history. */
export const installingName = 'installing'

/** The path that a file at `path` gets when it is put aside. */
export function asidePath(path: string): string {
  const slash = path.lastIndexOf('/')
  return `${path.slice(0, slash + 1)}${asidePrefix}${path.slice(slash + 1)}`
}

export function logName(firstZxid: bigint): string {
  return `log.${hex(firstZxid)}`
}

export function snapshotName(zxid: bigint, suffix: string): string {
  return `snapshot.${hex(zxid)}${suffix}`
}

/** Logs among the names of a directory, by zxid. */
export function logsAmong(names: readonly string[]): NamedFile[] {
  return among(names, /^log\.([0-9a-fA-F]{1,16})$/)
}

/** Snapshots among the names of a directory, by zxid. */
export function snapshotsAmong(names: readonly string[]): NamedFile[] {
  return among(names, /^snapshot\.([0-9a-fA-F]{1,16})(?:\.gz|\.snappy)?$/)
}

function among(names: readonly string[], pattern: RegExp): NamedFile[] {
  const files: NamedFile[] = []
  for (const name of names) {
    const match = pattern.exec(name)
    if (match !== null) files.push({ name, zxid: BigInt.asIntN(64, BigInt(`0x${match[1]}`)) })
  }
  return files.sort((a, b) => (a.zxid < b.zxid ? -1 : a.zxid > b.zxid ? 1 : 0))
}

function hex(zxid: bigint): string {
  return formatHex(zxid).slice(2)
}
