/** Whatever a function of a user threw, in words: it need not be an error, and may not even let itself be looked at. */

/** Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown)
  } catch {
    return 'something was thrown that cannot be shown'
  }
}

/** The error itself, or one that has what was thrown as its cause. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown
  } catch {}
  return new Error(messageOf(thrown), { cause: thrown })
}
