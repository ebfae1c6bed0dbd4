/** The schedules can fail: each planted bug is found by few of them, under the name of what it breaks. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AssertionError } from '../../../packages/runtime/src/assert.ts'
import { ZabViolation } from '../../../packages/testing/src/check/zab.ts'
import { plantedBugs } from './planted-bugs.ts'
import { play } from './scenario.ts'
import { runSchedule } from './schedule.ts'

const folder = join(import.meta.dirname, 'scenarios')

const most = 1_000

test.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
  'is found: %s',
  (_name, { name, finds, plan, scenario, plant }) => {
    const undo = plant?.()
    try {
      for (let seed = 1; seed <= most; seed++) {
        const found = violationOf(() =>
          scenario === undefined
            ? runSchedule(seed, plan)
            : play(readFileSync(join(folder, `${scenario}.txt`), 'utf8')),
        )
        if (found === undefined) continue
        console.log(`${name}: ${scenario ?? `schedule ${seed}`}, ${found.message}`)
        expect(finds).toContain(found instanceof ZabViolation ? found.invariant : 'Assertion')
        return
      }
      expect.unreachable(`${most} schedules did not find it`)
    } finally {
      undo?.()
    }
  },
  300_000,
)

function violationOf(run: () => unknown): ZabViolation | AssertionError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof ZabViolation || error instanceof AssertionError) return error
    throw error
  }
}
