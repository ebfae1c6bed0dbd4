import { expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { RepeatedLine } from './repeated-line.ts'

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
