/** One request, from the call of a user until it settles, which happens exactly once. */
import {
  type AnyKeeperCode,
  KeeperError,
  MalformedFrameError,
  type Outcome,
  type Reader,
  type Writer,
} from '@lightkeeper/protocol'
import type { Clock } from '@lightkeeper/runtime'
import { hearAbort, unhearAbort } from '../arguments/abort.ts'
import type { CallOptions } from '../options.ts'

/** A request: what to send, what its reply means, and what to do when it fails or its reply is lost. */
export interface RequestSpec<T> {
  readonly type: number
  /** Name of the operation, for errors. */
  readonly operation: string
  /** The user's path, for errors. */
  readonly path?: string | undefined
  encode(writer: Writer): void
  /** Makes the result from a successful reply. `zxid` is that of the reply. */
  decode(reader: Reader, zxid: bigint): T
  /** Makes the result from an error reply, where the error is no failure. Otherwise it throws, or returns undefined to fail. */
  onError?(err: number): { readonly value: T } | undefined
  /** The reply is a failure, or too large. Called in its place among the events, before the request is rejected. */
  readonly onRefusal?: (() => void) | undefined
  /** The request may be executed any number of times. After a lost connection or session it is sent again, in its place. */
  isRepeatable?: boolean
  /**
   * Finds out what happened to a request whose reply was lost, and completes it where that is safe. Rejects with `lost.error` where
   * nothing shows the outcome. Default: nothing does.
   */
  recover?(lost: Lost): Promise<T>
  /** False where `recover` could only fail. Default true. */
  readonly isRecoverable?: boolean
}

/** A request that was sent and whose reply is lost. */
export interface Lost {
  readonly error: KeeperError
  /** The highest zxid that the client had seen when it sent the request: nothing up to that zxid is its result. */
  readonly seen: bigint
  /** The session in which it was sent. */
  readonly sessionId: bigint
  /**
   * For each request that looks into it or sends it again: the timeout of the call. A call without a limit learns the outcome
   * however long no server is reached, also where its signal has aborted meanwhile.
   */
  readonly limits: CallOptions
  /** Whether the caller has given up meanwhile: then nothing more may be sent for it. */
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
  /** Monotonic milliseconds; after this time the next check fails the request. */
  deadline = Number.POSITIVE_INFINITY
  readonly #resolve: (value: T) => void
  readonly #reject: (reason: unknown) => void
  #timeoutMs: number | undefined
  #cleanUp: (() => void) | undefined

  constructor(spec: RequestSpec<T>, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.spec = spec
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Fails the request when the signal aborts or the time is over, whichever comes first. `noReply` says why it is not done. */
  limit(
    clock: Clock,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    noReply: (timeoutMs: number) => Error,
  ): void {
    this.#timeoutMs = timeoutMs
    const abort = (): void => this.rejectWith(signal?.reason)
    hearAbort(signal, abort)
    const timer =
      timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => this.fail('TIMEOUT', noReply(timeoutMs)))
    this.#cleanUp = () => {
      unhearAbort(signal, abort)
      timer?.cancel()
    }
  }

  /** What we know about its execution if it fails now. */
  get outcome(): Outcome {
    return this.isSent ? 'unknown' : 'not-sent'
  }

  /** @throws MalformedFrameError for a body that cannot be parsed; the connection is useless then. */
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
      // The request was executed, but its reply is not valid. Later replies on this connection cannot be trusted either.
      this.fail('MARSHALLING_ERROR', error, 'unknown')
      throw error
    }
    this.spec.onRefusal?.()
    const { operation, path } = this.spec
    this.rejectWith(KeeperError.fromNumber(err, { operation, path, outcome: 'rejected' }))
  }

  fail(code: AnyKeeperCode, cause?: unknown, outcome: Outcome = this.outcome): void {
    if (this.isSettled) return
    const { operation, path } = this.spec
    this.rejectWith(new KeeperError(code, { operation, path, outcome, cause, message: messageOf(code, cause) }))
  }

  /** The connection or session of the request is gone. Returns true where `recover` will decide. */
  lose(code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED', cause?: unknown): boolean {
    const { spec } = this
    if (this.isSettled) return false
    if (spec.recover === undefined || spec.isRecoverable === false || !this.isSent) {
      this.fail(code, cause)
      return false
    }
    const { operation, path } = this.spec
    const error = new KeeperError(code, { operation, path, outcome: 'unknown', cause, message: messageOf(code, cause) })
    const limits = { timeout: this.#timeoutMs }
    const lost: Lost = { error, seen: this.seen, sessionId: this.sessionId, limits, isGivenUp: () => this.isSettled }
    // In a turn of its own, after the session has finished its own work.
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

/** The cause of these errors says why they happened, so the message must include it. */
function messageOf(code: AnyKeeperCode, cause: unknown): string | undefined {
  const isShown = code === 'TIMEOUT' || code === 'FRAME_TOO_LARGE' || code === 'SESSION_EXPIRED'
  return isShown && cause instanceof Error ? cause.message : undefined
}

/**
 * Why a request is refused for its size. No server announces its limit: it closes the connection. So the message also names the
 * default.
 */
export function tooLarge(what: 'request' | 'data', bytes: number, limit: number): string {
  const whose = `requestBytesMax of this client is ${limit}`
  return `the ${what} has ${bytes} bytes; ${whose}, and jute.maxbuffer of a server is 1048575 unless it is set there`
}
