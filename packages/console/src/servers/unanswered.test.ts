/** What the page says where servers do not answer. */
import { WordRefused } from '@lightkeeper/tools'
import { expect, test } from 'vitest'
import { Unanswered } from './unanswered.ts'

test('servers with the same setting are one sentence', () => {
  const unanswered = new Unanswered()
  for (const server of ['zk1:2181', 'zk2:2181']) {
    for (const word of ['mntr', 'cons'])
      unanswered.add(server, word, new WordRefused(`${server} does not answer ${word}`))
  }
  unanswered.add('zk3:2181', 'mntr', new WordRefused('zk3:2181 does not answer mntr'))
  expect(unanswered.sentences()).toEqual([
    'zk1:2181, zk2:2181 do not answer the words cons, mntr; allow them in their setting 4lw.commands.whitelist to see more here',
    'zk3:2181 does not answer the word mntr; allow it in its setting 4lw.commands.whitelist to see more here',
  ])
})

test('a server that is away is said once, and one without a leader has another reason than its setting', () => {
  const unanswered = new Unanswered()
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1')
  for (const word of ['srvr', 'mntr']) {
    const away = new Error(`zk1:1 does not answer ${word}: ${refused.message}`, { cause: refused })
    expect(unanswered.add('zk1:1', word, away)).toBe('away')
  }
  const idle = 'zk2:2181 does not answer mntr: This ZooKeeper instance is not currently serving requests'
  expect(unanswered.add('zk2:2181', 'mntr', new WordRefused(idle))).toBe('idle')
  expect(unanswered.sentences()).toEqual([
    'zk1:1 does not answer: connect ECONNREFUSED 127.0.0.1:1',
    'zk2:2181 serves no clients at the moment: it looks for a leader, or is starting',
  ])
})
