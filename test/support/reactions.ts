/** How many reactions stand at one promise: a promise that outlives many waits must not keep something for each of them. */
import { replaceMethod } from './replace-method.ts'

/** Begins to count calls of `then`. `end` returns the largest number of calls for one promise, and puts everything back. */
export function countReactions(): { end(): number } {
  const counts = new Map<unknown, number>()
  const restore = replaceMethod(
    Promise.prototype,
    'then',
    (original) =>
      function (this: unknown, ...given: unknown[]): unknown {
        counts.set(this, (counts.get(this) ?? 0) + 1)
        return original.apply(this, given)
      },
  )
  return {
    end() {
      restore()
      let most = 0
      for (const count of counts.values()) most = Math.max(most, count)
      return most
    },
  }
}
