/** `lightkeeper bench`: throughput and latency of any ZooKeeper, and nothing left behind. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import {
  type BenchResult,
  benchOperations,
  benchRoot,
  clearGround,
  leftBehind,
  openGround,
  runBench,
} from '@lightkeeper/tools'
import type { Call, Run } from '../command.ts'
import { jsonLine } from '../output.ts'
import { type Progress, progress } from '../progress.ts'
import { Signals } from '../signals.ts'
import type { bench } from '../table/doctor.ts'

/** How long to try to clean up, milliseconds. */
const cleanUpMs = 120_000

export const run: Run<typeof bench> = async (call) => {
  const { values, connect } = call
  using signals = new Signals()
  const { signal } = signals
  const first = await connect({ signal })
  const clients: Client[] = [first]
  try {
    if (values.clean) return await clean(first)
    await reportLeft(first)
    for (let i = 1; i < values.connections; i++) clients.push(await connect({ signal }))
    return await measured(clients, call, signals)
  } finally {
    await Promise.all(clients.map((zk) => zk.close()))
  }
}

async function measured(clients: readonly Client[], { values }: Call<typeof bench>, signals: Signals): Promise<number> {
  const { operation: only, seconds, json, histogram, window, bytes, znodes, writes } = values
  const [zk] = clients as readonly [Client]
  const operations = only.length === 0 ? benchOperations : benchOperations.filter((each) => only.includes(each))
  const root = await openGround(zk)
  let hasErrors = false
  if (!json) process.stdout.write(headLine)
  try {
    const plan = {
      operations,
      window,
      timeMs: seconds * 1000,
      bytes,
      znodes,
      createdMax: values['max-znodes'],
      writes,
      root,
    }
    using bars = new Bars()
    await runBench(clients, plan, {
      signal: signals.signal,
      onProgress: (what, share) => bars.update(what, share),
      onResult(result) {
        if (result.errors > 0) hasErrors = true
        bars.end()
        process.stdout.write(json ? jsonLine(result) : textOf(result, histogram))
      },
    })
  } finally {
    await cleanUp(clients, root, signals)
  }
  return hasErrors ? 1 : 0
}

/** One bar after the other: a line on standard output must not meet one. */
class Bars implements Disposable {
  #what: string | undefined
  #bar: Progress | undefined

  /** `share`: from 0 to 1. */
  update(what: string, share: number): void {
    if (what !== this.#what) {
      this.end()
      this.#what = what
      this.#bar = progress('bench', `% of ${what}`, { total: 100 })
    }
    this.#bar?.update(Math.floor(share * 100))
  }

  end(): void {
    this.#bar?.[Symbol.dispose]()
    this.#bar = undefined
    this.#what = undefined
  }

  [Symbol.dispose](): void {
    this.end()
  }
}

/** Deletes the znodes of this run by the first client that can, until another signal comes. Says what it could not delete. */
async function cleanUp(clients: readonly Client[], root: ZnodePath, signals: Signals): Promise<void> {
  let stop: (name: string) => void = () => {}
  const stopped = new Promise<string>((resolve) => (stop = resolve))
  const unheard = signals.onEach((name) => stop(`ended by ${name}`))
  let reason = ''
  try {
    for (const zk of clients) {
      const cleared = clearGround(zk, root, { timeout: cleanUpMs }).then(
        () => undefined,
        (error: Error) => error,
      )
      const end = await Promise.race([cleared, stopped])
      if (end === undefined) return
      reason = typeof end === 'string' ? end : end.message
      // Another client would be refused in the same way.
      if (typeof end === 'string' || KeeperError.is(end, 'NO_AUTH')) break
    }
  } finally {
    unheard()
  }
  process.stderr.write(
    `lightkeeper bench: ${root} is left behind, because it could not be deleted: ${reason}; lightkeeper bench --clean deletes it\n`,
  )
}

async function reportLeft(zk: Client): Promise<void> {
  const left = await leftBehind(zk)
  if (left.length === 0) return
  process.stderr.write(
    `lightkeeper bench: ${left.length} earlier runs were killed and have left znodes below ${benchRoot}; lightkeeper bench --clean deletes them\n`,
  )
}

async function clean(zk: Client): Promise<number> {
  const left = await leftBehind(zk)
  for (const root of left) {
    await clearGround(zk, root, { timeout: cleanUpMs })
    process.stdout.write(`deleted ${root}\n`)
  }
  if (left.length === 0) process.stdout.write('nothing was left behind\n')
  return 0
}

const columns = ['operation', 'per second', 'count', 'errors', 'mean', 'p50', 'p95', 'p99', 'p99.9', 'max'] as const
const widths = [10, 11, 10, 7, 9, 9, 9, 9, 9, 9] as const
const headLine = `${columns.map((name, i) => (i === 0 ? name.padEnd(widths[0]) : name.padStart(widths[i] as number))).join(' ')}   (ms)\n`

function textOf(result: BenchResult, withHistogram: boolean): string {
  const { operation, perSecond, count, errors, latency, firstError, isExhausted } = result
  const { meanMs, p50Ms, p95Ms, p99Ms, p999Ms, maxMs } = latency
  const cells = [
    Math.round(perSecond).toLocaleString('en'),
    count.toLocaleString('en'),
    String(errors),
    ...[meanMs, p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map((ms) => ms.toFixed(3)),
  ]
  const line = [operation.padEnd(widths[0]), ...cells.map((cell, i) => cell.padStart(widths[i + 1] as number))].join(
    ' ',
  )
  const notes = [
    isExhausted ? '  it ended early: all its znodes were used up (--max-znodes)' : '',
    firstError === undefined ? '' : `  the first error: ${firstError}`,
    ...(withHistogram ? bars(result) : []),
  ]
  return [line, ...notes.filter((note) => note !== '')].map((each) => `${each}\n`).join('')
}

const barMax = 50

function bars({ histogram, count }: BenchResult): string[] {
  const most = Math.max(...histogram.map((each) => each.count))
  return histogram.map((range) => {
    const share = ((range.count / count) * 100).toFixed(1).padStart(5)
    const bar = '#'.repeat(Math.max(1, Math.round((range.count / most) * barMax)))
    return `  ${range.fromMs.toFixed(3).padStart(9)} ms  ${share} %  ${bar}`
  })
}
