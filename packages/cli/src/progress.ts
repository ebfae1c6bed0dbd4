/** How far long work has come: a bar on a terminal, elsewhere a line now and then. Both on standard error. */
import type { SingleBar } from 'cli-progress'

export interface ProgressOptions {
  /** Undefined where it is not known. */
  readonly total?: number
  readonly stream?: NodeJS.WriteStream | undefined
  /** Milliseconds, from any beginning. */
  readonly now?: () => number
}

/** Ends when it is disposed of: a bar disappears then, and what comes next has the line. */
export interface Progress extends Disposable {
  /** How much is done; `total` where it has become known or has changed. */
  update(done: number, total?: number): void
}

/** The time between two lines where there is no terminal, milliseconds. Short work prints none. */
const everyMs = 10_000

/** `what` is counted, in the plural: `writes`. */
export function progress(
  command: string,
  what: string,
  { total, stream = process.stderr, now = () => performance.now() }: ProgressOptions = {},
): Progress {
  return stream.isTTY ? new Bar(what, total, stream) : new Lines(command, what, total, stream, now)
}

class Lines implements Progress {
  readonly #begin: string
  readonly #what: string
  readonly #stream: NodeJS.WritableStream
  readonly #now: () => number
  #total: number | undefined
  #last: number

  constructor(
    command: string,
    what: string,
    total: number | undefined,
    stream: NodeJS.WritableStream,
    now: () => number,
  ) {
    this.#begin = `lightkeeper ${command}:`
    this.#what = what
    this.#total = total
    this.#stream = stream
    this.#now = now
    this.#last = now()
  }

  update(done: number, total = this.#total): void {
    this.#total = total
    const time = this.#now()
    if (time - this.#last < everyMs) return
    this.#last = time
    const share = total === undefined ? '' : ` of ${total}`
    const percent = total === undefined || total === 0 ? '' : ` (${Math.floor((done / total) * 100)} %)`
    this.#stream.write(`${this.#begin} ${done}${share} ${this.#what}${percent}\n`)
  }

  [Symbol.dispose](): void {}
}

class Bar implements Progress {
  readonly #what: string
  readonly #stream: NodeJS.WritableStream
  #total: number | undefined
  #done = 0
  #bar: SingleBar | undefined
  #isOver = false

  constructor(what: string, total: number | undefined, stream: NodeJS.WritableStream) {
    this.#what = what
    this.#total = total
    this.#stream = stream
    // Loaded only where there is a terminal; work does not wait for it.
    void import('cli-progress').then((library) => {
      if (this.#isOver) return
      const { SingleBar, Presets } = library.default
      const left =
        total === undefined ? '{value} {what}' : '{bar} {percentage} % {value}/{total} {what}, {eta_formatted} left'
      this.#bar = new SingleBar(
        { format: left, stream: this.#stream, hideCursor: true, clearOnComplete: true },
        Presets.shades_classic,
      )
      this.#bar.start(this.#total ?? 0, this.#done, { what: this.#what })
    })
  }

  update(done: number, total = this.#total): void {
    this.#done = done
    if (total !== this.#total && total !== undefined) this.#bar?.setTotal(total)
    this.#total = total
    this.#bar?.update(done)
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#bar?.stop()
  }
}
