/** Functions of the user's that nobody waits for. */

/**
 * Calls `listener`, whose error is nobody's here: it is reported once, as an uncaught error of the program, and what called it goes
 * on.
 */
export function callSafely(listener: () => unknown): void {
  try {
    const result = listener()
    if (result instanceof Promise) result.catch(report)
  } catch (error) {
    report(error)
  }
}

/** As an event emitter's host would: an unhandled rejection. */
function report(error: unknown): void {
  void Promise.reject(error)
}
