/** Waiting for a state, on a real clock and on a simulated one. */
import type { Client } from '@lightkeeper/client'

const lookEveryMs = 20
/** Less than what a test may take, so that the message comes first. */
const patienceMs = 50_000

/** For so many milliseconds of the real clock. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Looks until it is so. @throws Error with what `what` says when it is not so after 50 s. */
export async function until(isSo: () => boolean | Promise<boolean>, what: () => unknown = () => isSo): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !(await isSo()); await sleep(lookEveryMs)) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${String(what())}`)
  }
}

/** For so many milliseconds of the client's clock, which a test may simulate. */
export function delay(zk: Client, ms: number): Promise<void> {
  return new Promise((resolve) => void zk.clock.after(ms, resolve))
}
