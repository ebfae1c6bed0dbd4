/**
 * Measures a ZooKeeper, ours or any other, through the client: how many operations a second, and how long each takes. Everything that
 * it writes is below one znode, of bounded size, and is deleted behind it.
 */
import { Histogram } from '@lightkeeper/runtime'
import {
  type BenchClient,
  type BenchOperation,
  type BenchPlan,
  type Load,
  type LoadState,
  operations,
} from './operations.ts'

export interface BenchResult {
  /** What was measured. */
  readonly operation: BenchOperation
  /** Operations that succeeded; for `watch`, events that arrived. */
  readonly count: number
  /** Operations that failed. */
  readonly errors: number
  /** The first error, in its own words. */
  readonly firstError: string | undefined
  /** How long it took, without its preparation. */
  readonly seconds: number
  /** Operations that succeeded in a second, on average. */
  readonly perSecond: number
  /** Times of the operations that succeeded; 0 where there was none. Quantiles are exact to a tenth. */
  readonly latency: {
    /** The mean. */
    readonly meanMs: number
    /** The median. */
    readonly p50Ms: number
    /** 95 of 100 took this time or less. */
    readonly p95Ms: number
    /** 99 of 100 took this time or less. */
    readonly p99Ms: number
    /** 999 of 1000 took this time or less. */
    readonly p999Ms: number
    /** The longest. */
    readonly maxMs: number
  }
  /** Counts by time: from `fromMs` to below `toMs`. */
  readonly histogram: readonly BenchRange[]
  /** It ended before its time, because there was nothing left to do: all znodes were made, or deleted. */
  readonly isExhausted: boolean
}

export interface BenchRange {
  /** The shortest time in the range, milliseconds. */
  readonly fromMs: number
  /** Where the next range begins, milliseconds. */
  readonly toMs: number
  /** The number of operations with such a time. */
  readonly count: number
}

export interface BenchOptions {
  /** Ends the run between two operations; what was measured until then is lost. */
  readonly signal?: AbortSignal | undefined
  /** Called while it runs, with the part of the time that is over, from 0 to 1; `preparation` before each operation. */
  readonly onProgress?: (operation: BenchOperation | 'preparation', share: number) => void
  /** Called after each operation. */
  readonly onResult?: (result: BenchResult) => void
}

/** How many operations may fail before a run is given up. */
const errorsMax = 1_000

/**
 * Runs the operations one after the other. @throws the reason of the signal, or the error that made the run impossible. Call
 * `cleanUp` in any case.
 */
export async function runBench(
  clients: readonly BenchClient[],
  plan: BenchPlan,
  { signal, onProgress = () => {}, onResult = () => {} }: BenchOptions = {},
): Promise<BenchResult[]> {
  const [first] = clients
  if (first === undefined) throw new TypeError('a benchmark needs one client at least')
  const state: LoadState = { plan, clients, created: [], data: new Uint8Array(plan.bytes).fill(0x78), hasZnodes: false }
  const results: BenchResult[] = []
  for (const operation of plan.operations) {
    signal?.throwIfAborted()
    onProgress('preparation', 0)
    const load = await operations[operation](state, signal)
    const result = await measure(operation, load, plan, first.clock, { signal, onProgress })
    results.push(result)
    onResult(result)
  }
  return results
}

async function measure(
  operation: BenchOperation,
  load: Load,
  { timeMs, window }: BenchPlan,
  clock: BenchClient['clock'],
  { signal, onProgress }: Required<Pick<BenchOptions, 'onProgress'>> & Pick<BenchOptions, 'signal'>,
): Promise<BenchResult> {
  const times = new Histogram()
  let errors = 0
  let firstError: Error | undefined
  let isExhausted = false
  const begin = clock.now()
  const end = begin + timeMs
  let lastShare = 0
  const runs = load.lanes.flatMap((lane) =>
    Array.from({ length: window }, async () => {
      for (let now = clock.now(); now < end && !signal?.aborted && errors < errorsMax; ) {
        try {
          const done = await lane()
          if (done === 'exhausted') {
            isExhausted = true
            return
          }
          const after = clock.now()
          if (done === 'done') times.record(after - now)
          else for (const each of done) times.record(each)
          now = after
        } catch (error) {
          errors++
          firstError ??= error as Error
          now = clock.now()
        }
        const share = Math.min(1, (now - begin) / timeMs)
        if (share - lastShare > 0.02) onProgress(operation, (lastShare = share))
      }
    }),
  )
  await Promise.all(runs)
  signal?.throwIfAborted()
  if (errors >= errorsMax && firstError !== undefined) throw firstError
  const seconds = (clock.now() - begin) / 1000
  return {
    operation,
    count: times.count,
    errors,
    firstError: firstError?.message,
    seconds,
    perSecond: seconds > 0 ? times.count / seconds : 0,
    latency: {
      meanMs: times.count === 0 ? 0 : times.sumMs / times.count,
      p50Ms: times.quantileMs(0.5),
      p95Ms: times.quantileMs(0.95),
      p99Ms: times.quantileMs(0.99),
      p999Ms: times.quantileMs(0.999),
      maxMs: times.maxMs,
    },
    histogram: byDoubling(times),
    isExhausted,
  }
}

/** One range for each doubling, from the first that has a count to the last. */
function byDoubling(times: Histogram): BenchRange[] {
  const ranges: { fromMs: number; toMs: number; count: number }[] = []
  for (const { fromMs, count } of times.ranges()) {
    const from = 2 ** Math.floor(Math.log2(fromMs * 1.001))
    const last = ranges.at(-1)
    if (last?.fromMs === from) last.count += count
    else ranges.push({ fromMs: from, toMs: from * 2, count })
  }
  return ranges
}
