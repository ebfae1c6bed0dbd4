/** The changes of a configuration, for each reader at its own speed. */
import type { ZnodeStat } from '@lightkeeper/client'
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'
import type { Freshness } from '../common/freshness.ts'

/** One change of a configuration: a new value, or a value that could not be taken. */
export type ConfigurationChange<T> =
  | { readonly kind: 'changed'; readonly value: T; readonly previous: T; readonly stat: ZnodeStat }
  /** The codec cannot decode what was written; the last good value stays current. */
  | {
      readonly kind: 'invalid'
      /** What the codec threw, KeeperError NO_AUTH or FRAME_TOO_LARGE, or the error that ended the following of the znode. */
      readonly error: unknown
      /** The data that the codec could not decode; undefined where the read failed. */
      readonly data: Uint8Array | undefined
      /** The Stat of this data; undefined where the read failed. */
      readonly stat: ZnodeStat | undefined
    }
  /** The znode is gone; the last good value stays current. */
  | { readonly kind: 'deleted' }
  /** The store could not save a good value. */
  | { readonly kind: 'notSaved'; readonly error: unknown }
  | Freshness

interface Reader<T> {
  /** The value that this reader got last. */
  value: T
  readonly pending: ConfigurationChange<T>[]
  wake: (() => void) | undefined
}

/** The readers of one configuration. A reader that is behind keeps the newest change of each kind, so its backlog is bounded. */
export class Readers<T> {
  readonly #readers = new Set<Reader<T>>()
  #hasEnded = false

  add(change: ConfigurationChange<T>): void {
    const kind = kindOf(change)
    for (const reader of this.#readers) {
      const at = reader.pending.findIndex((each) => kindOf(each) === kind)
      if (at >= 0) reader.pending.splice(at, 1)
      reader.pending.push(change)
      reader.wake?.()
    }
  }

  /** Each reader ends when it has its pending changes. */
  end(): void {
    this.#hasEnded = true
    for (const reader of this.#readers) reader.wake?.()
  }

  /** The changes from this call on. `value` is the current one. */
  read(value: T, signal: AbortSignal | undefined): AsyncGenerator<ConfigurationChange<T>, void, void> {
    const reader: Reader<T> = { value, pending: [], wake: undefined }
    // The changes count from now, not from the first step of the loop.
    this.#readers.add(reader)
    return this.#changes(reader, signal)
  }

  async *#changes(
    reader: Reader<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ConfigurationChange<T>, void, void> {
    const onAbort = (): void => reader.wake?.()
    hearAbort(signal, onAbort)
    try {
      while (signal?.aborted !== true) {
        const change = reader.pending.shift()
        if (change !== undefined) {
          yield change.kind === 'changed' ? { ...change, previous: reader.value } : change
          if (change.kind === 'changed') reader.value = change.value
        } else if (this.#hasEnded) return
        else await new Promise<void>((resolve) => (reader.wake = resolve))
      }
    } finally {
      unhearAbort(signal, onAbort)
      this.#readers.delete(reader)
    }
  }
}

function kindOf({ kind }: ConfigurationChange<unknown>): string {
  return kind === 'live' || kind === 'stale' ? 'freshness' : kind
}
