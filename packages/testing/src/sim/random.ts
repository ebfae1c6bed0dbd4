/** Random numbers from a seed: the same seed gives the same run. Not for secrets. */
import type { Random } from '@lightkeeper/runtime'

/** Mulberry32: 32 bits of state, good enough to choose faults. */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A uniform integer in [0, 2^32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** A whole number of at least 0 and less than `bound`; 0 for a bound of 1 or less. */
  below(bound: number): number {
    return bound <= 1 ? 0 : Math.floor((this.next() / 0x1_0000_0000) * bound)
  }

  /** `length` bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  /** True once in `times` on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** Another source, for a part that must not influence this one. */
  fork(): SeededRandom {
    return new SeededRandom(this.next())
  }
}
