/** The beginning of a client: it waits for its first session, or starts without waiting. */
import { KeeperError } from '@lightkeeper/protocol'
import { hearAbort, unhearAbort } from '../arguments/abort.ts'
import type { Session } from './session.ts'

/**
 * Starts, and resolves once there is a session. Otherwise it closes the client.
 * @throws AggregateError with a cause for each of `names` (servers and name services) when `limitMs` have passed; the reason of the
 * signal; KeeperError AUTH_FAILED; KeeperError SESSION_EXPIRED where the session of a token has expired and
 * `onExpired` is `close`.
 */
export function firstSession(
  session: Session,
  names: readonly string[],
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const giveUp = (reason: unknown): void => {
      settle()
      void session.close(0)
      reject(reason)
    }
    const onAbort = (): void => giveUp(signal?.reason)
    const timer = session.runtime.clock.after(limitMs, () => {
      const causes = [...new Set([...names, ...session.hosts.servers])].flatMap((name) => {
        const failure = session.account.failures.get(name)
        // A service that has named its servers has not failed.
        if (failure === undefined && !session.hosts.servers.includes(name)) return []
        return [failure ?? new Error(`${name}: no answer`)]
      })
      const reasons = causes.map((cause) => cause.message).join('; ')
      giveUp(new AggregateError(causes, `no session within ${limitMs} ms: ${reasons}`))
    })
    const stop = session.onState((state) => {
      if (state.kind === 'connected') {
        settle()
        resolve()
      } else if (state.kind === 'closed') {
        settle()
        const message = 'the session of the token has expired'
        reject(new KeeperError('SESSION_EXPIRED', { operation: 'connect', message }))
      } else if (state.kind === 'authFailed') {
        settle()
        const message = state.reason ?? `the server refused the ${state.scheme} credentials`
        reject(new KeeperError('AUTH_FAILED', { message }))
      }
    })
    const settle = (): void => {
      timer.cancel()
      stop()
      unhearAbort(signal, onAbort)
    }
    hearAbort(signal, onAbort)
    session.start()
  })
}

/**
 * Starts without waiting. Until the first session the signal closes the client; afterwards it has no effect, as in `firstSession`.
 */
export function closeOnAbort(session: Session, signal: AbortSignal | undefined): void {
  const onAbort = (): void => void session.close(0)
  const stop = session.onState(({ kind }) => {
    if (kind !== 'connected' && kind !== 'closed' && kind !== 'authFailed') return
    stop()
    unhearAbort(signal, onAbort)
  })
  hearAbort(signal, onAbort)
  session.start()
}
