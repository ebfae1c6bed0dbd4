/** Ends a server by a signal at any time: before it serves, while it serves, while it stops. */
import { exitCodeOf } from './signals.ts'

const signals = ['SIGTERM', 'SIGINT'] as const

/** While an object of this class exists, no stop signal ends the process by itself. */
export class StopSignals {
  #stop: ((signal: NodeJS.Signals) => void) | undefined
  #isStopping = false

  constructor() {
    for (const signal of signals) process.on(signal, () => this.#hear(signal))
  }

  /** Calls `stop` at the first signal from now on. */
  serving(stop: (signal: NodeJS.Signals) => void): void {
    this.#stop = stop
  }

  #hear(signal: NodeJS.Signals): void {
    // No client knows the server yet, and its directory is valid after an end at any moment.
    if (this.#stop === undefined) process.exit(0)
    if (this.#isStopping) process.exit(exitCodeOf(signal))
    this.#isStopping = true
    this.#stop(signal)
  }
}
