import { beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { RepeatedLine, RepeatedLines } from './repeated-line.ts'

test('a line that repeats is written at once, then once a minute with the number of times', () => {
  let now = 0
  const clock = { now: () => now } as Clock
  const lines: string[] = []
  const line = new RepeatedLine(
    (level, message, facts) => lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
    clock,
    'warn',
    'refused',
  )
  line.tell({ client: 'a' })
  for (now = 1; now < 60_000; now += 1000) line.tell({ client: 'b' })
  expect(lines).toEqual(['warn refused {"client":"a"}'])
  now = 60_000
  line.tell({ client: 'c' })
  now = 200_000
  line.tell({ client: 'd' })
  expect(lines.slice(1)).toEqual(['warn refused {"client":"c","times":61}', 'warn refused {"client":"d"}'])
})

describe('lines about many things', () => {
  let now = 0
  const lines: string[] = []
  const clock = { now: () => now } as Clock
  beforeEach(() => {
    now = 0
    lines.length = 0
  })
  const made = (): RepeatedLines =>
    new RepeatedLines((_level, message, facts) => lines.push(`${message} ${JSON.stringify(facts)}`), clock, 'warn')

  test('are counted for each thing by itself', () => {
    const repeated = made()
    for (const client of ['a', 'b', 'a', 'a', 'b']) repeated.tell(client, 'refused', { client })
    expect(lines).toEqual(['refused {"client":"a"}', 'refused {"client":"b"}'])
    now = 60_000
    repeated.tell('a', 'refused', { client: 'a' })
    expect(lines.slice(2)).toEqual(['refused {"client":"a","times":3}'])
  })

  test('share one line where there are too many things', () => {
    const repeated = made()
    for (let i = 0; i < 5_000; i++) repeated.tell(`client ${i}`, 'refused', { client: i })
    expect(lines.length).toBe(201)
    now = 60_000
    repeated.tell('client 4999', 'refused', { client: 4999 })
    expect(lines.at(-1)).toBe('refused {"client":4999,"times":4800}')
  })

  test('are told apart again when the others were quiet', () => {
    const repeated = made()
    for (let i = 0; i < 5_000; i++) repeated.tell(`client ${i}`, 'refused', { client: i })
    now = 10 * 60_000
    for (const client of ['x', 'y', 'x']) repeated.tell(client, 'refused', { client })
    expect(lines.slice(-2)).toEqual(['refused {"client":"x"}', 'refused {"client":"y"}'])
  })
})
