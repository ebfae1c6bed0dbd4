/** Functions of the user whose failure no call can report to its caller. */
import type { Client } from '@lightkeeper/client'

/** Calls `listener`, which `what` names. What it throws is reported, and the caller goes on. */
export function callSafely(zk: Client, what: string, listener: () => unknown): void {
  try {
    const result = listener()
    if (result instanceof Promise) result.catch((error: unknown) => report(zk, what, error))
  } catch (error) {
    report(zk, what, error)
  }
}

/** Failures that were reported, for each client. */
const reported = new WeakMap<Client, Set<string>>()
const reportedMax = 100

/**
 * Reports a failure of `what` to the log of the client, or as a warning of the process; never ends the program. A failure of the same
 * `what` with the same words is reported once for each client, and at most 100 failures are: a listener that fails at every event must
 * not fill a log.
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
 * The result of a function that has to answer at once. A promise is refused by the check of the result that follows; here it only must
 * not become a rejection that nobody handles.
 */
export function answerOf<T>(result: T): T {
  if (result instanceof Promise) result.catch(() => {})
  return result
}
