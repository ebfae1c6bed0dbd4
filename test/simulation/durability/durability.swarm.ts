/** Run by scripts/simulate.mjs alone: one story again, or new ones for some minutes. */
import { expect, test } from 'vitest'
import { tell } from './story.ts'

const seed = process.env['SEED']
const minutes = Number(process.env['SWARM_MINUTES'] ?? 0)

test.runIf(seed !== undefined)('one story again', async () => {
  const failingDisk = process.env['FAILING_DISK'] === '1'
  const report = await tell(Number(seed), failingDisk ? { failingDisk, rounds: 8 } : {})
  if (process.env['TRACE'] === '1') console.log(report.trace.join('\n'))
  const { acknowledged, restarts, hash } = report
  console.log(`seed ${seed}: ${acknowledged} writes acknowledged, ${restarts} restarts, trace ${hash}`)
})

test.runIf(seed === undefined)('new stories', async () => {
  const until = performance.now() + minutes * 60_000
  let next = Number(process.env['SWARM_FROM'] ?? 1)
  let stories = 0
  let acknowledged = 0
  let restarts = 0
  const bad: string[] = []
  while (performance.now() < until) {
    for (const failingDisk of [false, true]) {
      try {
        const report = await tell(next, failingDisk ? { failingDisk, rounds: 8 } : {})
        acknowledged += report.acknowledged
        restarts += report.restarts
      } catch (error) {
        const again = `npm run simulate -- --seed ${next}${failingDisk ? ' --failing-disk' : ''} --trace`
        console.log(`${(error as Error).message}\nagain: ${again}`)
        bad.push(again)
      }
      stories++
    }
    next++
  }
  console.log(
    `${stories} stories, ${acknowledged} writes acknowledged, ${restarts} restarts, ${bad.length} ended badly`,
  )
  expect(bad).toEqual([])
})
