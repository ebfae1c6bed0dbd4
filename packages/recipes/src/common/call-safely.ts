/** Calls functions of the user whose errors cannot go to any caller. */
import type { Client } from '@lightkeeper/client'

/** Calls `listener`; `what` is its name. An error that it throws is reported, and the caller continues. */
export function callSafely(zk: Client, what: string, listener: () => unknown): void {
  try {
    const result = listener()
    if (result instanceof Promise) result.catch((error: unknown) => report(zk, what, error))
  } catch (error) {
    report(zk, what, error)
  }
}

/** The failures that were reported, for each client. */
const reported = new WeakMap<Client, Set<string>>()
const reportedMax = 100

/**
 * Reports a failure of `what` to the log of the client, or as a warning of the process; never ends the program. For each client, a
 * failure of the same `what` with the same text is reported once, and at most 100 failures are reported: a listener that fails at
 * every event must not fill a log.
 */
export function report(zk: Client, what: string, error: unknown): void {
  const known = reported.get(zk) ?? new Set()
  reported.set(zk, known)
  const words = `${what}: ${wordsOf(error)}`
  if (known.has(words) || known.size >= reportedMax) return
  known.add(words)
  // The host reports tasks that fail.
  zk.clock.after(0, () => {
    throw error
  })
}

function wordsOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/**
 * The result of a function that must answer at once. If it is a promise, a later check refuses it; here we only prevent an
 * unhandled rejection.
 */
export function answerOf<T>(result: T): T {
  if (result instanceof Promise) result.catch(() => {})
  return result
}
