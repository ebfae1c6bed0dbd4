/** Sessions and connections that come and go, from the counters of a server. */
import { type Finding, spanText } from './finding.ts'

/** Below this number in an hour nobody has a problem. */
const manyMin = 20

/** Counters of a server since its start. */
export interface SessionCounters {
  readonly uptimeMs: number
  readonly sessions: number
  readonly expired: number
  /** Clients that came back with a session. */
  readonly revalidated: number
}

const uptimeMinMs = 60_000

export function* flappingSince(
  { uptimeMs, sessions, expired, revalidated }: SessionCounters,
  where: string,
): Generator<Finding> {
  const hours = Math.max(uptimeMs, uptimeMinMs) / 3_600_000
  const evidence = (count: number, did: string): string[] => [
    `${count} ${did} in ${spanText(uptimeMs)}, with ${sessions} sessions now`,
  ]
  // As a share of the sessions there are, so that a large server may lose a few.
  const isMany = (count: number): boolean => count >= manyMin && count / hours > Math.max(manyMin, sessions / 10)
  if (isMany(expired)) {
    yield {
      name: 'sessions-expire',
      severity: 'warning',
      what: 'Many sessions expire: their clients or the network stop for longer than the session timeout.',
      where,
      evidence: evidence(expired, 'sessions expired'),
      next: 'Look at pauses of the clients (garbage collection, blocked event loops), then raise their session timeout.',
    }
  }
  if (isMany(revalidated)) {
    yield {
      name: 'clients-reconnect',
      severity: 'warning',
      what: 'Clients lose their connections again and again, and come back with their sessions.',
      where,
      evidence: evidence(revalidated, 'clients came back'),
      next: 'Look for a network or a balancer that cuts idle connections, and for servers that restart.',
    }
  }
}
