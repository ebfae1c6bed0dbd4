/** Sessions that come and go, from the log of a directory, hour by hour. */
import type { SessionHour } from '@lightkeeper/server'
import type { Finding } from './finding.ts'

/** Below these numbers in an hour nobody has a problem. */
const expiredMin = 20
const briefMin = 100

/** The worst hour of a log. */
export function* flappingIn(hours: readonly SessionHour[], where: string): Generator<Finding> {
  const worst = (key: 'expired' | 'brief'): SessionHour | undefined => {
    const [first, ...others] = hours
    return others.reduce((a, b) => (a !== undefined && a[key] >= b[key] ? a : b), first)
  }
  const expiring = worst('expired')
  if (expiring !== undefined && expiring.expired >= expiredMin && expiring.expired * 10 >= expiring.opened) {
    yield {
      name: 'sessions-expire',
      severity: 'warning',
      what: 'Many sessions expire: their clients or the network stop for longer than the session timeout.',
      where,
      evidence: [
        `in the hour from ${new Date(expiring.from).toISOString()}: ${expiring.opened} opened, ${expiring.expired} expired`,
      ],
      next: 'Look at pauses of the clients (garbage collection, blocked event loops), then raise their session timeout: lightkeeper history --session ID --data-dir D shows what one session did',
    }
  }
  const brief = worst('brief')
  if (brief !== undefined && brief.brief >= briefMin && brief.brief * 2 >= brief.opened) {
    yield {
      name: 'brief-sessions',
      severity: 'warning',
      what: 'Clients open a session for each request and close it again. Each costs two transactions.',
      where,
      evidence: [
        `in the hour from ${new Date(brief.from).toISOString()}: ${brief.opened} opened, ${brief.brief} of them closed within 10 seconds`,
      ],
      next: 'Let these programs keep one client for their life.',
    }
  }
}
