/** A counter counts what it says it counted, and what it does not know once at most. */
import { counter } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { type Ended, ended, everything, scene } from './scene.ts'

interface Told {
  readonly ended: Ended[]
  /** The value that each increment which ended well made. */
  readonly after: bigint[]
}

/** Clients that count, one by one and in bursts. */
function counting(seed: number, cutMsMax: number): Promise<{ told: Told; value: bigint; left: string[] }> {
  return scene(
    seed,
    { clients: 3, cutMsMax },
    async ({ clients, random, pause }) => {
      const told: Told = { ended: [], after: [] }
      const all = clients.map(async (zk) => {
        const n = counter(zk, '/app/n')
        for (let round = 0; round < 8; round++) {
          const burst = Array.from({ length: 1 + random.below(4) }, async () => {
            const call = n.increment()
            told.ended.push(await ended(call))
            await call.then(({ after }) => void told.after.push(after)).catch(() => {})
          })
          await Promise.all(burst)
          if (random.oneIn(3)) await pause(random.below(1_500))
        }
      })
      await Promise.all(all)
      return told
    },
    async ({ clients: [zk], world }, told) => {
      if (zk === undefined) throw new Error('no client')
      await world.delay(2_000)
      return { told, value: await counter(zk, '/app/n').get(), left: await everything(zk) }
    },
  )
}

describe('a counter under lost connections', () => {
  test.each(seeds(150))(
    'counts every increment once, and never is in doubt while sessions live, seed %i',
    async (seed) => {
      const { told, value, left } = await counting(seed, 600)
      expect(told.ended.filter((each) => each !== 'ok')).toEqual([])
      expect(value).toBe(BigInt(told.ended.length))
      // Each made a value of its own, and together they made all of them.
      expect(told.after.sort((a, b) => Number(a - b))).toEqual(told.ended.map((_, i) => BigInt(i + 1)))
      expect(left).toEqual(['/', '/app', '/app/n'])
    },
  )

  test.each(seeds(150))(
    'counts what is acknowledged, and the unknown once at most, where sessions end, seed %i',
    async (seed) => {
      const { told, value, left } = await counting(seed, 9_000)
      const ok = told.ended.filter((each) => each === 'ok').length
      const unknown = told.ended.filter((each) => each === 'unknown').length
      expect(told.ended.filter((each) => each === 'not done')).toEqual([])
      expect(Number(value)).toBeGreaterThanOrEqual(ok)
      expect(Number(value)).toBeLessThanOrEqual(ok + unknown)
      expect(new Set(told.after).size).toBe(ok)
      expect(left).toEqual(['/', '/app', '/app/n'])
    },
  )
})
