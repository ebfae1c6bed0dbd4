/** The lines that were typed in earlier shells. Several shells may be open: each adds its own lines. */
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLineEnds } from './paste.ts'

/** A file with twice as many lines is cut. */
const linesMax = 1000

/** At the beginning of any line, also in quotes or in a comment; or an identity among the options. */
const credentials = /^[\s#"']*(?:addauth|redo)\b|\s["']?--auth(?![\w-])/m

export class HistoryFile {
  readonly #file: string
  readonly #folder: string
  /** A history that cannot be written is no reason to stop a shell; the reason is said once. */
  #complain: ((text: string) => void) | undefined

  constructor(folder: string, complain: (text: string) => void) {
    this.#folder = folder
    this.#file = join(folder, 'history')
    this.#complain = complain
  }

  /** The latest first, as readline wants them. */
  async load(): Promise<string[]> {
    let lines: string[]
    try {
      lines = (await readFile(this.#file, 'utf8')).split('\n').filter((line) => line !== '')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#fail(error)
      return []
    }
    const kept = lines.slice(-linesMax)
    if (lines.length > 2 * linesMax) await this.#cut(kept)
    return kept.reverse()
  }

  async #cut(lines: readonly string[]): Promise<void> {
    try {
      const other = `${this.#file}.new`
      await writeFile(other, `${lines.join('\n')}\n`, { mode: 0o600 })
      await rename(other, this.#file)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A text with a line that may have credentials stays out as a whole, and so does one that begins with a space. */
  async add(line: string): Promise<void> {
    if (/^\s/.test(line) || line.includes('\n') || credentials.test(withLineEnds(line))) return
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await appendFile(this.#file, `${line}\n`, { mode: 0o600 })
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#complain?.(`the history in ${this.#file} is not kept: ${(error as Error).message}`)
    this.#complain = undefined
  }
}
