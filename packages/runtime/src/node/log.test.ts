import { afterEach, expect, test, vi } from 'vitest'
import { environmentLog, stderrLog } from './log.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function printed(): string[] {
  const lines: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line))
    return true
  })
  return lines
}

test.each([undefined, ''])('nothing is logged where the environment says %j', (wanted) => {
  const lines = printed()
  environmentLog(wanted)('error', 'x')
  expect(lines).toEqual([])
})

test.each(['info', ' INFO '])('lines of the level that the environment says and above are printed: %j', (wanted) => {
  const lines = printed()
  const log = environmentLog(wanted)
  log('debug', 'below')
  log('info', 'level', { id: 0x77n })
  log('warn', 'above')
  expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual(['INFO level id=0x77\n', 'WARN above\n'])
})

test('a level that there is not is said once, with those there are', () => {
  const lines = printed()
  environmentLog('loud')('error', 'x')
  environmentLog('loud')('error', 'x')
  expect(lines).toEqual(['LIGHTKEEPER_LOG is "loud": expected debug, info, warn, error; nothing is logged\n'])
})

test('lines that nobody reads are left out when very much waits, and counted in the next that is written', () => {
  const lines: string[] = []
  const stream = { writableLength: 2 << 20, write: (line: string) => void lines.push(line.replace(/^\S+ /, '')) }
  const log = stderrLog('info', stream)
  log('info', 'first')
  log('info', 'second')
  log('debug', 'below')
  stream.writableLength = 0
  log('info', 'third')
  log('info', 'fourth')
  expect(lines).toEqual([
    'WARN lines of the log were left out, because nobody read them times=2\n',
    'INFO third\n',
    'INFO fourth\n',
  ])
})
