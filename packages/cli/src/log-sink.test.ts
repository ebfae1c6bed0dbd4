import { expect, test } from 'vitest'
import { jsonLog } from './log-sink.ts'

async function logged(...args: Parameters<Awaited<ReturnType<typeof jsonLog>>>): Promise<string> {
  let text = ''
  const log = await jsonLog((line) => {
    text += line
  })
  log(...args)
  return text
}

test('a line is one JSON object with level, time, message and facts', async () => {
  const { time, ...rest } = JSON.parse(
    await logged('warn', 'refused a client', { client: '10.0.0.7', session: 0xffn, times: 3, left: undefined }),
  )
  expect(rest).toEqual({ level: 'warn', message: 'refused a client', client: '10.0.0.7', session: '0xff', times: 3 })
  expect(new Date(time).toISOString()).toBe(time)
})

test('lines of every level are written', async () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    expect(JSON.parse(await logged(level, 'x'))).toMatchObject({ level })
  }
})

test('a line is one line of printable characters of a bounded length, and says the same', async () => {
  const hostile = 'a\n\u001b[31m\u009b1m\u202e\u{e0001}\u2028z'
  const line = await logged('info', 'm', { path: hostile, long: 'x'.repeat(1_000_000) })
  expect(line.slice(0, -1)).toMatch(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u)
  expect(line.length).toBeLessThan(6_000)
  expect(JSON.parse(line).path).toBe(hostile)
})

test('a fact cannot take the place of the level, the time or the message', async () => {
  expect(JSON.parse(await logged('info', 'm', { level: 'fatal', message: 'other', time: 1 }))).toMatchObject({
    level: 'info',
    message: 'm',
    fact_level: 'fatal',
    fact_message: 'other',
    fact_time: 1,
  })
})

test('an output that fails does not disturb the code that logs', async () => {
  const log = await jsonLog(() => {
    throw new Error('no space left')
  })
  log('error', 'm')
})
