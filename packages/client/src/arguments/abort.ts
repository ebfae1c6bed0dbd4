/**
 * Listening to a signal. Callers pass one signal to thousands of calls at a time, and Node warns of a leak where more than ten
 * listeners are at one signal. So each signal has one listener, for all who wait for it.
 */

const all = new WeakMap<AbortSignal, Listeners>()

class Listeners {
  readonly calls = new Set<() => void>()
  readonly #signal: AbortSignal
  readonly #hear = (): void => {
    // One that is called may take others back.
    for (const call of this.calls) call()
    all.delete(this.#signal)
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
    all.set(signal, this)
    signal.addEventListener('abort', this.#hear, { once: true })
  }

  /** A signal with a listener may stay in memory, so an empty one goes. */
  end(): void {
    all.delete(this.#signal)
    this.#signal.removeEventListener('abort', this.#hear)
  }
}

/** Calls `call` once when the signal aborts; never where it has aborted already, or is undefined. A function counts once. */
export function hearAbort(signal: AbortSignal | undefined, call: () => void): void {
  if (signal === undefined || signal.aborted) return
  const listeners = all.get(signal) ?? new Listeners(signal)
  listeners.calls.add(call)
}

/** Takes it back. */
export function unhearAbort(signal: AbortSignal | undefined, call: () => void): void {
  if (signal === undefined) return
  const listeners = all.get(signal)
  if (listeners?.calls.delete(call) === true && listeners.calls.size === 0) listeners.end()
}
