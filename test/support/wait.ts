/** Waiting for a state, on a real clock and on a simulated one. */
import type { Client } from '@lightkeeper/client'

const lookEveryMs = 20
/** Less than what a test may take, so that the message comes first. */
const patienceMs = 50_000
/** What one look may take of that. */
const longestLookMs = 5_000

/** For so many milliseconds of the real clock. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Looks until it is so. @throws Error with what `what` says when it is not so after 50 s, in which this process could run. */
export async function until(isSo: () => boolean | Promise<boolean>, what: () => unknown = () => isSo): Promise<void> {
  let waited = 0
  for (let before = performance.now(); !(await isSo()); await sleep(lookEveryMs)) {
    const now = performance.now()
    // A machine that stood still, or was busy with others, is no reason to give up.
    waited += Math.min(longestLookMs, now - before)
    before = now
    if (waited > patienceMs) throw new Error(`waited in vain: ${String(what())}`)
  }
}

/** For so many milliseconds of the client's clock, which a test may simulate. */
export function delay(zk: Client, ms: number): Promise<void> {
  return new Promise((resolve) => void zk.clock.after(ms, resolve))
}
