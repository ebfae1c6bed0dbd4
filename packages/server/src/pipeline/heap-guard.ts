/**
 * Refuses writes that grow the tree while the heap has little room: V8 ends a process whose heap is full. A client can try again
 * when something was deleted.
 */
import type { Clock, Log, Memory } from '@lightkeeper/runtime'

/**
 * Shares of the heap: above the first, look closely; above the second, refuse; below the third, accept again. Only the first counts
 * garbage.
 */
const closeLook = 0.85
const tight = 0.8
const roomy = 0.75
/** Above this share there is no time to find out what is garbage. */
const full = 0.95
const collectEveryMs = 2_000
/** Bytes of requests between two looks. */
const lookEveryBytes = 256 * 1024
/** About what a znode costs in addition to its path and data. */
const znodeBytes = 512
const lookEveryMs = 1_000
const megabyte = 1024 * 1024

export class HeapGuard {
  readonly #memory: Memory
  readonly #clock: Clock
  readonly #log: Log
  #bytes = 0
  #isTight = false
  #lookedAt = 0
  #collectedAt = Number.NEGATIVE_INFINITY

  constructor(runtime: { readonly memory: Memory; readonly clock: Clock; readonly log: Log }) {
    this.#memory = runtime.memory
    this.#clock = runtime.clock
    this.#log = runtime.log
  }

  /** Whether a write of `bytes` that may grow the tree may be executed. */
  admits(bytes: number): boolean {
    if (this.#isTight) {
      if (this.#clock.now() - this.#lookedAt >= lookEveryMs) this.#lookForRoom()
    } else {
      this.#bytes += bytes + znodeBytes
      if (this.#bytes >= lookEveryBytes) this.#look()
    }
    return !this.#isTight
  }

  #look(): void {
    this.#bytes = 0
    const share = this.#share()
    if (share < closeLook) return
    const now = this.#clock.now()
    // Much of it may be garbage, which must not cause refusals; but to collect it at each look would take all the time.
    if (now - this.#collectedAt >= collectEveryMs) {
      this.#memory.collect()
      this.#collectedAt = this.#clock.now()
      if (this.#share() < tight) return
    } else if (share < full) return
    this.#isTight = true
    this.#lookedAt = this.#clock.now()
    this.#log(
      'error',
      'THE HEAP IS NEARLY FULL: creates and sets are refused until there is room; delete znodes, or restart with a larger heap ' +
        '(NODE_OPTIONS=--max-old-space-size=MEGABYTES)',
      this.#facts(),
    )
  }

  #lookForRoom(): void {
    if (this.#share() >= roomy) this.#memory.collect()
    this.#lookedAt = this.#clock.now()
    if (this.#share() >= roomy) return
    this.#isTight = false
    this.#log('info', 'there is room in the heap again: creates and sets are taken', this.#facts())
  }

  #share(): number {
    const { used, limit } = this.#memory.heap()
    return used / limit
  }

  #facts(): { usedMb: number; limitMb: number } {
    const { used, limit } = this.#memory.heap()
    return { usedMb: Math.round(used / megabyte), limitMb: Math.round(limit / megabyte) }
  }
}
