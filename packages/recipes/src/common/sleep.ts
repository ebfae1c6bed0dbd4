/** Waits on the clock of a client. */
import type { Clock } from '@lightkeeper/client'
import { hearAbort, unhearAbort } from '@lightkeeper/client/arguments'

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      unhearAbort(signal, end)
      resolve()
    }
    const timer = clock.after(delayMs, end)
    hearAbort(signal, end)
  })
}
