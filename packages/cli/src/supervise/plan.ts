/**
 * When to terminate (SIGTERM) and when to kill (SIGKILL) the command that depends on a lock or a term, decided from the rest of the
 * lease. A lease lasts at least half of the session timeout when a server has just answered (SessionTimes of the client), so all
 * reserves here must be smaller.
 */

/** Each field is a remaining time of the lease, milliseconds. */
export interface Plan {
  /** Below this the supervisor sends a request, because every answer renews the lease. */
  readonly askBelowMs: number
  /** Below this the command gets SIGTERM. */
  readonly terminateBelowMs: number
  /** Below this the command gets SIGKILL. The rest is a reserve for a process that is slow to send it. */
  readonly killBelowMs: number
}

/** The most time a command gets between SIGTERM and SIGKILL, milliseconds. */
export function graceMsFor(sessionTimeoutMs: number, wantedMs: number): number {
  return Math.min(wantedMs, sessionTimeoutMs / 4)
}

export function planFor(sessionTimeoutMs: number, graceMs: number): Plan {
  const killBelowMs = sessionTimeoutMs / 20
  const terminateBelowMs = killBelowMs + graceMsFor(sessionTimeoutMs, graceMs)
  return { killBelowMs, terminateBelowMs, askBelowMs: terminateBelowMs + sessionTimeoutMs / 8 }
}

/** The plan of a command that depends on no lease. */
export const noLease: Plan = { askBelowMs: 0, terminateBelowMs: 0, killBelowMs: 0 }

/** The guard's plan: later than the supervisor's, so that the command is not signalled twice, yet before the lease ends. */
export function guardPlanFor({ killBelowMs, terminateBelowMs }: Plan): Plan {
  const later = killBelowMs / 2
  return {
    killBelowMs: killBelowMs - later,
    terminateBelowMs: terminateBelowMs - later,
    askBelowMs: terminateBelowMs - later,
  }
}

/** What to do now, and when to look again if nothing happens. */
export interface Step {
  readonly does: 'nothing' | 'ask' | 'terminate' | 'kill'
  readonly lookAfterMs: number
}

export interface Terminated {
  readonly agoMs: number
  readonly graceMs: number
}

/** A command that was `terminated` is killed when its grace is over, even if the lease was renewed in between. */
export function stepFor(plan: Plan, remainingMs: number, terminated?: Terminated): Step {
  const { askBelowMs, terminateBelowMs, killBelowMs } = plan
  const untilKill = remainingMs - killBelowMs
  if (untilKill <= 0 || (terminated !== undefined && terminated.agoMs >= terminated.graceMs))
    return { does: 'kill', lookAfterMs: 0 }
  if (terminated !== undefined)
    return { does: 'nothing', lookAfterMs: Math.min(untilKill, terminated.graceMs - terminated.agoMs) }
  if (remainingMs <= terminateBelowMs) return { does: 'terminate', lookAfterMs: untilKill }
  if (remainingMs <= askBelowMs) return { does: 'ask', lookAfterMs: remainingMs - terminateBelowMs }
  return { does: 'nothing', lookAfterMs: remainingMs - askBelowMs }
}
