import { describe, expect, test } from 'vitest'
import type { ServiceInstance } from './instance.ts'
import { Outliers } from './outliers.ts'

const four = ['a', 'b', 'c', 'd'].map((id) => ({ id })) as ServiceInstance[]
const ids = (outliers: Outliers, now: number, instances = four): string =>
  outliers
    .admit(instances, now)
    .admitted.map(({ id }) => id)
    .join('')

describe('instances that fail', () => {
  test('are left out after two failures within the time, and are back after it', () => {
    const outliers = new Outliers({ failures: 2, within: 100, out: 50 })
    expect(outliers.failed('a', 0)).toBe(false)
    expect(outliers.failed('a', 100)).toBe(false)
    expect(ids(outliers, 100)).toBe('abcd')
    expect(outliers.failed('a', 150)).toBe(true)
    expect([ids(outliers, 150), ids(outliers, 199), ids(outliers, 200)]).toEqual(['bcd', 'bcd', 'abcd'])
    expect(outliers.admit(four, 150).until).toBe(200)
  })

  test('stay out longer each time, up to ten times, until they succeed', () => {
    const outliers = new Outliers({ failures: 1, out: 10 })
    let now = 0
    for (let i = 1; i <= 12; i++) {
      expect(outliers.failed('a', now)).toBe(true)
      const until = now + 10 * Math.min(i, 10)
      expect(outliers.admit(four, now).until).toBe(until)
      now = until
    }
    expect(outliers.succeeded('a', now)).toBe(false)
    outliers.failed('a', now)
    expect(outliers.admit(four, now).until).toBe(now + 10)
  })

  test('are back at once when they answer', () => {
    const outliers = new Outliers({ failures: 1 })
    outliers.failed('a', 0)
    expect(outliers.succeeded('a', 1)).toBe(true)
    expect(ids(outliers, 1)).toBe('abcd')
  })

  test('are never more than their share: those longest out come back first', () => {
    const outliers = new Outliers({ failures: 1, out: 100, shareMax: 0.5 })
    for (const [i, id] of ['b', 'd', 'a', 'c'].entries()) outliers.failed(id, i)
    expect(ids(outliers, 4)).toBe('bd')
    expect(ids(new Outliers({ shareMax: 0.5 }), 0, four.slice(0, 1))).toBe('a')
    const one = new Outliers({ failures: 1 })
    one.failed('a', 0)
    expect(ids(one, 1, four.slice(0, 1))).toBe('a')
  })

  test('are forgotten with the instance', () => {
    const outliers = new Outliers({ failures: 1 })
    outliers.failed('a', 0)
    outliers.keep(new Set(['b']))
    expect(ids(outliers, 1)).toBe('abcd')
  })
})
