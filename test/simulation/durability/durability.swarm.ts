/** Run by scripts/simulate.mjs alone: one story again, or new ones for some minutes. */
import { expect, test } from 'vitest'
import { tell } from './story.ts'

const seed = process.env['SEED']
const minutes = Number(process.env['SWARM_MINUTES'] ?? 0)

test.runIf(seed !== undefined)('one story again', async () => {
  const kind = process.env['STORY'] ?? ''
  const failingDisk = kind === 'failing-disk'
  const report = await tell(Number(seed), kind === '' ? {} : { failingDisk, rot: kind === 'rot', rounds: 8 })
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
    for (const kind of ['plain', 'failing-disk', 'rot'] as const) {
      const plan = kind === 'plain' ? {} : kind === 'rot' ? { rot: true, rounds: 8 } : { failingDisk: true, rounds: 8 }
      try {
        const report = await tell(next, plan)
        acknowledged += report.acknowledged
        restarts += report.restarts
      } catch (error) {
        const again = `npm run simulate -- --seed ${next}${kind === 'plain' ? '' : ` --${kind}`} --trace`
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
