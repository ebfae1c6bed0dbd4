/** One request from the moment a user makes it until it settles, which it does exactly once. */
import {
  type AnyKeeperCode,
  KeeperError,
  MalformedFrameError,
  type Outcome,
  type Reader,
  type Writer,
} from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'

/** A request: what is sent, what its reply says, and what to do when that is an error or is lost. */
export interface RequestSpec<T> {
  readonly type: number
  /** Name of the operation, for errors. */
  readonly operation: string
  /** The user's path, for errors. */
  readonly path?: string | undefined
  encode(writer: Writer): void
  /** Makes the result of a reply without an error. `zxid` is that of the reply. */
  decode(reader: Reader, zxid: bigint): T
  /** Makes a result of an error reply, where one is no failure; throws or returns undefined to fail. */
  onError?(err: number): { readonly value: T } | undefined
  /** A request that may be made any number of times is made again after a lost connection or session, in its place. */
  isRepeatable?: boolean
  /**
   * Finds out what became of a request whose reply was lost, and completes it where that is safe. Rejects with `lost.error`
   * where that cannot be known. Default: it cannot.
   */
  recover?(lost: Lost): Promise<T>
  /** False where `recover` could only fail. Default true. */
  readonly isRecoverable?: boolean
}

/** A request that was sent and whose reply is lost. */
export interface Lost {
  readonly error: KeeperError
  /** Highest zxid seen when it was sent: what is not later than this was there before it. */
  readonly seen: bigint
  /** The session it was sent in. */
  readonly sessionId: bigint
  /** Whether the caller has given up meanwhile: then nothing may be sent for it any more. */
  isGivenUp(): boolean
}

export class PendingRequest<T = unknown> {
  readonly spec: RequestSpec<T>
  /** Set when it is written to a connection. */
  xid = 0
  isSent = false
  isSettled = false
  /** Monotonic milliseconds. */
  sentAt = 0
  seen = 0n
  sessionId = 0n
  /** Monotonic milliseconds; past it the request fails at the next look. */
  deadline = Number.POSITIVE_INFINITY
  readonly #resolve: (value: T) => void
  readonly #reject: (reason: unknown) => void
  #cleanUp: (() => void) | undefined

  constructor(spec: RequestSpec<T>, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.spec = spec
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Fails the request when the signal aborts or the time is over, whichever comes first. `noReply` says why it was not done. */
  limit(
    clock: Clock,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    noReply: (timeoutMs: number) => Error,
  ): void {
    const abort = (): void => this.rejectWith(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const timer =
      timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => this.fail('TIMEOUT', noReply(timeoutMs)))
    this.#cleanUp = () => {
      signal?.removeEventListener('abort', abort)
      timer?.cancel()
    }
  }

  /** What is known of its execution if it fails now. */
  get outcome(): Outcome {
    return this.isSent ? 'unknown' : 'not-sent'
  }

  /** @throws MalformedFrameError for a body that cannot be read; the connection is useless then. */
  reply(err: number, zxid: bigint, body: Reader): void {
    if (this.isSettled) return
    try {
      if (err === 0) {
        const value = this.spec.decode(body, zxid)
        if (this.#settle()) this.#resolve(value)
        return
      }
      const handled = this.spec.onError?.(err)
      if (handled !== undefined) {
        if (this.#settle()) this.#resolve(handled.value)
        return
      }
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) {
        if (this.#settle()) this.#reject(error)
        return
      }
      // Executed, and answered with something that is no answer: so is whatever comes behind it on this connection.
      this.fail('MARSHALLING_ERROR', error, 'unknown')
      throw error
    }
    const { operation, path } = this.spec
    this.rejectWith(KeeperError.fromNumber(err, { operation, path, outcome: 'rejected' }))
  }

  fail(code: AnyKeeperCode, cause?: unknown, outcome: Outcome = this.outcome): void {
    if (this.isSettled) return
    const { operation, path } = this.spec
    this.rejectWith(new KeeperError(code, { operation, path, outcome, cause, message: messageOf(code, cause) }))
  }

  /** The connection or the session it was sent on is gone; `recover` decides where there is one; true then. */
  lose(code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED', cause?: unknown): boolean {
    const { spec } = this
    if (this.isSettled) return false
    if (spec.recover === undefined || spec.isRecoverable === false || !this.isSent) {
      this.fail(code, cause)
      return false
    }
    const { operation, path } = this.spec
    const error = new KeeperError(code, { operation, path, outcome: 'unknown', cause, message: messageOf(code, cause) })
    const lost: Lost = { error, seen: this.seen, sessionId: this.sessionId, isGivenUp: () => this.isSettled }
    // In a turn of its own, when the session has come to rest.
    void Promise.resolve()
      .then(() => spec.recover?.(lost) as Promise<T>)
      .then(
        (value) => {
          if (this.#settle()) this.#resolve(value)
        },
        (reason: unknown) => this.rejectWith(reason),
      )
    return true
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

/** The causes of these are made here and say why: a reader of the message alone must not miss it. */
function messageOf(code: AnyKeeperCode, cause: unknown): string | undefined {
  const isShown = code === 'TIMEOUT' || code === 'FRAME_TOO_LARGE' || code === 'SESSION_EXPIRED'
  return isShown && cause instanceof Error ? cause.message : undefined
}

/** Why a request is refused for its size. No server says what it accepts: it closes the connection. So its default is named as well. */
export function tooLarge(what: 'request' | 'data', bytes: number, limit: number): string {
  const whose = `requestBytesMax of this client is ${limit}`
  return `the ${what} has ${bytes} bytes; ${whose}, and jute.maxbuffer of a server is 1048575 unless it is set there`
}
