/** Lists the content of the files of a data directory, Apache's or ours, entry by entry, and where one is damaged. */
import type { Acl, MalformedFrameError } from '@lightkeeper/protocol'
import { formatHex, opCode, operationOf } from '@lightkeeper/protocol'
import type { Disk } from '@lightkeeper/runtime'
import { kindOf, ttlMsOf } from '../tree/ephemeral-owner.ts'
import type { NodeTxn, Txn } from '../tree/txn.ts'
import { statOf, type Znode } from '../tree/znode.ts'
import { AcknowledgedMark } from './acknowledged.ts'
import { compressionOf, decompressed } from './compression.ts'
import { RecentRecords } from './continuity.ts'
import { examineEpochs } from './epoch-files.ts'
import { logsAmong, replacedPrefix, snapshotsAmong } from './file-names.ts'
import { isMissingAcl } from './image-tree.ts'
import { LogFile, type RecordPlace } from './log-file.ts'
import { bytesOf, readSnapshot } from './snapshot-file.ts'

export type InspectedEntry =
  | {
      readonly kind: 'txn'
      /** The path of the log or snapshot. */
      readonly file: string
      /** Where the record begins in the file, bytes. */
      readonly offset: number
      /** The zxid of the transaction. */
      readonly zxid: bigint
      /** Milliseconds since 1970. */
      readonly time: number
      /** The session that asked for it. */
      readonly session: bigint
      /** The number that the client gave to the request; 0 where the server made the request itself. */
      readonly cxid: number
      /** The operation, as in the opcode table: `create`; `type N` for an unknown one. */
      readonly operation: string
      /** Every path it names. */
      readonly paths: readonly string[]
      /** Other facts, in words. */
      readonly detail: string
    }
  | {
      readonly kind: 'znode'
      readonly file: string
      /** The path of the znode. */
      readonly path: string
      /** Zxid of the last `set`, or of the creation. */
      readonly zxid: bigint
      /** When that was, milliseconds since 1970. */
      readonly time: number
      /** The session of an ephemeral; 0n for other kinds. */
      readonly session: bigint
      readonly detail: string
      /** The data; null where the znode has none. */
      readonly data: Uint8Array | null
    }
  | { readonly kind: 'session'; readonly file: string; readonly session: bigint; readonly timeoutMs: number }
  /** How a file ends, or a fact about its directory. */
  | { readonly kind: 'note'; readonly file: string; readonly text: string }
  | { readonly kind: 'damage'; readonly file: string; readonly offset: number; readonly text: string }

export type Inspect = (entry: InspectedEntry) => void

/**
 * Reads the named files and directories; files of a directory in the order of their zxids. @throws Error where one cannot be read.
 */
export async function inspect(disk: Disk, paths: readonly string[], report: Inspect): Promise<void> {
  for (const path of paths) {
    const names = await disk.list(path).catch((error: Error & { readonly code?: string }) => {
      if (error.code === 'ENOENT') throw new Error(`${path} does not exist`, { cause: error })
      // It is a file.
      if (error.code === 'ENOTDIR') return undefined
      throw error
    })
    if (names === undefined) await inspectFile(disk, path, report)
    else if (names.includes('version-2')) await inspectDirectory(disk, `${path}/version-2`, report)
    else await inspectDirectory(disk, path, report)
  }
}

