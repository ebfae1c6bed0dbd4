import { describe, expect, test } from 'vitest'
import { countedLog } from './counted-log.ts'
import { formatLine, type Log } from './log.ts'

describe('a line', () => {
  test('is one line of printable characters, for any facts', () => {
    expect(formatLine('a\u001b[31mb\nc', { scheme: '\u001b]0;x\u0007', plain: 'ok', id: 255n })).toBe(
      'a\\u001b[31mb\\u000ac scheme=\\u001b]0;x\\u0007 plain=ok id=0xff',
    )
    expect(formatLine('m', { a: 'two words', b: 'x\ny', c: 'a\u202eb', d: '\u009b1m' })).toBe(
      'm a="two words" b="x\\ny" c=a\\u202eb d=\\u009b1m',
    )
  })

  test('cuts what is long', () => {
    const line = formatLine('m', { scheme: 's'.repeat(1_000_000) })
    expect(line.length).toBeLessThan(5_000)
    expect(line).toMatch(/… \(1000000 characters\)"$/)
  })
})

describe('lines that are repeated', () => {
  const scene = () => {
    const lines: string[] = []
    const log: Log = (level, message, facts) => void lines.push(formatLine(`${level} ${message}`, facts))
    let time = 0
    const timers: { at: number; task: () => void }[] = []
    const clock = {
      now: () => time,
      after(delayMs: number, task: () => void) {
        const timer = { at: time + delayMs, task }
        timers.push(timer)
        return { cancel: () => void timers.splice(timers.indexOf(timer), 1) }
      },
    }
    const advance = (ms: number): void => {
      time += ms
      for (const timer of timers.filter(({ at }) => at <= time)) {
        timers.splice(timers.indexOf(timer), 1)
        timer.task()
      }
    }
    return { lines, counted: countedLog(log, clock), advance, timers }
  }

  test('are counted above the tenth of ten seconds', () => {
    const { lines, counted, advance, timers } = scene()
    for (let i = 0; i < 1000; i++) counted.log('warn', 'authentication failed', { client: `c${i}` })
    counted.log('warn', 'another', {})
    counted.log('info', 'no warning', {})
    expect(lines).toHaveLength(12)
    advance(10_000)
    expect(lines[12]).toBe('warn authentication failed: so often again, not printed times=990 seconds=10')
    expect(timers).toEqual([])
    counted.log('warn', 'authentication failed', { client: 'later' })
    expect(lines[13]).toBe('warn authentication failed client=later')
  })

  test('are counted in a line at the end', () => {
    const { lines, counted, advance, timers } = scene()
    for (let i = 0; i < 12; i++) counted.log('error', 'm')
    counted.stop()
    expect(lines.at(-1)).toContain('times=2')
    expect(timers).toEqual([])
    advance(20_000)
    expect(lines).toHaveLength(11)
  })

  test('make no timer while nothing is left out', () => {
    const { counted, timers } = scene()
    for (let i = 0; i < 10; i++) counted.log('warn', 'm')
    expect(timers).toEqual([])
  })
})
