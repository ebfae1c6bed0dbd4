/** What a scrape costs, however many ask. */
import type { HttpRequest } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { Exporter } from './prometheus.ts'

const memory = { heap: () => ({ used: 7, limit: 9 }), collect() {} }
const scrape = { method: 'GET', target: '/metrics' } as HttpRequest

test('the figures are read once for all who ask in one turn, and again for who asks after that', async () => {
  const clock = new HandClock()
  let reads = 0
  const read = async (): Promise<[]> => {
    reads++
    return []
  }
  const exporter = await Exporter.load(read, { clock, memory }, { withProcess: false })
  const first = [exporter.answer(scrape), exporter.answer(scrape), exporter.answer(scrape)]
  expect(reads).toBe(0)
  clock.endTurn()
  const [one, two] = await Promise.all(first)
  expect(reads).toBe(1)
  expect(one).toEqual(two)
  const later = exporter.answer(scrape)
  clock.endTurn()
  await later
  expect(reads).toBe(2)
})

test('a read that fails is no answer for who asks later', async () => {
  const clock = new HandClock()
  let isBroken = true
  const read = async (): Promise<[]> => {
    if (isBroken) throw new Error('the disk says no')
    return []
  }
  const exporter = await Exporter.load(read, { clock, memory }, { withProcess: false })
  const failed = exporter.answer(scrape)
  clock.endTurn()
  await expect(failed).rejects.toThrow('the disk says no')
  isBroken = false
  const answer = exporter.answer(scrape)
  clock.endTurn()
  expect((await answer).status).toBe(200)
})
