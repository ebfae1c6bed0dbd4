/**
 * The file of the audit log: lines in, one write at a time, and a new file when one is full. It never holds up a request: where the
 * disk is slower than the lines, those above a bound are left out, and a line says how many.
 */
import { type Clock, type Disk, type DiskFile, type Log, RepeatedLine } from '@lightkeeper/runtime'

export interface AuditFileOptions {
  readonly path: string
  /** A file that has as many bytes is renamed to PATH.1, and a new one begins. */
  readonly maxFileBytes: number
  /** Full files that are kept, PATH.1 the newest. */
  readonly maxFiles: number
}

/** Lines that wait for the disk, bytes. */
const waitingMax = 4 << 20

export class AuditFile {
  readonly #disk: Disk
  readonly #options: AuditFileOptions
  readonly #clock: Clock
  readonly #lostLine: RepeatedLine
  /** Undefined where a roll failed half-way: it is opened again for the next lines. */
  #file: DiskFile | undefined
  #size: number
  #waiting: string[] = []
  #waitingBytes = 0
  /** Lines left out since the last that was written. */
  #lost = 0
  #writing: Promise<void> | undefined

  private constructor(disk: Disk, options: AuditFileOptions, clock: Clock, log: Log, file: DiskFile, size: number) {
    this.#disk = disk
    this.#options = options
    this.#clock = clock
    this.#lostLine = new RepeatedLine(
      log,
      clock,
      'error',
      'lines of the audit log are lost: its file cannot be written as fast as they come; see to its disk',
    )
    this.#file = file
    this.#size = size
  }

  /** Opens the file, or makes it; lines are added to its end. @throws the system's error where that fails. */
  static async open(disk: Disk, options: AuditFileOptions, clock: Clock, log: Log): Promise<AuditFile> {
    const file = await disk.open(options.path, { create: true })
    return new AuditFile(disk, options, clock, log, file, await file.size())
  }

  /** Adds a line, which ends with a line break. It is on its way to the disk when this returns, or left out. */
  write(line: string): void {
    if (this.#waitingBytes + line.length > waitingMax) {
      this.#lost++
      this.#lostLine.tell({ file: this.#options.path })
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    if (this.#writing === undefined && this.#waiting.length === 1) this.#clock.turnEnd(() => this.#begin())
  }

  /** Resolves when everything is written. Nothing is added any more. */
  async close(): Promise<void> {
    this.#begin()
    await this.#writing
    await this.#file?.close()
  }

  #begin(): void {
    if (this.#writing !== undefined || this.#waiting.length === 0) return
    this.#writing = this.#writeAll().then(() => {
      this.#writing = undefined
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const count = this.#waiting.length
      const lost = this.#lost
      const bytes = new TextEncoder().encode(this.#waiting.join('') + this.#lostText())
      this.#waiting = []
      this.#waitingBytes = 0
      try {
        await this.#append(bytes)
        // Others may have been lost meanwhile.
        this.#lost -= lost
      } catch (error) {
        this.#lost += count
        this.#lostLine.tell({ file: this.#options.path, cause: (error as Error).message })
        return
      }
    }
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxFileBytes) await this.#roll()
    if (this.#file === undefined) {
      this.#file = await this.#disk.open(this.#options.path, { create: true })
      this.#size = await this.#file.size()
    }
    await this.#file.write(this.#size, bytes)
    this.#size += bytes.length
  }

  #lostText(): string {
    return this.#lost === 0
      ? ''
      : `${new Date(this.#clock.wall()).toISOString()} ERROR audit: ${this.#lost} lines are lost\n`
  }

  async #roll(): Promise<void> {
    const { path, maxFiles } = this.#options
    const full = this.#file
    this.#file = undefined
    await full?.close()
    for (let i = maxFiles; i > 0; i--) await this.#rename(i === 1 ? path : `${path}.${i - 1}`, `${path}.${i}`)
    if (maxFiles === 0) await this.#disk.remove(path)
  }

  /** Nothing happens where there is no such file yet. */
  async #rename(from: string, to: string): Promise<void> {
    try {
      await this.#disk.rename(from, to)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    }
  }
}
