/**
 * What clients make the server hold by not reading: replies and events that the system did not take. Everything is counted that
 * is more than a small part; when all of it together is too much, large replies wait, and who does not read is cut off, the
 * largest first.
 */
import type { Clock, Timer } from '@lightkeeper/runtime'

/** Less than this is not counted for a connection: nobody tells when it is gone. */
export const countedFrom = 64 * 1024
/** How often those who hold are looked at while it is too much. */
const lookMs = 500
/** Who took nothing for so long while it is too much may be cut off. */
const patienceMs = 2_000

/** A connection, as far as it makes us hold bytes. */
export interface Holder {
  readonly queuedBytes: number
  /** Closes it; `heldBytes` is what everybody holds. */
  cutAsHolder(heldBytes: number): void
  /** There is room again. */
  roomAgain(): void
}

interface Holding {
  bytes: number
  /** When `bytes` last became less. */
  since: number
}

export class HeldBytes {
  readonly #clock: Clock
  readonly #limits: { readonly heldReplyBytes: number }
  readonly #holders = new Map<Holder, Holding>()
  readonly #waiting = new Set<Holder>()
  #total = 0
  #timer: Timer | undefined

  /** Above `heldReplyBytes` large replies wait; above twice as much the largest holder is cut off at once. */
  constructor(clock: Clock, limits: { readonly heldReplyBytes: number }) {
    this.#clock = clock
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  get isTooMuch(): boolean {
    return this.#total >= this.#limits.heldReplyBytes
  }

  /** Counts what a connection holds now. */
  count(holder: Holder): void {
    const { queuedBytes } = holder
    const bytes = queuedBytes >= countedFrom ? queuedBytes : 0
    const known = this.#holders.get(holder)
    if (known === undefined && bytes === 0) return
    const now = this.#clock.now()
    if (known === undefined) this.#holders.set(holder, { bytes, since: now })
    else {
      if (bytes < known.bytes) known.since = now
      this.#total -= known.bytes
      known.bytes = bytes
      if (bytes === 0) this.#holders.delete(holder)
    }
    this.#total += bytes
    while (this.#total > 2 * this.#limits.heldReplyBytes && this.#cutLargest(0)) {}
    if (this.isTooMuch) this.#timer ??= this.#clock.after(lookMs, () => this.#look())
    else this.#release()
  }

  /** The connection is gone. */
  forget(holder: Holder): void {
    this.#drop(holder)
  }

  #drop(holder: Holder): void {
    this.#waiting.delete(holder)
    const known = this.#holders.get(holder)
    if (known === undefined) return
    this.#holders.delete(holder)
    this.#total -= known.bytes
    if (!this.isTooMuch) this.#release()
  }

  /** Calls `roomAgain` when it is not too much any more. */
  await(holder: Holder): void {
    this.#waiting.add(holder)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #release(): void {
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const holder of waiting) holder.roomAgain()
  }

  #look(): void {
    this.#timer = undefined
    for (const holder of [...this.#holders.keys()]) this.count(holder)
    while (this.isTooMuch && this.#cutLargest(patienceMs)) {}
    if (!this.isTooMuch) return
    this.#timer ??= this.#clock.after(lookMs, () => this.#look())
  }

  /** False where nobody has held for so long, milliseconds. */
  #cutLargest(patience: number): boolean {
    const before = this.#clock.now() - patience
    let largest: Holder | undefined
    let most = 0
    for (const [holder, { bytes, since }] of this.#holders) {
      if (bytes <= most || since > before) continue
      largest = holder
      most = bytes
    }
    if (largest === undefined) return false
    const { total } = this
    // Here and not only when the connection says that it is gone: the loops that call this must come to an end.
    this.#drop(largest)
    largest.cutAsHolder(total)
    return true
  }
}
