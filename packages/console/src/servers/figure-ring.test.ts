/** What the ring keeps of a day, and how it thins it out. */
import { expect, test } from 'vitest'
import { FigureRing } from './figure-ring.ts'

function ring(points: number) {
  let now = 0
  let answers: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map()
  const clock = { now: () => now, wall: () => now, after: () => ({ cancel() {} }), turnEnd() {} }
  const kept = new FigureRing(clock, async () => answers, { everyMs: 10, points })
  return {
    kept,
    async at(time: number, figures: Record<string, Record<string, string>>) {
      now = time
      answers = new Map(Object.entries(figures))
      await kept.measure()
    },
  }
}

test('keeps the newest points in order, and a hole where a server did not answer', async () => {
  const { kept, at } = ring(3)
  await at(1, { a: { znode_count: '1' } })
  await at(2, { a: { znode_count: '2' } })
  await at(3, {})
  await at(4, { a: { znode_count: '4', avg_latency: '0.5' } })
  const [a] = kept.figures(100).servers
  expect(a?.times).toEqual([2, 3, 4])
  expect(a?.values['znode_count']).toEqual([2, null, 4])
  expect(a?.values['avg_latency']).toEqual([null, null, 0.5])
})

test('of several points it shows the greatest, so no peak is lost', async () => {
  const { kept, at } = ring(100)
  for (let i = 1; i <= 10; i++) await at(i, { a: { max_latency: i === 4 ? '99' : '1' } })
  const [a] = kept.figures(5).servers
  expect(a?.times).toEqual([2, 4, 6, 8, 10])
  expect(a?.values['max_latency']).toEqual([1, 99, 1, 1, 1])
})
