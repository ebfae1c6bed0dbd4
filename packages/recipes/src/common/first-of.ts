/** Waits for one of several promises that may outlive the wait, and leaves nothing behind at the others. */
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'

/** The waits for each promise. They share one reaction, since a reaction cannot be removed. */
const waiting = new WeakMap<Promise<unknown>, Set<() => void>>()

/**
 * Resolves when one of `events` does, or when `signal` aborts. `events` must not reject. A znode may stay for days while callers
 * wait for its event again and again: `Promise.race` would keep memory for every wait.
 */
export function firstOf(events: readonly Promise<unknown>[], signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const sets = events.map(waitersOf)
    const end = (): void => {
      for (const set of sets) set.delete(end)
      unhearAbort(signal, end)
      resolve()
    }
    for (const set of sets) set.add(end)
    hearAbort(signal, end)
  })
}

function waitersOf(event: Promise<unknown>): Set<() => void> {
  const known = waiting.get(event)
  if (known !== undefined) return known
  const waiters = new Set<() => void>()
  waiting.set(event, waiters)
  void event.then(() => {
    // A later wait finds the promise settled.
    waiting.delete(event)
    for (const end of [...waiters]) end()
  })
  return waiters
}
