/** The programs may be asked to stop at any moment, also while no server answers. */
import { proxy } from 'lightkeeper/testing'
import { expect, test } from 'vitest'
import { freePort } from '../../test/support/our-process.ts'
import { example, Program } from '../../test/support/program.ts'
import { until } from '../../test/support/wait.ts'

test.each(['loop-watch/main', 'master-election/candidate', 'service-discovery/consumer', 'service-discovery/provider'])(
  '%s that is stopped before it is connected ends in order',
  async (name) => {
    await using silent = await proxy(await freePort())
    silent.hang()
    await using program = new Program(example(name), '--connect', silent.connectString)
    await until(() => silent.accepted > 0)
    expect(await program.stop()).toBe(0)
  },
)
