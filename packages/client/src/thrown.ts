/** Describes what a user's function threw: it may be no error, and reading it may throw again. */

/** Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown)
  } catch {
    return 'something was thrown that cannot be shown'
  }
}

/** The error itself, or an error with the thrown value as its cause. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown
  } catch {}
  return new Error(messageOf(thrown), { cause: thrown })
}
