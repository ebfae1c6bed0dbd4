/**
 * The stories can fail, and the moments: each bug that is planted is found by few of them, by a check that is meant for it. Without PLANTED=all those bugs
 * are left out for which a story takes seconds.
 */
import { expect, test } from 'vitest'
import { Violation } from '../durability/ledger.ts'
import { plantedBugs } from './planted-bugs.ts'
import { tellOfEnsemble } from './story.ts'

const most = 1_000
const small = { voters: 3, observers: 0, clients: 2 }
const isAll = process.env['PLANTED'] === 'all'
const chosen = plantedBugs.filter(({ isQuick }) => isAll || isQuick)
if (!isAll) console.log(`${plantedBugs.length - chosen.length} planted bugs are left out; PLANTED=all takes them too`)

test.each(chosen.map((bug) => [bug.name, bug] as const))(
  'is found: %s',
  async (_name, bug) => {
    const undo = bug.plant?.()
    try {
      for (let i = 0; i <= most; i++) {
        // The seed that found it once comes first: the program may have changed since.
        const seed = i === 0 ? bug.seed : i
        const telling = bug.moment?.(seed) ?? tellOfEnsemble(seed, { ...small, ...bug.plan })
        const found = await telling.then(
          () => undefined,
          (error: unknown) => error,
        )
        if (found === undefined) continue
        expect(found).toBeInstanceOf(Violation)
        const [line = ''] = (found as Violation).message.split('\n')
        console.log(`${bug.name}: ${i === 0 ? '' : `${i} stories, `}${line.slice(0, 150)}`)
        expect(line).toMatch(bug.finds)
        return
      }
      expect.unreachable(`${most} stories did not find it`)
    } finally {
      undo?.()
    }
  },
  7_200_000,
)
