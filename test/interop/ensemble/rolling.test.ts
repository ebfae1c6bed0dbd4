/** Three servers of Apache become three of ours, and three of Apache again, one after the other, while clients write and hold locks. */
import { connect } from '@lightkeeper/client'
import { lock } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { missingVersion, versions } from './trio.ts'
import { Load, sessionTimeout, Voters } from './voters.ts'

const directories = process.env['INTEROP_LONG'] === undefined ? ['its old'] : ['its old', 'an empty']

for (const version of versions) {
  describe.skipIf(missingVersion(version) !== undefined)(`from Apache ${version} to ours and back`, () => {
    test.each(directories)('each on %s directory', async (directory) => {
      await using voters = await Voters.start(version, ['apache', 'apache', 'apache'])
      await using load = await Load.start(voters)
      await using holder = await connect(voters.connectString, { sessionTimeout })
      await using other = await connect(voters.connectString, { sessionTimeout })
      const held = await lock(holder, '/lock').acquire()
      let isNext = false
      const waiting = lock(other, '/lock').acquire()
      waiting.then(
        () => {
          isNext = true
        },
        () => {},
      )
      for (const kind of ['ours', 'apache'] as const) {
        for (const voter of voters.all) {
          await voter.end('SIGTERM')
          await load.goesOn()
          voter.kind = kind
          if (directory === 'an empty') voter.empty()
          await voter.start()
          await load.check()
        }
        await voters.agree()
      }
      expect([held.signal.aborted, isNext]).toEqual([false, false])
      await held.release()
      await using next = await waiting
      expect(next.signal.aborted).toBe(false)
      await load.stop()
      await voters.areEqual()
    })
  })
}
