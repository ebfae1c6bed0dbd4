/** Stories of a whole server under clients that say anything: a few in every run, millions of frames by `npm run fuzz`. */
import { expect, test } from 'vitest'
import { found } from './found.ts'
import { planOf } from './plan.ts'
import { tell } from './story.ts'

const count = Number(process.env['FUZZ_SECONDS'] ?? 0) > 0 ? 200 : 12

test.each(Array.from({ length: count }, (_, i) => i + 1))(
  'no client that says anything disturbs another one, or leaves something behind: seed %i',
  async (seed) => {
    const { frames, transactions } = await tell(planOf(seed, 1_500))
    expect(frames).toBeGreaterThan(1_000)
    expect(transactions).toBeGreaterThan(20)
  },
)

test('the same plan is the same story', async () => {
  const plan = planOf(7, 400)
  expect(await tell(plan)).toEqual(await tell(plan))
})

test.each(found.map(({ name, plan }) => [name, plan] as const))('found once: %s', async (_, plan) => {
  await tell(plan)
})
