/** Run by scripts/simulate.mjs alone: one history again, or a number of new ones. */
import { expect, test } from 'vitest'
import { recordHistory } from './story.ts'

const seed = process.env['SEED']
const minutes = Number(process.env['SWARM_MINUTES'] ?? 0)
const most = Number(process.env['SWARM_HISTORIES'] ?? Number.POSITIVE_INFINITY)

test.runIf(seed !== undefined)('one history again', async () => {
  const isTraced = process.env['TRACE'] === '1'
  try {
    const { calls, unknown, trace } = await recordHistory(Number(seed))
    if (isTraced) console.log(trace.join('\n'))
    console.log(`seed ${seed}: ${calls} calls, ${unknown} with an unknown outcome`)
  } catch (error) {
    const { trace } = error as { trace?: readonly string[] }
    if (isTraced && trace !== undefined) console.log(trace.join('\n'))
    throw error
  }
})

test.runIf(seed === undefined)('new histories', async () => {
  const until = performance.now() + minutes * 60_000
  let next = Number(process.env['SWARM_FROM'] ?? 1)
  let histories = 0
  let calls = 0
  let unknown = 0
  const bad: string[] = []
  for (; performance.now() < until && histories < most; next++, histories++) {
    try {
      const report = await recordHistory(next)
      calls += report.calls
      unknown += report.unknown
    } catch (error) {
      const again = `npm run simulate -- --linearizability --seed ${next} --trace`
      console.log(`${(error as Error).message}\nagain: ${again}`)
      bad.push(again)
    }
  }
  console.log(
    `${histories} histories, ${calls} calls, ${unknown} with an unknown outcome, ${bad.length} not linearizable`,
  )
  expect(bad).toEqual([])
})
