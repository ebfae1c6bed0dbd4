/** Requests to end a command: signals, and a reader of its output that has gone (`… | head`). */
import { constants } from 'node:os'

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** The exit code that shells give for a process that a signal has ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Aborts at the first SIGINT or SIGTERM, so that the program can end cleanly; the second one ends the process. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return stop.signal
}

/** While an object of this class exists, neither ends the process by itself. */
export class Signals implements Disposable {
  readonly #abort = new AbortController()
  readonly #listeners = new Set<(signal: NodeJS.Signals) => void>()
  /** The first signal that came. */
  received: NodeJS.Signals | undefined
  readonly #hear = (signal: NodeJS.Signals): void => {
    this.received ??= signal
    this.#abort.abort(new Error(`ended by ${signal}`))
    for (const listener of [...this.#listeners]) listener(signal)
  }

  readonly #unread = (error: Error): void => this.#abort.abort(error)

  constructor() {
    process.stdout.on('error', this.#unread)
    for (const signal of passedOn) process.on(signal, this.#hear)
  }

  /** Aborts at the first signal, or when the reader of the output has gone. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Calls `listener` at each signal from now on, until the returned function is called. */
  onEach(listener: (signal: NodeJS.Signals) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  [Symbol.dispose](): void {
    process.stdout.off('error', this.#unread)
    for (const signal of passedOn) process.off(signal, this.#hear)
  }
}
