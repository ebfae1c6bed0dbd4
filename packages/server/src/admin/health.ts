/**
 * Two questions of an orchestrator. Alive: may this process go on, or would only a restart help? Ready: may clients be sent here? A
 * server that reads a large directory is alive and not ready; restarting it would only make it begin again. One whose log has failed is
 * neither.
 */
import type { Replica } from '../replica.ts'

/** What every page and word says once nothing is written any more. */
export const logFailed = 'the log failed; restart this server'

export type Phase = 'starting' | 'serving' | 'stopping'

export interface Health {
  readonly isAlive: boolean
  readonly isReady: boolean
  /** One line: `ok`, or what is the matter. */
  readonly says: string
}

export function healthOf(phase: Phase, replica: Pick<Replica, 'logFailure'> | undefined): Health {
  if (replica?.logFailure !== undefined) {
    return { isAlive: false, isReady: false, says: logFailed }
  }
  if (phase === 'stopping') return { isAlive: true, isReady: false, says: 'the server is stopping' }
  if (phase === 'starting') return { isAlive: true, isReady: false, says: 'the data directory is being read' }
  if (replica === undefined) return { isAlive: true, isReady: false, says: 'the server does not serve clients now' }
  return { isAlive: true, isReady: true, says: 'ok' }
}
