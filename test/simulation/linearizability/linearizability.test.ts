import { expect, test } from 'vitest'
import { Forwarding } from '../../../packages/server/src/pipeline/forwarding.ts'
import type { Ticket } from '../../../packages/server/src/pipeline/reply-queue.ts'
import { seeds } from '../stage.ts'
import { recordHistory } from './story.ts'

test.each(seeds(1))('writes and synced reads of an ensemble are linearizable: seed %i', async (seed) => {
  const { calls } = await recordHistory(seed)
  expect(calls).toBeGreaterThan(100)
})

test('a member that answers a sync at once is found', async () => {
  const original = Forwarding.prototype.sync
  Forwarding.prototype.sync = (ticket: Ticket<never>) => {
    ticket.verdict = 0
  }
  try {
    // The first one found it once; the program may have changed since.
    for (const seed of [12, ...Array.from({ length: 300 }, (_, i) => i + 1)]) {
      const found = await recordHistory(seed).then(
        () => undefined,
        (error: Error) => error.message,
      )
      if (found === undefined) continue
      console.log(`a sync that is answered at once: ${found.split('\n')[0]}`)
      expect(found).toMatch(/none of these can be next:\n(.*\n)*client \d: read /)
      return
    }
    expect.unreachable('300 histories did not show it')
  } finally {
    Forwarding.prototype.sync = original
  }
})
