/**
 * When the command that runs on a lock or a term has to be told to stop, and when to be killed: decided from what is left of the
 * lease. A lease lasts at least half of the session timeout when a server has just answered (SessionTimes of the client), so all
 * that is reserved here stays below that.
 */

/** Each is what is left of the lease, in milliseconds. */
export interface Plan {
  /** A server is asked something from here on, since every answer renews the lease. */
  readonly askBelowMs: number
  /** SIGTERM. */
  readonly tellBelowMs: number
  /** SIGKILL. What is left then is for a process that is slow to do it. */
  readonly killBelowMs: number
}

/** What a command gets between SIGTERM and SIGKILL at the most. */
export function graceMsFor(sessionTimeoutMs: number, wantedMs: number): number {
  return Math.min(wantedMs, sessionTimeoutMs / 4)
}

export function planFor(sessionTimeoutMs: number, graceMs: number): Plan {
  const killBelowMs = sessionTimeoutMs / 20
  const tellBelowMs = killBelowMs + graceMsFor(sessionTimeoutMs, graceMs)
  return { killBelowMs, tellBelowMs, askBelowMs: tellBelowMs + sessionTimeoutMs / 8 }
}

/** The plan of a command that depends on no lease. */
export const noLease: Plan = { askBelowMs: 0, tellBelowMs: 0, killBelowMs: 0 }

/** The guard's plan: later than the supervisor's, so that the command is not signalled twice, yet before the lease ends. */
export function guardPlanFor({ killBelowMs, tellBelowMs }: Plan): Plan {
  const later = killBelowMs / 2
  return { killBelowMs: killBelowMs - later, tellBelowMs: tellBelowMs - later, askBelowMs: tellBelowMs - later }
}

/** What to do now, and when to look again unless something happens. */
export interface Step {
  readonly does: 'nothing' | 'ask' | 'tell' | 'kill'
  readonly lookAfterMs: number
}

export interface Told {
  readonly agoMs: number
  readonly graceMs: number
}

/** `told`: once it was told to stop, it is killed when its grace is over, also where the lease was renewed meanwhile. */
export function stepFor(plan: Plan, remainingMs: number, told?: Told): Step {
  const { askBelowMs, tellBelowMs, killBelowMs } = plan
  const untilKill = remainingMs - killBelowMs
  if (untilKill <= 0 || (told !== undefined && told.agoMs >= told.graceMs)) return { does: 'kill', lookAfterMs: 0 }
  if (told !== undefined) return { does: 'nothing', lookAfterMs: Math.min(untilKill, told.graceMs - told.agoMs) }
  if (remainingMs <= tellBelowMs) return { does: 'tell', lookAfterMs: untilKill }
  if (remainingMs <= askBelowMs) return { does: 'ask', lookAfterMs: remainingMs - tellBelowMs }
  return { does: 'nothing', lookAfterMs: remainingMs - askBelowMs }
}
