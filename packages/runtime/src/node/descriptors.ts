/** File descriptors: how many this process may have, and a reserve for files that clients cannot use up. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'

/** A new log, its durable twin, a snapshot, a directory to sync, and as many again. */
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

/** Descriptors of nothing, given up one by one when a file must be opened and none is left. */
export class DescriptorReserve {
  readonly #held: number[] = []
  #isKept = false

  /** From now on some are kept back. */
  keep(): void {
    this.#isKept = true
    this.refill()
  }

  drop(): void {
    this.#isKept = false
    for (const descriptor of this.#held.splice(0)) closeSync(descriptor)
  }

  /** Takes back what was given up, as far as it can be had. */
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
   * What `attempt` resolves to; where it finds no descriptor, what `atOnce` returns with one of the reserve given up. That runs
   * in one go, so that no connection that is accepted can take the descriptor first.
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
