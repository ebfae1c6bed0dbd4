/**
 * Replaces the history of a member of an ensemble by that of its leader, so that a crash at any moment leaves the old history or
 * the new one, whole. There are two ways: a whole image (SNAP), or a cut (TRUNC). Nothing is changed before it is certain that only
 * the disk can make the rest fail.
 */
import { crc32, formatHex, MalformedFrameError, opCode, Reader, Writer } from '@lightkeeper/protocol'
import { assert, type Disk, type DiskFile, type Runtime } from '@lightkeeper/runtime'
import type { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'
import type { AcknowledgedMark } from './acknowledged.ts'
import { continues } from './continuity.ts'
import {
  installingName,
  logName,
  logsAmong,
  type NamedFile,
  replacedPrefix,
  snapshotName,
  snapshotsAmong,
  temporaryPrefix,
} from './file-names.ts'
import type { FileTxnLog } from './file-txn-log.ts'
import { locate } from './history-reader.ts'
import { ImageParser, SnapshotDamage } from './image.ts'
import { ImageTree } from './image-tree.ts'
import { beginLogRecord, endLogRecord, writeLogHeader } from './log-file.ts'
import { type Recovered, RecoveryError, recover } from './recovery.ts'
import { SnapshotEncoder } from './snapshot-file.ts'
import { readTxn } from './txn-codec.ts'

export interface BaseDirectories {
  readonly snapshots: string
  readonly logs: string
}

const installingLine =
  /^(lightkeeper installs ([0-9a-f]{1,16}) (snapshot\.[0-9a-f]+) (log\.[0-9a-f]+|-)) ([0-9a-f]{8})\n$/
/** Size of the buffer for transactions after an image, in bytes. */
const bufferBytes = 256 * 1024

// -- an image -----------------------------------------------------------------------------------------------------------

/**
 * A history that is being received: an image, and the transactions after it. All of it is checked on arrival, and stays in
 * temporary files until `install`; until then the old history counts.
 */
export class IncomingBase {
  /** The zxid of the image. */
  readonly zxid: bigint
  readonly #disk: Disk
  readonly #directories: BaseDirectories
  readonly #builder = new ImageTree()
  readonly #parser = new ImageParser(this.#builder)
  readonly #encoder = new SnapshotEncoder()
  /** Znodes whose ACL list has not come yet: a transaction after the image must bring it. */
  readonly #missing = this.#builder.missingAcls
  readonly #txns = new Writer(bufferBytes)
  #image: TemporaryFile
  #log: TemporaryFile | undefined
  #lastZxid: bigint
  #isOver = false

  private constructor(disk: Disk, directories: BaseDirectories, zxid: bigint, image: TemporaryFile) {
    this.#disk = disk
    this.#directories = directories
    this.zxid = zxid
    this.#lastZxid = zxid
    this.#image = image
    this.#encoder.header()
  }

  /** `zxid` is that of the packet before the image. */
  static async begin(disk: Disk, directories: BaseDirectories, zxid: bigint): Promise<IncomingBase> {
    const image = await TemporaryFile.create(disk, directories.snapshots, snapshotName(zxid, ''))
    return new IncomingBase(disk, directories, zxid, image)
  }

  /** The last transaction of this history. */
  get lastZxid(): bigint {
    return this.#lastZxid
  }

  /** The image is complete. */
  get isImageDone(): boolean {
    return this.#parser.isDone
  }

  /**
   * Takes the next bytes of the image. Resolves when there is room for more, to the number of bytes that belong to the image: all
   * of them, until it ends. @throws SnapshotDamage where they are no image.
   */
  async push(bytes: Uint8Array): Promise<number> {
    assert(!this.#isOver && !this.isImageDone, 'bytes of an image come before its end')
    const taken = this.#parser.push(bytes)
    this.#encoder.raw(bytes.subarray(0, taken))
    if (this.isImageDone) {
      if (!this.#builder.hasRoot) throw new SnapshotDamage('the image has no root', this.#parser.offset)
      this.#builder.tree.loaded()
      // The image is changed while it is sent, so no digest is known for it.
      this.#encoder.end(this.zxid, 0n, 0n)
    }
    await this.#image.write(this.#encoder.take())
    return taken
  }

  /**
   * Takes a transaction after the image. Resolves when there is room for more.
   * @throws MalformedFrameError where this version does not know the transaction: then the history cannot be used here.
   */
  async append(zxid: bigint, payload: Uint8Array): Promise<void> {
    assert(!this.#isOver && this.isImageDone, 'transactions come behind the image')
    assert(continues(this.#lastZxid, zxid), 'a transaction stands right behind the one before it')
    const { header, txn } = readTxn(new Reader(payload))
    if (header.zxid !== zxid)
      throw new MalformedFrameError(`a transaction ${formatHex(header.zxid)} as ${formatHex(zxid)}`, 0)
    if (this.#missing.size > 0) this.#found(txn)
    this.#lastZxid = zxid
    if (this.#log === undefined) {
      this.#log = await TemporaryFile.create(this.#disk, this.#directories.logs, logName(zxid))
      writeLogHeader(this.#txns)
    }
    const record = beginLogRecord(this.#txns)
    this.#txns.raw(payload)
    endLogRecord(this.#txns, record)
    if (this.#txns.length >= bufferBytes) await this.#flush()
  }

  /**
   * Makes this the history of the directory, durably. It replaces all files, which are kept under other names until the next time.
   * `mark` is that of the directory. Resolves to the tree of the image, at `zxid`: the transactions up to `lastZxid` are in the
   * log, and must be replayed leniently, since the image may include some of their effects.
   * @throws SnapshotDamage, with nothing changed, where an ACL list is missing.
   */
  async install(mark: AcknowledgedMark): Promise<DataTree> {
    assert(!this.#isOver && this.isImageDone, 'an image is installed once, when all of it is there')
    const [path] = this.#missing.keys()
    if (path !== undefined) {
      throw new SnapshotDamage(
        `${path} has an ACL list that neither the image nor a transaction has`,
        this.#parser.offset,
      )
    }
    this.#isOver = true
    await this.#flush()
    await this.#image.finish()
    await this.#log?.finish()
    const directories = new Set([this.#directories.snapshots, this.#directories.logs])
    for (const directory of directories) {
      // One old history is enough.
      for (const name of await this.#disk.list(directory)) {
        if (name.startsWith(replacedPrefix)) await this.#disk.remove(`${directory}/${name}`)
      }
      await this.#disk.syncDirectory(directory)
    }
    const line = `lightkeeper installs ${formatHex(this.#lastZxid).slice(2)} ${this.#image.name} ${this.#log?.name ?? '-'}`
    const installing = await TemporaryFile.create(this.#disk, this.#directories.snapshots, installingName)
    await installing.write(new TextEncoder().encode(`${line} ${checksumOf(line)}\n`))
    await installing.finish()
    await this.#disk.rename(installing.path, `${this.#directories.snapshots}/${installingName}`)
    await this.#disk.syncDirectory(this.#directories.snapshots)
    await finish(this.#disk, this.#directories, (zxid) => mark.lower(zxid))
    return this.#builder.tree
  }

  /** Discards it: the temporary files are removed, the old history stays. */
  async discard(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await this.#image.discard()
    await this.#log?.discard()
  }

  async #flush(): Promise<void> {
    if (this.#txns.length === 0) return
    const bytes = this.#txns.written()
    this.#txns.renew(bufferBytes)
    await this.#log?.write(bytes)
  }

  /** The ACL lists of these znodes are not needed any more, or have arrived. */
  #found(txn: Txn): void {
    if (txn.type === opCode.multi) {
      if (txn.txns.every(({ type }) => type !== opCode.error)) for (const part of txn.txns) this.#found(part)
    } else if (txn.type === opCode.closeSession) {
      for (const path of txn.paths2Delete ?? []) this.#missing.delete(path)
    } else if ('acl' in txn || txn.type === opCode.delete || txn.type === opCode.deleteContainer) {
      this.#missing.delete(txn.path)
    }
  }
}

/** A file that is written piece by piece under a temporary name. */
class TemporaryFile {
  /** The name that it will get. */
  readonly name: string
  readonly path: string
  readonly #disk: Disk
  readonly #file: DiskFile
  #position = 0
  #written: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, directory: string, name: string, file: DiskFile) {
    this.#disk = disk
    this.name = name
    this.path = `${directory}/${temporaryPrefix}${name}`
    this.#file = file
  }

  static async create(disk: Disk, directory: string, name: string): Promise<TemporaryFile> {
    const file = await disk.open(`${directory}/${temporaryPrefix}${name}`, { create: true })
    await file.truncate(0)
    return new TemporaryFile(disk, directory, name, file)
  }

  async write(bytes: Uint8Array): Promise<void> {
    const at = this.#position
    this.#position += bytes.length
    this.#written = this.#file.write(at, bytes)
    await this.#written
  }

  /** Resolves when the content is durable; the name is not durable yet. */
  async finish(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
  }

  async discard(): Promise<void> {
    // A descriptor that is closed under a write may be that of another file a moment later.
    await this.#written.catch(() => {})
    await this.#file.close()
    await this.#disk.remove(this.path)
  }
}

/**
 * Finishes an `install` that the end of the process interrupted; call it before anything is read from the directories. `openMark`
 * opens the mark of the directory of logs. Resolves to whether there was anything to finish.
 * @throws RecoveryError where the file that says so is damaged.
 */
export async function finishInstalling(
  { disk, log }: Runtime,
  directories: BaseDirectories,
  openMark: () => Promise<AcknowledgedMark>,
): Promise<boolean> {
  const names = await disk.list(directories.snapshots)
  if (!names.includes(installingName)) return false
  log('info', 'the installation of a snapshot from a leader is finished', { directory: directories.snapshots })
  const mark = await openMark()
  try {
    await finish(disk, directories, (zxid) => mark.lower(zxid))
  } finally {
    await mark.close()
  }
  return true
}

/** A process that was killed later may have done every step already. */
async function finish(
  disk: Disk,
  { snapshots, logs }: BaseDirectories,
  lower: (zxid: bigint) => Promise<void>,
): Promise<void> {
  const { lastZxid, snapshot, log } = await readInstalling(disk, snapshots)
  await lower(lastZxid)
  await putAside(disk, snapshots, snapshotsAmong, snapshot)
  await putAside(disk, logs, logsAmong, log)
  for (const directory of new Set([snapshots, logs])) await disk.syncDirectory(directory)
  await takePlace(disk, snapshots, snapshot)
  if (log !== undefined) await takePlace(disk, logs, log)
  for (const directory of new Set([snapshots, logs])) await disk.syncDirectory(directory)
  await disk.remove(`${snapshots}/${installingName}`)
  await disk.syncDirectory(snapshots)
}

/** Renames the files of one kind that were there before `installed`. */
async function putAside(
  disk: Disk,
  directory: string,
  among: (names: readonly string[]) => NamedFile[],
  installed: string | undefined,
): Promise<void> {
  const names = await disk.list(directory)
  const isInstalled = installed !== undefined && !names.includes(`${temporaryPrefix}${installed}`)
  for (const { name } of among(names)) {
    if (isInstalled && name === installed) continue
    await disk.rename(`${directory}/${name}`, `${directory}/${replacedPrefix}${name}`)
  }
}

async function takePlace(disk: Disk, directory: string, name: string): Promise<void> {
  const names = await disk.list(directory)
  if (names.includes(`${temporaryPrefix}${name}`)) {
    await disk.rename(`${directory}/${temporaryPrefix}${name}`, `${directory}/${name}`)
  } else if (!names.includes(name)) {
    throw new RecoveryError(
      `${directory}/${name} is missing, which a snapshot from a leader was to put there. Empty the directory, and the member ` +
        'gets everything from the others',
    )
  }
}

async function readInstalling(
  disk: Disk,
  directory: string,
): Promise<{ lastZxid: bigint; snapshot: string; log: string | undefined }> {
  const path = `${directory}/${installingName}`
  const file = await disk.open(path, { readOnly: true })
  const bytes = new Uint8Array(256)
  let text: string
  try {
    text = new TextDecoder('latin1').decode(bytes.subarray(0, await file.read(0, bytes)))
  } finally {
    await file.close()
  }
  const [, line, zxid, snapshot, log, checksum] = installingLine.exec(text) ?? []
  if (line === undefined || snapshot === undefined || checksum !== checksumOf(line)) {
    throw new RecoveryError(
      `${path} is damaged: it should name the files of a snapshot from a leader. Empty the directory, and the member gets ` +
        'everything from the others',
    )
  }
  const lastZxid = BigInt.asIntN(64, BigInt(`0x${zxid}`))
  return { lastZxid, snapshot, log: log === '-' ? undefined : log }
}

function checksumOf(line: string): string {
  return crc32(new TextEncoder().encode(line)).toString(16).padStart(8, '0')
}

// -- a cut --------------------------------------------------------------------------------------------------------------

/** A cut would remove a transaction that this process has seen committed. Only a faulty leader asks for that. */
export class TruncationRefused extends Error {
  override readonly name = 'TruncationRefused'
  readonly code = 'TRUNCATION_REFUSED'
}

/**
 * Removes all transactions after `zxid`, durably. `committed` is the highest zxid that this process has seen committed. No flush
 * and no snapshot may be under way. Resolves to the tree at `zxid`.
 * @throws TruncationRefused where committed transactions would be lost; NotInLogError where `zxid` is not in the log; RecoveryError
 * where every snapshot may hold transactions after `zxid` and the log does not begin with the first one: the member then starts
 * from nothing. All three change nothing.
 */
export async function truncateBase(
  runtime: Runtime,
  { snapshots, logs }: BaseDirectories,
  log: FileTxnLog,
  mark: AcknowledgedMark,
  zxid: bigint,
  committed: bigint,
): Promise<Recovered> {
  const { disk } = runtime
  if (zxid < committed) {
    throw new TruncationRefused(
      `the leader asks to cut the log behind ${formatHex(zxid)}, and ${formatHex(committed)} was committed`,
    )
  }
  await locate(disk, logs, zxid, log.durableZxid)
  const recovered = await recover(runtime, {
    snapshotDirectory: snapshots,
    logDirectory: logs,
    damage: 'refuse',
    orphans: 'keep',
    upTo: zxid,
  })
  // From here on a log that ends with `zxid` has lost nothing.
  await mark.lower(zxid)
  // The newest goes first, and all of them before the log is cut: a snapshot that is left would bring back what was cut.
  const from = recovered.snapshotZxid
  const names = snapshotsAmong(await disk.list(snapshots)).filter((each) => from === undefined || each.zxid > from)
  for (const { name } of names.reverse()) await disk.remove(`${snapshots}/${name}`)
  await disk.syncDirectory(snapshots)
  await log.truncate(zxid)
  return recovered
}