async function inspectDirectory(disk: Disk, directory: string, report: Inspect): Promise<void> {
  const names = await disk.list(directory)
  const snapshots = snapshotsAmong(names)
  const logs = logsAmong(names)
  if (snapshots.length + logs.length === 0) {
    report({ kind: 'note', file: directory, text: 'neither snapshots nor logs are here' })
    await inspectMember(disk, directory, names, 0n, report)
    return
  }
  const newest = snapshots.at(-1)
  if (newest !== undefined) await inspectFile(disk, `${directory}/${newest.name}`, report)
  let last: bigint | undefined
  const recent = new RecentRecords()
  for (const { name } of logs) {
    const file = `${directory}/${name}`
    await inspectLog(disk, file, report, (zxid, type, at) => {
      const before = last
      const isRepeat = before !== undefined && recent.isRepeat(before, zxid, type, at)
      if (isRepeat) return
      recent.note(zxid, at)
      last = zxid
      if (before === undefined || zxid === before + 1n || zxid >> 32n !== before >> 32n) return
      const text = `transaction ${formatHex(zxid)} follows ${formatHex(before)}`
      report({ kind: 'damage', file, offset: at.offset, text })
    })
  }
  const reach = [last, newest?.zxid].reduce<bigint>((a, b) => (b !== undefined && b > a ? b : a), 0n)
  await inspectMember(disk, directory, names, reach, report)
  const mark = await AcknowledgedMark.read(disk, directory)
  if (mark === undefined || mark === 0n) return
  report({
    kind: 'note',
    file: `${directory}/acknowledged`,
    text: `everything up to ${formatHex(mark)} was acknowledged`,
  })
  if (reach < mark) {
    const text = `transactions ${formatHex(reach + 1n)} to ${formatHex(mark)} were acknowledged and are not here`
    report({ kind: 'damage', file: directory, offset: 0, text })
  }
}

/** What a member of an ensemble has in its directory besides its history. */
async function inspectMember(
  disk: Disk,
  directory: string,
  names: readonly string[],
  lastZxid: bigint,
  report: Inspect,
): Promise<void> {
  const epochs = await examineEpochs(disk, directory, names, lastZxid)
  if (epochs?.problem !== undefined) report({ kind: 'damage', file: directory, offset: 0, text: epochs.problem })
  else if (epochs !== undefined) {
    const text = `acceptedEpoch ${epochs.accepted}, currentEpoch ${epochs.current}: the directory of a member of an ensemble`
    report({ kind: 'note', file: directory, text })
  }
  if (!names.some((name) => name.startsWith(replacedPrefix))) return
  const text = `a leader has sent everything: the files from before have names that begin with ${replacedPrefix}`
  report({ kind: 'note', file: directory, text })
}

async function inspectFile(disk: Disk, path: string, report: Inspect): Promise<void> {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (/^(damaged\.|replaced\.)?log\./.test(name)) return inspectLog(disk, path, report)
  if (/^(damaged\.|replaced\.|tmp\.)?snapshot\./.test(name)) return inspectSnapshot(disk, path, report)
  throw new Error(`${path} is neither log.<zxid> nor snapshot.<zxid>`)
}

/** `seen` is called for each record before it is passed on. */
async function inspectLog(
  disk: Disk,
  path: string,
  report: Inspect,
  seen?: (zxid: bigint, type: number, at: RecordPlace) => void,
): Promise<void> {
  const file = await disk.open(path, { readOnly: true })
  try {
    const log = await LogFile.open(path, file)
    let last = 0n
    for (let from = 0; ; ) {
      const end = await log.scan(({ header, txn }, at) => {
        last = header.zxid
        seen?.(header.zxid, txn.type, at)
        report({
          kind: 'txn',
          file: path,
          offset: at.offset,
          zxid: header.zxid,
          time: Number(header.time),
          session: header.clientId,
          cxid: header.cxid,
          operation: nameOf(txn.type),
          paths: pathsOf(txn),
          detail: detailOf(txn),
        })
      }, from)
      if (end.kind === 'complete') return
      const next = await log.findRecord(end.offset, last)
      if (next === undefined) {
        if (end.kind === 'padding') return
        report({ kind: 'damage', file: path, offset: end.offset, text: `${end.reason}; nothing good follows` })
        return
      }
      const text = `${end.reason || 'zeros'}; good transactions go on with ${formatHex(next.zxid)} at offset ${next.offset}`
      report({ kind: 'damage', file: path, offset: end.offset, text })
      from = next.offset
    }
  } finally {
    await file.close()
  }
}

