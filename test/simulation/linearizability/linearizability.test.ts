/** Histories of calls are linearizable, and the search finds it where they are not. PLANTED=all also looks for a bug that few of them show. */
import { expect, test } from 'vitest'
import { LearnerReplica } from '../../../packages/server/src/member/learner-replica.ts'
import { Forwarding } from '../../../packages/server/src/pipeline/forwarding.ts'
import type { Ticket } from '../../../packages/server/src/pipeline/reply-queue.ts'
import { seeds } from '../stage.ts'
import { recordHistory } from './story.ts'

test.each(seeds(1))('writes and synced reads of an ensemble are linearizable: seed %i', async (seed) => {
  const { calls } = await recordHistory(seed)
  expect(calls).toBeGreaterThan(100)
})

/** What the first of these histories says that is not linearizable. `undo` takes the bug out again. */
async function firstWrong(histories: readonly number[], undo: () => void): Promise<string> {
  try {
    for (const seed of histories) {
      const found = await recordHistory(seed).then(
        () => undefined,
        (error: Error) => error.message,
      )
      if (found === undefined) continue
      console.log(found.split('\n')[0])
      return found
    }
  } finally {
    undo()
  }
  return expect.unreachable(`${histories.length} histories did not show it`)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

test('a member that loses a write is found', async () => {
  const original = LearnerReplica.prototype.learn
  LearnerReplica.prototype.learn = function (this: LearnerReplica, each) {
    const { txn } = each
    const isLost = 'path' in txn && txn.path === '/lin/a' && 'data' in txn
    original.call(this, isLost ? { ...each, txn: { ...txn, data: new TextEncoder().encode('lost') } } : each)
  }
  const found = await firstWrong(upTo(100), () => {
    LearnerReplica.prototype.learn = original
  })
  expect(found).toMatch(/with \/lin\/a .* none of these can be next:\n(.*\n)*client \d: read \/lin\/a/)
})

test.runIf(process.env['PLANTED'] === 'all')(
  'a member that answers a sync at once is found',
  async () => {
    const original = Forwarding.prototype.sync
    Forwarding.prototype.sync = (ticket: Ticket<never>) => {
      ticket.verdict = 0
    }
    const found = await firstWrong(upTo(1_000), () => {
      Forwarding.prototype.sync = original
    })
    expect(found).toMatch(/none of these can be next:\n(.*\n)*client \d: read /)
  },
  7_200_000,
)
