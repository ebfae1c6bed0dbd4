import { expect, test } from 'vitest'
import { jsonLog } from './log-sink.ts'

async function logged(...args: Parameters<Awaited<ReturnType<typeof jsonLog>>>): Promise<string> {
  let text = ''
  const log = await jsonLog({
    writableLength: 0,
    write(line) {
      text += line
    },
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
  const log = await jsonLog({
    writableLength: 0,
    write() {
      throw new Error('no space left')
    },
  })
  log('error', 'm')
})

test('lines that nobody reads are left out when very much waits, and counted in the next that is written', async () => {
  const stream = {
    writableLength: 0,
    lines: [] as Record<string, unknown>[],
    write(line: string) {
      stream.lines.push(JSON.parse(line))
      stream.writableLength += line.length
    },
  }
  const log = await jsonLog(stream)
  for (let i = 0; i < 2_000; i++) log('info', 'm', { text: 'x'.repeat(1_000) })
  const before = stream.lines.length
  expect(before).toBeGreaterThan(900)
  expect(before).toBeLessThan(1_100)
  stream.writableLength = 0
  log('info', 'after')
  const [leftOut, after, ...more] = stream.lines.slice(before)
  expect(leftOut).toMatchObject({ level: 'warn', times: 2_000 - before })
  expect(leftOut?.['message']).toMatch(/^lines of the log were left out/)
  expect(after).toMatchObject({ level: 'info', message: 'after' })
  expect(more).toEqual([])
})
