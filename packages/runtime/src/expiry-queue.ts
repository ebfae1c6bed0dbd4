/**
 * Keys that expire in buckets of one tick, as in Apache's ExpiryQueue: a touch moves a key between two sets, and expiry walks over
 * the buckets that are due. A key lives between `timeout` and `timeout + tick` after its last touch.
 */
export class ExpiryQueue<K> {
  /** The width of a bucket, milliseconds. */
  readonly tickMs: number
  readonly #buckets = new Map<number, Set<K>>()
  readonly #bucketOf = new Map<K, number>()
  /** The earliest bucket that may hold anything; buckets before it have expired. */
  #nextBucket: number

  /** `tickMs` is the width of a bucket, `now` monotonic milliseconds. */
  constructor(tickMs: number, now: number) {
    this.tickMs = tickMs
    this.#nextBucket = this.#bucketAfter(now)
  }

  /** The number of keys. */
  get size(): number {
    return this.#bucketOf.size
  }

  /** When the next bucket is due, in the same milliseconds as `now`. */
  get nextExpiryAt(): number {
    return this.#nextBucket
  }

  /** Lets `key` live on for `timeoutMs` from `now`. */
  touch(key: K, now: number, timeoutMs: number): void {
    const bucket = this.#bucketAfter(now + timeoutMs)
    const before = this.#bucketOf.get(key)
    if (before === bucket) return
    if (before !== undefined) this.#drop(key, before)
    this.#bucketOf.set(key, bucket)
    let keys = this.#buckets.get(bucket)
    if (keys === undefined) {
      keys = new Set()
      this.#buckets.set(bucket, keys)
    }
    keys.add(key)
  }

  /** Forgets a key; it does not expire then. */
  remove(key: K): void {
    const bucket = this.#bucketOf.get(key)
    if (bucket === undefined) return
    this.#bucketOf.delete(key)
    this.#drop(key, bucket)
  }

  /** Removes and returns the keys whose bucket is due at `now`, oldest bucket first. */
  expire(now: number): K[] {
    const due: K[] = []
    while (this.#nextBucket <= now) {
      const keys = this.#buckets.get(this.#nextBucket)
      if (keys !== undefined) {
        this.#buckets.delete(this.#nextBucket)
        for (const key of keys) {
          this.#bucketOf.delete(key)
          due.push(key)
        }
      }
      // After a clock jumped far ahead, it catches up in one step when nothing is waiting.
      this.#nextBucket =
        this.#buckets.size === 0
          ? Math.max(this.#nextBucket + this.tickMs, this.#bucketAfter(now))
          : this.#nextBucket + this.tickMs
    }
    return due
  }

  /** Buckets and their keys, earliest first: for `dump`. */
  buckets(): [expiresAt: number, keys: ReadonlySet<K>][] {
    return [...this.#buckets].sort(([a], [b]) => a - b)
  }

  #bucketAfter(time: number): number {
    return (Math.floor(time / this.tickMs) + 1) * this.tickMs
  }

  #drop(key: K, bucket: number): void {
    const keys = this.#buckets.get(bucket)
    if (keys === undefined) return
    keys.delete(key)
    if (keys.size === 0) this.#buckets.delete(bucket)
  }
}
