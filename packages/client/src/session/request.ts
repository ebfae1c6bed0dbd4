/** One request from the moment a user makes it until it settles, which it does exactly once. */
import { type AnyKeeperCode, KeeperError, type Outcome, type Reader, type Writer } from '@lightkeeper/protocol'

export interface RequestSpec<T> {
  readonly type: number
  /** Name of the operation, for errors. */
  readonly operation: string
  /** The user's path, for errors. */
  readonly path?: string | undefined
  write(writer: Writer): void
  /** Makes the result of a reply without an error. `zxid` is that of the reply. */
  read(reader: Reader, zxid: bigint): T
  /** Makes a result of an error reply, where one is no failure; throws or returns undefined to fail. */
  onError?(err: number): { readonly value: T } | undefined
}

export class PendingRequest<T = unknown> {
  readonly spec: RequestSpec<T>
  /** Set when it is written to a connection. */
  xid = 0
  isSent = false
  isSettled = false
  readonly #resolve: (value: T) => void
  readonly #reject: (reason: unknown) => void
  #cleanUp: (() => void) | undefined

  constructor(spec: RequestSpec<T>, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.spec = spec
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Runs when the request settles, however it does. */
  onSettled(cleanUp: () => void): void {
    this.#cleanUp = cleanUp
  }

  /** What is known of its execution if it fails now. */
  get outcome(): Outcome {
    return this.isSent ? 'unknown' : 'not-sent'
  }

  reply(err: number, zxid: bigint, body: Reader): void {
    if (this.isSettled) return
    try {
      if (err === 0) {
        const value = this.spec.read(body, zxid)
        if (this.#settle()) this.#resolve(value)
        return
      }
      const handled = this.spec.onError?.(err)
      if (handled !== undefined) {
        if (this.#settle()) this.#resolve(handled.value)
        return
      }
    } catch (error) {
      if (this.#settle()) this.#reject(error)
      return
    }
    const { operation, path } = this.spec
    this.rejectWith(KeeperError.fromNumber(err, { operation, path, outcome: 'rejected' }))
  }

  fail(code: AnyKeeperCode, cause?: unknown, outcome: Outcome = this.outcome): void {
    if (this.isSettled) return
    const { operation, path } = this.spec
    this.rejectWith(new KeeperError(code, { operation, path, outcome, cause }))
  }

  /** Rejects with `reason` as it is. */
  rejectWith(reason: unknown): void {
    if (!this.#settle()) return
    this.#reject(reason)
  }

  #settle(): boolean {
    if (this.isSettled) return false
    this.isSettled = true
    this.#cleanUp?.()
    return true
  }
}
