/** Run by scripts/simulate.mjs alone: one story of an ensemble again, or new ones for some minutes. */
import { expect, test } from 'vitest'
import { tellOfEnsemble } from './story.ts'

const seed = process.env['SEED']
const minutes = Number(process.env['SWARM_MINUTES'] ?? 0)

test.runIf(seed !== undefined)('one story of an ensemble again', async () => {
  try {
    const report = await tellOfEnsemble(Number(seed))
    if (process.env['TRACE'] === '1') console.log(report.trace.join('\n'))
    const { acknowledged, faults, hash } = report
    console.log(`seed ${seed}: ${acknowledged} writes acknowledged, ${faults} faults, trace ${hash}`)
  } catch (error) {
    const { trace } = error as { trace?: readonly string[] }
    if (process.env['TRACE'] === '1' && trace !== undefined) console.log(trace.join('\n'))
    throw error
  }
})

test.runIf(seed === undefined)('new stories of an ensemble', async () => {
  const until = performance.now() + minutes * 60_000
  let next = Number(process.env['SWARM_FROM'] ?? 1)
  let stories = 0
  let acknowledged = 0
  let faults = 0
  const bad: string[] = []
  while (performance.now() < until) {
    try {
      const report = await tellOfEnsemble(next)
      acknowledged += report.acknowledged
      faults += report.faults
    } catch (error) {
      const again = `npm run simulate -- --ensemble --seed ${next} --trace`
      console.log(`${(error as Error).message}\nagain: ${again}`)
      bad.push(again)
    }
    stories++
    next++
  }
  console.log(`${stories} stories, ${acknowledged} writes acknowledged, ${faults} faults, ${bad.length} ended badly`)
  expect(bad).toEqual([])
})
