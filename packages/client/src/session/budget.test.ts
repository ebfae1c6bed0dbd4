import { KeeperError } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { HandClock } from '../client.harness.ts'
import { Budget } from './budget.ts'

test('work that fails after the time of its call is over is not an unhandled rejection', async () => {
  const clock = new HandClock()
  const unhandled: unknown[] = []
  const hear = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', hear)
  try {
    const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length) }
    const budget = new Budget({ clock, random }, 'get', '/a', { timeout: 5 })
    await clock.advance(6)
    const late = Promise.reject(new Error('late'))
    const error = await budget.until(late).catch((reason: unknown) => reason)
    expect(KeeperError.is(error, 'TIMEOUT')).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})
