/** Waiting for one of several promises that may outlive the wait, and leaving nothing behind at the others. */

/** Who waits for a promise: one reaction for all of them, since reactions cannot be taken back. */
const waiting = new WeakMap<Promise<unknown>, Set<() => void>>()

/**
 * Resolves when one of `events` does, or when `signal` aborts. `events` must not reject. The events of a znode that stays for
 * days are waited for again and again: `Promise.race` would keep something of every wait.
 */
export function firstOf(events: readonly Promise<unknown>[], signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const sets = events.map(waitersOf)
    const end = (): void => {
      for (const set of sets) set.delete(end)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    for (const set of sets) set.add(end)
    signal?.addEventListener('abort', end, { once: true })
  })
}

function waitersOf(event: Promise<unknown>): Set<() => void> {
  const known = waiting.get(event)
  if (known !== undefined) return known
  const waiters = new Set<() => void>()
  waiting.set(event, waiters)
  void event.then(() => {
    // Whoever comes later finds the promise settled.
    waiting.delete(event)
    for (const end of [...waiters]) end()
  })
  return waiters
}
