/** Run by scripts/fuzz.mjs alone: new stories until so many frames were sent, or one story again. */
import { expect, test } from 'vitest'
import { type Plan, planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import { tell } from './story.ts'

const frames = Number(process.env['FUZZ_FRAMES'] ?? 0)
const from = Number(process.env['FUZZ_FROM'] ?? 1)
const isOne = process.env['FUZZ_ONE'] === '1'
const framesEach = Number(process.env['FUZZ_FRAMES_EACH'] ?? 3_000)
const shrinkMs = 120_000

/** Why a story ended badly, undefined where it did not. */
async function problemOf(plan: Plan): Promise<string | undefined> {
  try {
    await tell(plan)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('stories', async () => {
  const bad: number[] = []
  let sent = 0
  let stories = 0
  let transactions = 0
  let printedAt = performance.now()
  const begun = performance.now()
  for (let seed = from; isOne ? stories < 1 : sent < frames; seed++) {
    stories++
    const plan = planOf(seed, framesEach)
    try {
      const report = await tell(plan)
      sent += report.frames
      transactions += report.transactions
    } catch (error) {
      bad.push(seed)
      console.log(`${(error as Error).message}\nagain: npm run fuzz -- --server --seed ${seed}`)
      const small = await shrink(plan, async (each) => (await problemOf(each)) !== undefined, shrinkMs)
      console.log(`made small (${small.steps.length} steps): ${await problemOf(small)}`)
      console.log(JSON.stringify({ seed, options: small.options, steps: small.steps }))
      if (bad.length >= 5) break
    }
    const now = performance.now()
    if (now - printedAt < 10_000) continue
    printedAt = now
    console.log(`${sent} frames, ${stories} stories, ${rate(sent, now - begun)} frames a second, next seed ${seed + 1}`)
  }
  console.log(
    `${sent} frames in ${stories} stories from seed ${from}, ${transactions} transactions, ` +
      `${rate(sent, performance.now() - begun)} frames a second, ${bad.length} ended badly`,
  )
  expect(bad).toEqual([])
})

function rate(count: number, ms: number): number {
  return Math.round((count / ms) * 1_000)
}
