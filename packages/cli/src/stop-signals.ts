/** Signals to a server at any time: those that end it, before it serves, while it serves, while it stops; and the one to reload. */
import { endProcess, endStartingProcess } from './end-process.ts'
import { exitCodeOf } from './signals.ts'

const signals = ['SIGTERM', 'SIGINT'] as const

/** While an object of this class exists, no stop signal ends the process by itself, nor does SIGHUP. */
export class StopSignals {
  #stop: ((signal: NodeJS.Signals) => void) | undefined
  #reload: (() => void) | undefined
  #isStopping = false

  constructor() {
    for (const signal of signals) process.on(signal, () => this.#hear(signal))
    process.on('SIGHUP', () => {
      if (!this.#isStopping) this.#reload?.()
    })
  }

  /** Calls `stop` at the first signal from now on. */
  serving(stop: (signal: NodeJS.Signals) => void): void {
    this.#stop = stop
  }

  /** Calls `reload` at each SIGHUP from now on, until the server stops. Before, SIGHUP does nothing. */
  reloading(reload: () => void): void {
    this.#reload = reload
  }

  #hear(signal: NodeJS.Signals): void {
    // No client knows the server yet, and its directory is valid after an end at any moment.
    if (this.#stop === undefined) return endStartingProcess(0)
    if (this.#isStopping) return endProcess(exitCodeOf(signal))
    this.#isStopping = true
    this.#stop(signal)
  }
}
