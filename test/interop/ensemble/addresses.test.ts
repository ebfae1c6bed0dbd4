/**
 * Members with two addresses each, of ours and of Apache together, where nobody answers at the first one. Apache reads the switch from its
 * file where it dials, and from the property of the JVM alone where it reads the lines (QuorumPeer.java).
 */
import { ask } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { eachKindLeads } from './kinds.ts'
import { connectTo, missingVersion, textAt } from './trio.ts'
import type { Voters } from './voters.ts'

describe.skipIf(missingVersion('3.9') !== undefined)('members with several addresses', () => {
  test('one of Apache and two of ours have a leader of either kind where one address of each is dead', async () => {
    const options = {
      settingsOf: () => ({ 'multiAddress.enabled': 'true' }),
      jvm: ['-Dzookeeper.multiAddress.enabled=true'],
      // The first one is for documentation: no machine has it.
      hosts: ['192.0.2.1', '127.0.0.1'],
    }
    await eachKindLeads(options, async () => {}, showTheSame)
  })
})

/** What they show of the members. */
async function showTheSame({ all }: Voters): Promise<void> {
  const lines: string[] = []
  const conf: string[] = []
  for (const { port } of all) {
    await using zk = await connectTo(port)
    lines.push(await textAt(zk, '/zookeeper/config'))
    conf.push(/^membership: [^]*/m.exec(await ask(port, 'conf'))?.[0] ?? '')
  }
  expect(lines[0]).toMatch(/^server\.1=127\.0\.0\.1:\d+:\d+\|192\.0\.2\.1:\d+:\d+:participant$/m)
  expect(new Set(lines).size).toBe(1)
  expect(new Set(conf).size).toBe(1)
}
