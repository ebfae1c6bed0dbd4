/** Bugs that are planted in a server: each must end one of a few stories badly, or the stories look at too little. */
import { afterEach, expect, test, vi } from 'vitest'
import { Desk } from '../../../packages/server/src/pipeline/desk.ts'
import { SessionKeys } from '../../../packages/server/src/session/session-keys.ts'
import { ClientConnection } from '../../../packages/server/src/transport/client-connection.ts'
import { HeldBytes } from '../../../packages/server/src/transport/held-bytes.ts'
import { DataTree } from '../../../packages/server/src/tree/data-tree.ts'
import { WatchTable } from '../../../packages/server/src/watch/watch-table.ts'
import { planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import { tell } from './story.ts'

afterEach(() => void vi.restoreAllMocks())

const planted: Readonly<Record<string, readonly [plant: () => void, problem: RegExp]>> = {
  'watches of a connection that is gone stay': [
    () => vi.spyOn(WatchTable.prototype, 'removeSome').mockReturnValue(1),
    /watch\w* are left/,
  ],
  'any password is the one of a session': [
    () => vi.spyOn(SessionKeys.prototype, 'isPasswordOf').mockReturnValue(true),
    /taken over|control client/,
  ],
  'a read does not come in front of the write behind it': [
    () => vi.spyOn(Desk.prototype, 'answerBefore').mockImplementation(() => {}),
    /a reply to request/,
  ],
  'what a connection held stays counted when it is gone': [
    () => vi.spyOn(HeldBytes.prototype, 'forget').mockImplementation(() => {}),
    /held/,
  ],
  'a connection whose replies were taken is not read on': [
    () => vi.spyOn(ClientConnection.prototype, 'drained').mockImplementation(() => {}),
    /never answered/,
  ],
  'an ACL is set without its version': [
    () => {
      const { setAcl } = DataTree.prototype
      vi.spyOn(DataTree.prototype, 'setAcl').mockImplementation(function (this: DataTree, path, acl, aversion) {
        return setAcl.call(this, path, acl, aversion - 1)
      })
    },
    /digest/,
  ],
}

test.each(Object.keys(planted))('%s', async (name) => {
  const [plant, problem] = planted[name] as (typeof planted)[string]
  plant()
  const problems: string[] = []
  for (let seed = 100; seed < 140 && problems.length === 0; seed++) {
    await tell(planOf(seed, 1_000)).catch((error: unknown) => void problems.push((error as Error).message))
  }
  expect(problems.join('\n')).toMatch(problem)
})

test('a story that ends badly is made small', async () => {
  planted['any password is the one of a session']?.[0]()
  const fails = (plan: ReturnType<typeof planOf>): Promise<boolean> =>
    tell(plan).then(
      () => false,
      () => true,
    )
  let plan = planOf(200, 600)
  for (let seed = 201; !(await fails(plan)); seed++) plan = planOf(seed, 600)
  let clock = 0
  const small = await shrink(plan, fails, 150, () => clock++)
  expect(small.steps.length).toBeLessThan(plan.steps.length / 4)
  expect(await fails(small)).toBe(true)
})
