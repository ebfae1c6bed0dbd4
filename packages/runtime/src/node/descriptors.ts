/** File descriptors: how many this process may have, and a reserve for files, which clients cannot use up. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'

/** A new log, its second descriptor for durable writes, a snapshot, a directory to sync, and as many again. */
const reserved = 8

/** Whether an error says that no descriptor was left, for the process or the system. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return code === 'EMFILE' || code === 'ENFILE'
}

/** The most descriptors this process may have open; undefined if the system does not say. */
export function descriptorLimit(): number | undefined {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1])
    return Number.isInteger(limit) ? limit : undefined
  } catch {
    return undefined
  }
}

/** Descriptors without a purpose. One is closed when a file must be opened and no descriptor is left. */
export class DescriptorReserve {
  readonly #held: number[] = []
  #isKept = false

  /** From now on some descriptors are reserved. */
  keep(): void {
    this.#isKept = true
    this.refill()
  }

  drop(): void {
    this.#isKept = false
    for (const descriptor of this.#held.splice(0)) closeSync(descriptor)
  }

  /** Reserves again what was given up, as far as possible. */
  refill(): void {
    while (this.#isKept && this.#held.length < reserved) {
      try {
        this.#held.push(openSync(devNull, 'r'))
      } catch {
        return
      }
    }
  }

  /**
   * The result of `attempt`. If it finds no descriptor, one of the reserve is closed and the result is that of `atOnce`. Both
   * happen in one step, so that no accepted connection can take the descriptor.
   */
  async open<T>(attempt: () => Promise<T>, atOnce: () => T): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error
      for (let next = this.#held.pop(); next !== undefined; next = this.#held.pop()) {
        closeSync(next)
        try {
          return atOnce()
        } catch (again) {
          if (!isOutOfDescriptors(again)) throw again
        }
      }
      throw error
    }
  }
}
