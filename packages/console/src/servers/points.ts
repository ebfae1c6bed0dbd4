/** Two answers to `mntr` as one point of the charts, under the names that a server of ours gives to the figures of its day. */
import type { SeriesPoint } from '@lightkeeper/runtime'

/** The answer to `mntr`, without the prefix `zk_`, and when it came. */
export interface Reading {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly figures: Readonly<Record<string, string>>
}

/** Figures that are as they are at the moment, by their names in `mntr`. */
const states = {
  queued_requests: 'outstanding_requests',
  connections: 'num_alive_connections',
  sessions: 'global_sessions',
  znodes: 'znode_count',
  ephemerals: 'ephemerals_count',
  watches: 'watch_count',
  data_bytes: 'approximate_data_size',
  p99_read_latency: 'p99_readlatency',
  p99_write_latency: 'p99_updatelatency',
  // Greatest since the start of the server: `mntr` does not know when it was.
  max_latency: 'max_latency',
  max_sync_time: 'max_fsynctime',
} as const

/** The names that a point may have. */
export const pointNames: readonly string[] = [
  'requests_per_second',
  'avg_latency',
  'avg_sync_time',
  ...Object.keys(states),
]

/** The point at `now`; rates and averages are those since `before`. */
export function pointOf(now: Reading, before: Reading | undefined): SeriesPoint {
  const point: Record<string, number> = {}
  for (const [name, key] of Object.entries(states)) put(point, name, numberIn(now, key))
  const grown = (...keys: readonly string[]): number | undefined => grownSince(now, before, keys)
  const seconds = before === undefined ? 0 : (now.at - before.at) / 1000
  const requests = grown('packets_received')
  if (requests !== undefined && seconds > 0) point['requests_per_second'] = requests / seconds
  // Before 3.6 there are no sums; what `mntr` has then is the average since the start.
  const latency = average(grown('sum_readlatency', 'sum_updatelatency'), grown('cnt_readlatency', 'cnt_updatelatency'))
  put(point, 'avg_latency', latency ?? numberIn(now, 'avg_latency'))
  if (numberIn(now, 'cnt_fsynctime') !== 0) {
    put(
      point,
      'avg_sync_time',
      average(grown('sum_fsynctime'), grown('cnt_fsynctime')) ?? numberIn(now, 'avg_fsynctime'),
    )
  } else delete point['max_sync_time']
  return point
}

function put(point: Record<string, number>, name: string, value: number | undefined): void {
  if (value !== undefined) point[name] = value
}

function numberIn({ figures }: Reading, key: string): number | undefined {
  const text = figures[key]
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
}

/** How much counters have grown; all of it where they were set back meanwhile. */
function grownSince(now: Reading, before: Reading | undefined, keys: readonly string[]): number | undefined {
  if (before === undefined) return undefined
  let sum = 0
  for (const key of keys) {
    const [was, is] = [numberIn(before, key), numberIn(now, key)]
    if (was === undefined || is === undefined) return undefined
    sum += is < was ? is : is - was
  }
  return sum
}

function average(sum: number | undefined, count: number | undefined): number | undefined {
  if (sum === undefined || count === undefined) return undefined
  return count === 0 ? 0 : sum / count
}
