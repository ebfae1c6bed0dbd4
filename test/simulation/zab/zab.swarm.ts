/** Run by scripts/simulate.mjs alone: one schedule again, or new ones for some minutes. */
import { expect, test } from 'vitest'
import { runSchedule } from './schedule.ts'

const seed = process.env['SEED']
const minutes = Number(process.env['SWARM_MINUTES'] ?? 0)

test.runIf(seed !== undefined)('one schedule again', () => {
  const trace: string[] = []
  try {
    const { events, committed } = runSchedule(Number(seed), { trace })
    console.log(`schedule ${seed}: ${events} events, ${committed} transactions committed`)
  } finally {
    if (process.env['TRACE'] === '1') console.log(trace.join('\n'))
  }
})

test.runIf(seed === undefined)('new schedules', () => {
  const begin = performance.now()
  const until = begin + minutes * 60_000
  let next = Number(process.env['SWARM_FROM'] ?? 1)
  let schedules = 0
  let events = 0
  let committed = 0
  const bad: string[] = []
  while (performance.now() < until) {
    try {
      const report = runSchedule(next)
      events += report.events
      committed += report.committed
    } catch (error) {
      const again = `npm run simulate -- --zab --seed ${next} --trace`
      console.log(`${(error as Error).message}\nagain: ${again}`)
      bad.push(again)
    }
    schedules++
    next++
  }
  const perMinute = Math.round((schedules * 60_000) / (performance.now() - begin))
  console.log(
    `${schedules} schedules, ${perMinute} a minute, ${events} events, ${committed} transactions committed, ${bad.length} ended badly`,
  )
  expect(bad).toEqual([])
})