async function inspectSnapshot(disk: Disk, path: string, report: Inspect): Promise<void> {
  const file = await disk.open(path, { readOnly: true })
  try {
    const { tree, digest, missingAcls } = await readSnapshot(decompressed(compressionOf(path), bytesOf(file)))
    for (const [session, timeoutMs] of tree.sessions) report({ kind: 'session', file: path, session, timeoutMs })
    tree.nodes.forEach((node, znodePath) => report(znodeEntry(path, znodePath, node)))
    for (const [znodePath, id] of missingAcls) {
      const text = `${znodePath} has the ACL list ${id}, which is not in this snapshot; a transaction behind it must have it`
      report({ kind: 'note', file: path, text })
    }
    const zxid = snapshotsAmong([path.slice(path.lastIndexOf('/') + 1)])[0]?.zxid ?? 0n
    const until =
      digest === undefined || digest.zxid <= zxid ? '' : `, and some of what follows up to ${formatHex(digest.zxid)}`
    report({
      kind: 'note',
      file: path,
      text: `whole: ${tree.nodes.size} znodes, ${tree.sessions.size} sessions${until}`,
    })
  } catch (error) {
    report({ kind: 'damage', file: path, offset: 0, text: (error as MalformedFrameError).message })
  } finally {
    await file.close()
  }
}

function znodeEntry(file: string, path: string, node: Znode): InspectedEntry {
  const stat = statOf(node)
  const owner = node.ephemeralOwner
  const kind = kindOf(owner)
  const what = kind === 'ttl' ? `ttl ${ttlMsOf(owner)} ms` : kind
  const detail = `${what} version=${stat.version} cversion=${stat.cversion} children=${stat.numChildren} bytes=${stat.dataLength} acl=${aclText(node.acl)}`
  const session = kind === 'ephemeral' ? owner : 0n
  return { kind: 'znode', file, path, zxid: stat.mzxid, time: Number(stat.mtime), session, detail, data: node.data }
}

function nameOf(type: number): string {
  return operationOf(type)?.name ?? `type ${type}`
}

function pathsOf(txn: Txn): string[] {
  if (txn.type === opCode.multi) return txn.txns.flatMap((part) => pathsOf(part))
  if (txn.type === opCode.closeSession) return [...(txn.paths2Delete ?? [])]
  return 'path' in txn ? [txn.path] : []
}

function detailOf(txn: Txn): string {
  switch (txn.type) {
    case opCode.multi:
      return txn.txns
        .map((part) => `[${`${nameOf(part.type)} ${pathsOf(part).join(' ')} ${partDetail(part)}`.trim()}]`)
        .join(' ')
    case opCode.createSession:
      return `timeout=${txn.timeOut}`
    case opCode.closeSession:
      return txn.paths2Delete === null ? 'whatever it owns' : ''
    default:
      return partDetail(txn)
  }
}

function partDetail(txn: NodeTxn): string {
  switch (txn.type) {
    case opCode.create:
    case opCode.create2:
      return `bytes=${txn.data?.length ?? 'null'} ${txn.ephemeral ? 'ephemeral ' : ''}acl=${aclText(txn.acl ?? [])}`
    case opCode.createTTL:
      return `bytes=${txn.data?.length ?? 'null'} ttl=${txn.ttl} acl=${aclText(txn.acl ?? [])}`
    case opCode.createContainer:
      return `bytes=${txn.data?.length ?? 'null'} acl=${aclText(txn.acl ?? [])}`
    case opCode.setData:
    case opCode.reconfig:
      return `bytes=${txn.data?.length ?? 'null'} version=${txn.version}`
    case opCode.setACL:
      return `version=${txn.version} acl=${aclText(txn.acl ?? [])}`
    case opCode.check:
      return `version=${txn.version}`
    case opCode.error:
      return `err=${txn.err}`
    default:
      return ''
  }
}

function aclText(acl: readonly Acl[]): string {
  if (isMissingAcl(acl)) return `unknown (list ${acl[0]?.id.id})`
  return acl
    .map(({ perms, id }) => `${perms}:${id.scheme}:${id.scheme === 'digest' ? redacted(id.id) : id.id}`)
    .join(',')
}

/** Nobody should see the digest of a password on a screen. */
function redacted(id: string): string {
  return `${id.split(':')[0]}:x`
}
