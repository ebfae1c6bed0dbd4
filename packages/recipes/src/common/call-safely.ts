/** Functions of the user's that nobody waits for. */
import type { Client } from '@lightkeeper/client'

/** Calls `listener`. What it throws is nobody's here: it is reported once, and what called it goes on. */
export function callSafely(zk: Client, listener: () => unknown): void {
  try {
    const result = listener()
    if (result instanceof Promise) result.catch((error: unknown) => report(zk, error))
  } catch (error) {
    report(zk, error)
  }
}

/** To the host's report of tasks that fail: the client's log, or a warning of the process. Never ends the program. */
export function report(zk: Client, error: unknown): void {
  zk.clock.after(0, () => {
    throw error
  })
}

/**
 * What a function gave that has to answer at once. A promise is no answer: whoever checks `result` refuses it, and its own rejection
 * must not become one that nobody handles.
 */
export function answerOf<T>(result: T): T {
  if (result instanceof Promise) result.catch(() => {})
  return result
}
