/** What the console measures while it runs. */
import { expect, test } from 'vitest'
import { Sampler } from './sampler.ts'

test('each server has its points, and a hole where it did not answer', async () => {
  let now = 0
  let answers: ReadonlyMap<string, Readonly<Record<string, string>>> | Error = new Map()
  const clock = { now: () => now, wall: () => now, after: () => ({ cancel() {} }), turnEnd() {} }
  const sampler = new Sampler(
    clock,
    async () => {
      if (answers instanceof Error) throw answers
      return answers
    },
    { everyMs: 1_000, points: 10 },
  )
  const at = async (time: number, given: Record<string, Record<string, string>> | Error): Promise<void> => {
    now = time
    answers = given instanceof Error ? given : new Map(Object.entries(given))
    await sampler.measure()
  }
  await at(1_000, { a: { packets_received: '10' } })
  await at(2_000, { a: { packets_received: '30' }, b: { znode_count: '5' } })
  await at(3_000, new Error('the name is not known'))
  await at(4_000, { a: { packets_received: '70' } })
  const [a, b] = sampler.figures(100)
  expect(a).toMatchObject({ server: 'a', everyMs: 1_000, isKept: false, times: [1_000, 2_000, 3_000, 4_000] })
  // Behind a hole it is not known since when it has grown.
  expect(a?.values['requests_per_second']).toEqual([null, 20, null, null])
  expect([b?.times, b?.values['znodes']]).toEqual([
    [2_000, 3_000, 4_000],
    [5, null, null],
  ])
})
