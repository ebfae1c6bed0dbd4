import { SeededRandom } from '@lightkeeper/testing/sim'
import { expect, test } from 'vitest'
import { type Circumstances, nextMishap } from './mishaps.ts'

const story = (seed: number, circumstances: Circumstances): string[] => {
  const random = new SeededRandom(seed)
  return Array.from({ length: 300 }, () => JSON.stringify(nextMishap(random, circumstances)))
}
const circumstances = { workers: 3, sessionTimeoutMs: 3_000, hasServer: true }

test('the same seed gives the same mishaps, another seed others', () => {
  expect(story(1, circumstances)).toEqual(story(1, circumstances))
  expect(story(1, circumstances)).not.toEqual(story(2, circumstances))
})

test('everything happens, to everybody, and pauses end both before and after a session does', () => {
  const all = story(3, circumstances).map(
    (line) => JSON.parse(line) as { kind: string; worker?: number; forMs?: number },
  )
  expect(new Set(all.map(({ kind }) => kind))).toEqual(
    new Set(['kill', 'dismiss', 'pause', 'killServer', 'configure', 'misconfigure']),
  )
  expect(new Set(all.flatMap(({ worker }) => (worker === undefined ? [] : [worker])))).toEqual(new Set([0, 1, 2]))
  const pauses = all.flatMap(({ forMs }) => (forMs === undefined ? [] : [forMs]))
  expect(Math.min(...pauses)).toBeLessThan(3_000)
  expect(Math.max(...pauses)).toBeGreaterThan(3_000)
})

test("a server that is not the demo's own is left alone", () => {
  expect(story(4, { ...circumstances, hasServer: false }).some((line) => line.includes('killServer'))).toBe(false)
})
