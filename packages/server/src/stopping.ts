/** A stop that takes no longer than it may. */
import type { Clock } from '@lightkeeper/runtime'

/** Waits for `work`, for `ms` milliseconds at the most. Resolves to whether it is done; rejects when it fails in that time. */
export function within(clock: Pick<Clock, 'after'>, ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => resolve(false))
    work.then(
      () => {
        timer.cancel()
        resolve(true)
      },
      (error: Error) => {
        timer.cancel()
        reject(error)
      },
    )
  })
}
