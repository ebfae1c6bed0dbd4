/** The stories can fail: each planted bug is found, by few of them. */
import { expect, test } from 'vitest'
import { Violation } from './ledger.ts'
import { plantedBugs } from './planted-bugs.ts'
import { tell } from './story.ts'

/** About a minute of stories, more on a machine that is busy; the count is the bound. */
const most = 1_000

test.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
  'is found: %s',
  async (_name, bug) => {
    const undo = bug.plant?.()
    const first = bug.firstSeed ?? 1
    try {
      for (let seed = first; seed < first + most; seed++) {
        const plan = {
          // Digests would find many of them first, and it is the checkers that are to be proven here.
          options: { digestEnabled: false },
          ...(bug.prepare ? { prepare: bug.prepare } : {}),
          ...(bug.failingDisk ? { failingDisk: true, rounds: 8 } : {}),
        }
        const found = await tell(seed, plan).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (found === undefined) continue
        expect(found).toBeInstanceOf(Violation)
        console.log(`${bug.name}: seed ${seed}, ${(found as Error).message.split('\n')[0]?.slice(0, 150)}`)
        return
      }
      expect.unreachable(`${most} stories did not find it`)
    } finally {
      undo?.()
    }
  },
  600_000,
)
