/**
 * How long to wait before an attempt to connect, and how long the attempt may take, decided from times alone. A session that is
 * cut off from every server ends at a known time. The nearer that is, the shorter waits and attempts become, so that every server
 * is tried again, to the end of a handshake, though the last one to come back does so a fifth of the timeout before the end.
 * Earlier there is time to be patient: a server that is slow, since all clients come back at once, must not be left too soon.
 */

export interface Haste {
  /** Session timeout, milliseconds. */
  readonly timeoutMs: number
  /** Milliseconds until the session may end; undefined where there is none, or that is over. */
  readonly leftMs: number | undefined
  /** Servers that are tried in turn, any of which may be the one that comes back. */
  readonly servers: number
}

/** Tries there is time for while a session lives, with one server too: one that takes a connection may say nothing for ever. */
const triesMin = 3
/** An attempt at a slow server has this long at least, milliseconds, as far as the session has. */
const patienceMsMin = 1_000

/** Upper bound of the wait before an attempt, milliseconds; the wait itself is a random part of it. */
export function waitMsMax({ timeoutMs, leftMs, servers }: Haste): number {
  const most = timeoutMs / 10
  if (leftMs === undefined) return most
  // A pass over all servers waits for an eighth of what is left at most. Not less and less without end.
  return Math.min(most, Math.max(leftMs / (8 * servers), timeoutMs / (200 * servers)))
}

/** Milliseconds for one attempt, from the dial to the end of the handshake. */
export function attemptMsMax({ timeoutMs, leftMs, servers }: Haste): number {
  if (leftMs === undefined) return Math.max(patienceMsMin, timeoutMs / servers)
  const patient = Math.max(patienceMsMin, timeoutMs / Math.max(triesMin, servers))
  // A pass over all servers leaves more than half of what is left.
  return Math.min(patient, Math.max(leftMs / (2 * servers), timeoutMs / (20 * servers)))
}
