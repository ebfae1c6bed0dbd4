/**
 * How long to wait before an attempt to connect, and how long the attempt may take; decided only from times. A session without any
 * server ends at a known time. As that time comes nearer, waits and attempts become shorter. So every server is tried again, up to
 * the end of a handshake, even if the last one returns only a fifth of the timeout before the end. Earlier there is time for
 * patience: a server may be slow because all clients return at once, and the client must not leave it too soon.
 */

export interface Haste {
  /** Session timeout, milliseconds. */
  readonly timeoutMs: number
  /** Milliseconds until the session may end; undefined where there is no session, or the time is over. */
  readonly leftMs: number | undefined
  /** Servers that are tried in turn; each may be the one that returns. */
  readonly servers: number
}

/**
 * The number of tries for which there is time while a session lives, even with one server: a server may accept a connection and
 * never answer.
 */
const triesMin = 3
/** The least time for an attempt at a slow server, milliseconds, if the session has that much left. */
const patienceMsMin = 1_000

/** Upper bound of the wait before an attempt, milliseconds; the wait itself is a random part of it. */
export function waitMsMax({ timeoutMs, leftMs, servers }: Haste): number {
  const most = timeoutMs / 10
  if (leftMs === undefined) return most
  // A pass over all servers waits for at most an eighth of the remaining time. The bound has a minimum.
  return Math.min(most, Math.max(leftMs / (8 * servers), timeoutMs / (200 * servers)))
}

/** Milliseconds for one attempt, from the dial to the end of the handshake. */
export function attemptMsMax({ timeoutMs, leftMs, servers }: Haste): number {
  if (leftMs === undefined) return Math.max(patienceMsMin, timeoutMs / servers)
  const patient = Math.max(patienceMsMin, timeoutMs / Math.max(triesMin, servers))
  // A pass over all servers uses less than half of the remaining time.
  return Math.min(patient, Math.max(leftMs / (2 * servers), timeoutMs / (20 * servers)))
}
