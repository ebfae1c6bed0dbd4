/** How long a fuzz target runs: a fixed number of values in `npm test`, by time in CI and in the long lane. */
import type { Parameters } from 'fast-check'

/**
 * Parameters for `fc.assert`. Without `FUZZ_SECONDS` a target takes `runs` values from a fixed seed, so that `npm test` says the
 * same each time. With it a target goes on for so long with a seed of its own. fast-check prints the seed of a failure;
 * `FUZZ_SEED` repeats it.
 */
export function fuzzParameters<T>(runs: number): Parameters<T> {
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0)
  const given = process.env['FUZZ_SEED']
  const seed = given === undefined ? (seconds > 0 ? Date.now() & 0x7fff_ffff : 20) : Number(given)
  if (!(seconds > 0)) return { seed, numRuns: runs }
  return { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 }
}

/** A run that the limit of time interrupts goes on. `whole` ends when it has ended: to be awaited before its files are removed. */
export function untilItsEnd<A extends unknown[]>(
  run: (...values: A) => Promise<void>,
): { run: (...values: A) => Promise<void>; whole: () => Promise<void> } {
  let last: Promise<void> = Promise.resolve()
  return {
    run: (...values) => (last = run(...values)),
    // What it rejects with was reported, unless the time was over.
    whole: () => last.catch(() => {}),
  }
}
