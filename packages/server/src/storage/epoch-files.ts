/**
 * The two epochs of a member of an ensemble, each in a file as Apache writes it: a decimal number (QuorumPeer.java).
 * `acceptedEpoch` is the highest epoch that this server promised to follow, `currentEpoch` the epoch whose history it has.
 */
import { zxidEpoch } from '@lightkeeper/protocol'
import { assert, type Disk } from '@lightkeeper/runtime'

const acceptedName = 'acceptedEpoch'
const currentName = 'currentEpoch'
/** A Java long has no more digits, and an epoch has 32 bits. */
const digitsMax = 19
const epochMax = 0xffff_ffff

/** A file of an epoch exists and holds none, or the two contradict each other. */
export class EpochFileError extends Error {
  override readonly name = 'EpochFileError'
  readonly code = 'BAD_EPOCH_FILE'
}

export class EpochFiles {
  readonly #disk: Disk
  readonly #directory: string
  #accepted: number
  #current: number

  private constructor(disk: Disk, directory: string, accepted: number, current: number) {
    this.#disk = disk
    this.#directory = directory
    this.#accepted = accepted
    this.#current = current
  }

  /**
   * Reads the files in a directory of snapshots. A missing file means the epoch of `lastZxid`, the last transaction of the
   * directory, as in Apache. @throws EpochFileError
   */
  static async open(disk: Disk, directory: string, lastZxid: bigint): Promise<EpochFiles> {
    const fallback = lastZxid > 0n ? zxidEpoch(lastZxid) : 0
    const read = (name: string): Promise<number | undefined> => readEpoch(disk, `${directory}/${name}`, lastZxid <= 0n)
    const current = (await read(currentName)) ?? fallback
    const accepted = (await read(acceptedName)) ?? current
    if (accepted < current) {
      throw new EpochFileError(
        `${directory}: ${acceptedName} is ${accepted}, below ${currentName}, which is ${current}. One of them is from another ` +
          'time: empty this directory, and the member gets everything from the others',
      )
    }
    return new EpochFiles(disk, directory, accepted, current)
  }

  /** Never below `current`. */
  get accepted(): number {
    return this.#accepted
  }

  get current(): number {
    return this.#current
  }

  /** Resolves when both are durable. Neither may decrease, and `current` may not be above `accepted`. */
  async save(accepted: number, current: number): Promise<void> {
    assert(accepted >= current, 'the accepted epoch is at or above the current one')
    assert(accepted >= this.#accepted && current >= this.#current, 'an epoch never goes back')
    // The order matters: the accepted epoch is never below the current one.
    if (accepted !== this.#accepted) await this.#write(acceptedName, accepted)
    this.#accepted = accepted
    if (current !== this.#current) await this.#write(currentName, current)
    this.#current = current
  }

  async #write(name: string, epoch: number): Promise<void> {
    const path = `${this.#directory}/${name}`
    const file = await this.#disk.open(`${path}.tmp`, { create: true })
    try {
      await file.truncate(0)
      await file.write(0, new TextEncoder().encode(String(epoch)))
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#disk.rename(`${path}.tmp`, path)
    await this.#disk.syncDirectory(this.#directory)
  }
}

/** What the files say, for a diagnosis. Undefined where neither is there: the directory is not that of a member. */
export type ExaminedEpochs =
  | { readonly accepted: number; readonly current: number; readonly problem?: undefined }
  | { readonly problem: string }

/** Changes nothing. `lastZxid` is the last transaction of the directory. */
export async function examineEpochs(
  disk: Disk,
  directory: string,
  names: readonly string[],
  lastZxid: bigint,
): Promise<ExaminedEpochs | undefined> {
  if (!names.includes(acceptedName) && !names.includes(currentName)) return undefined
  try {
    const { accepted, current } = await EpochFiles.open(disk, directory, lastZxid)
    return { accepted, current }
  } catch (error) {
    if (!(error instanceof EpochFileError)) throw error
    return { problem: error.message }
  }
}

/** What a member does about its epochs when it starts. */
export type EpochJudgement =
  | { readonly kind: 'start' }
  /** The process ended between the history of an epoch and its file: save `current` first. */
  | { readonly kind: 'heal'; readonly current: number }
  /** The history is of an epoch that this server never promised to follow: it must not vote until it has synchronized. */
  | { readonly kind: 'abstain'; readonly reason: string }

/** Apache refuses such directories (ZOOKEEPER-2354). `lastZxid` is the last transaction of the directory. */
export function judgeEpochs(accepted: number, current: number, lastZxid: bigint): EpochJudgement {
  const epoch = lastZxid > 0n ? zxidEpoch(lastZxid) : 0
  if (epoch <= current) return { kind: 'start' }
  if (epoch <= accepted) return { kind: 'heal', current: epoch }
  return { kind: 'abstain', reason: `the history is of epoch ${epoch}, and the accepted epoch is ${accepted}` }
}

async function readEpoch(disk: Disk, path: string, isEmpty: boolean): Promise<number | undefined> {
  let text: string
  try {
    const file = await disk.open(path, { readOnly: true })
    try {
      const bytes = new Uint8Array(64)
      text = new TextDecoder('latin1').decode(bytes.subarray(0, await file.read(0, bytes)))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
  // Apache reads the first line.
  const [line = ''] = text.split(/\r?\n/)
  // Apache writes the epoch of zxid -1 where a server begins with nothing and zookeeper.db.autocreate is false.
  if (line === '-1' && isEmpty) return undefined
  const epoch = /^\d+$/.test(line) && line.length <= digitsMax ? Number(line) : Number.NaN
  if (epoch <= epochMax) return epoch
  throw new EpochFileError(
    `${path} holds no epoch: a decimal number from 0 to ${epochMax} was expected. Empty its ` +
      'directory, and the member gets everything from the others',
  )
}
