/**
 * How long a session certainly lives, so how long the holder of an ephemeral can rely on it without a connection. A server counts
 * the timeout from the last request that it received, and that request was sent before it was answered.
 */
import { KeeperError } from '@lightkeeper/protocol'
import type { Clock, Timer } from '@lightkeeper/runtime'
import { isFinal, type SessionState } from './states.ts'

/** What a lease needs from its session. */
interface LeasedSession {
  readonly runtime: { readonly clock: Clock }
  readonly account: { readonly noReply: string }
  readonly state: SessionState
  readonly epoch: number
  readonly sessionId: bigint
  leaseMs(): number
  onState(listener: (state: SessionState) => void): () => void
}

/**
 * The time for which the server keeps the present session for certain, made by `client.lease()`. Its signal aborts before the
 * server can end the session.
 */
export class Lease implements Disposable {
  readonly #session: LeasedSession
  readonly #epoch: number
  readonly #abort = new AbortController()
  readonly #stop: () => void
  #timer: Timer | undefined
  #isDisposed = false

  /** Use `client.lease()`. */
  constructor(session: LeasedSession) {
    this.#session = session
    this.#epoch = session.epoch
    this.#stop = session.onState((state) => {
      if (state.kind === 'expired') this.#end(`the session has expired: ${state.reason}`)
      else if (isFinal(state)) this.#end(`the client is ${state.kind}`)
    })
    if (session.sessionId === 0n || isFinal(session.state)) this.#end('there is no session')
    else this.#arm()
  }

  /**
   * Aborts when no time is left, which is before any server may end the session, and when the session is known to have ended. Its
   * reason is a KeeperError LEASE_ENDED.
   */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Milliseconds that certainly remain; every answer of a server renews them. */
  remaining(): number {
    return this.signal.aborted || this.#session.epoch !== this.#epoch ? 0 : this.#session.leaseMs()
  }

  /** Ends the observation of the session, which goes on. The disposal of a lease does the same. */
  close(): void {
    this.#isDisposed = true
    this.#stop()
    this.#timer?.cancel()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #arm(): void {
    const { clock } = this.#session.runtime
    // After a long pause of this process, answers that arrived during the pause are read first.
    this.#timer = clock.after(Math.max(1, Math.ceil(this.remaining())), () => clock.turnEnd(() => this.#look()))
  }

  #look(): void {
    if (this.signal.aborted || this.#isDisposed) return
    if (this.remaining() > 0) this.#arm()
    else this.#end(`no server has answered in time: ${this.#session.account.noReply}`)
  }

  #end(reason: string): void {
    this.close()
    if (this.signal.aborted) return
    const message = `the lease of the session has ended: ${reason}`
    this.#abort.abort(new KeeperError('LEASE_ENDED', { outcome: 'unknown', message }))
  }
}
