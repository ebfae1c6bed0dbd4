/**
 * The highest zxid that this server promised to keep: it has acknowledged that transaction to a client or, in an ensemble, to a
 * leader. It has a file of its own, so that a log that ends below it is recognised as cut. It is written after every batch that
 * became durable, and synced once a second and at the end: after a kill it is exact; after a power cut it may be a second old, but
 * never ahead of the log. Before a member cuts its log for a leader, the promise is lowered, durably.
 */
import { crc32, Reader, Writer } from '@lightkeeper/protocol'
import type { Disk, DiskFile, Runtime, Timer } from '@lightkeeper/runtime'

const fileName = 'acknowledged'
const magic = 0x4c4b_4143_4b4e_4f57n
const slotBytes = 32
/** Two slots in two sectors, written in turn: a torn write leaves the other one. */
const slotOffsets = [0, 512] as const
const syncEveryMs = 1_000

const markLost =
  'the file "acknowledged" cannot be written: a loss at the end of the log would not be noticed at the next start; see to the disk and restart'

export class AcknowledgedMark {
  readonly #file: DiskFile
  readonly #runtime: Runtime
  readonly #writer = new Writer(slotBytes)
  #zxid: bigint
  #turn: bigint
  #isFailed = false
  #syncTimer: Timer | undefined

  private constructor(runtime: Runtime, file: DiskFile, zxid: bigint, turn: bigint) {
    this.#runtime = runtime
    this.#file = file
    this.#zxid = zxid
    this.#turn = turn
  }

  /** The current promise; 0 for none. */
  get zxid(): bigint {
    return this.#zxid
  }

  /** A promise was written, be it that of nothing: the directory is ours. */
  get isSet(): boolean {
    return this.#turn > 0n
  }

  static async open(runtime: Runtime, directory: string): Promise<AcknowledgedMark> {
    const file = await runtime.disk.open(`${directory}/${fileName}`, { create: true })
    const { zxid, turn } = await readMark(file)
    return new AcknowledgedMark(runtime, file, zxid, turn)
  }

  /** The mark of a directory, undefined where there is none. Changes nothing. */
  static async read(disk: Disk, directory: string): Promise<bigint | undefined> {
    try {
      const file = await disk.open(`${directory}/${fileName}`, { readOnly: true })
      try {
        const { zxid, turn } = await readMark(file)
        return turn === 0n ? undefined : zxid
      } finally {
        await file.close()
      }
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Everything up to `zxid` is durable and about to be acknowledged. */
  note(zxid: bigint): void {
    if (this.#isFailed) return
    this.#zxid = zxid
    try {
      // Without a trip to another thread for each batch: the page is in memory.
      this.#file.writeNow(this.#nextOffset(), this.#slot(zxid))
    } catch (error) {
      this.#failed(error as Error)
    }
    this.#syncTimer ??= this.#runtime.clock.after(syncEveryMs, () => {
      this.#syncTimer = undefined
      this.#file.sync().catch((error: Error) => this.#failed(error))
    })
  }

  /** Lowers or raises the mark; resolves when that is durable. */
  async set(zxid: bigint): Promise<void> {
    // Both slots, since one of them may be lost.
    for (const _ of slotOffsets) await this.#file.writeDurably(this.#nextOffset(), this.#slot(zxid))
    this.#zxid = zxid
  }

  /**
   * Withdraws the promise for transactions after `zxid`. Resolves when that is durable and the log may be cut there. Does nothing
   * where no more was promised.
   */
  async lower(zxid: bigint): Promise<void> {
    if (this.#zxid > zxid) await this.set(zxid)
  }

  async close(): Promise<void> {
    this.#syncTimer?.cancel()
    await this.#file.sync().catch((error: Error) => this.#failed(error))
    await this.#file.close()
  }

  #failed(error: Error): void {
    // The log decides what is acknowledged; the mark only makes a later loss visible.
    if (!this.#isFailed) this.#runtime.log('error', markLost, { cause: error.message })
    this.#isFailed = true
  }

  #nextOffset(): number {
    this.#turn++
    return slotOffsets[Number(this.#turn & 1n)] as number
  }

  #slot(zxid: bigint): Uint8Array {
    const writer = this.#writer
    writer.clear()
    writer.long(magic)
    writer.long(zxid)
    writer.long(this.#turn)
    writer.int(crc32(writer.bytes, 0, writer.length) | 0)
    writer.int(0)
    return writer.written().slice()
  }
}

async function readMark(file: DiskFile): Promise<{ zxid: bigint; turn: bigint }> {
  let newest = { zxid: 0n, turn: 0n }
  for (const offset of slotOffsets) {
    const bytes = new Uint8Array(slotBytes)
    if ((await file.read(offset, bytes)) < slotBytes) continue
    const reader = new Reader(bytes)
    if (reader.long() !== magic) continue
    const slot = { zxid: reader.long(), turn: reader.long() }
    if (reader.int() === (crc32(bytes, 0, 24) | 0) && slot.turn >= newest.turn) newest = slot
  }
  return newest
}
