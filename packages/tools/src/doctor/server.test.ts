/** What a server says about itself, as findings: each from the answers in the form in which servers print them. */
import { describe, expect, test } from 'vitest'
import { findingsInEnsemble } from './ensemble.ts'
import { findingsInServer } from './server.ts'
import { type Answers, type AskedWord, factsOf } from './server-facts.ts'

const address = '10.0.0.1:2181'

const healthy: Readonly<Record<AskedWord, string>> = {
  ruok: 'imok',
  isro: 'rw',
  srvr: [
    'Zookeeper version: 3.9.5-a1b2, built on 2026-01-01 10:00 UTC',
    'Latency min/avg/max: 0/0.5/12',
    'Zxid: 0x500000064',
    'Mode: standalone',
    'Node count: 6',
    '',
  ].join('\n'),
  mntr: mntr({ avg_fsynctime: 1.5, max_fsynctime: 9, cnt_fsynctime: 5000, uptime: 3_600_000, watch_count: 4 }),
  conf: 'clientPort=2181\nmaxClientCnxns=60\ntickTime=2000\n',
  cons: ' /10.0.0.9:5012[1](queued=0,recved=1,sent=0,sid=0x1000a,lop=PING,est=1700000000000,to=30000)\n\n',
  wchc: '0x1000a\n\t/app/config\n\n',
  hash: '80: 1234\n100: -99\n',
}

function mntr(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('')
}

function facts(words: Partial<Record<AskedWord, string>> = {}, more: Partial<Answers> = {}) {
  const all = new Map(Object.entries({ ...healthy, ...words }) as [AskedWord, string][])
  return factsOf({ address, words: all, ...more })
}

const namesIn = (found: Iterable<{ readonly name: string }>): string[] => [...found].map(({ name }) => name)

test('a healthy server has no findings, and its answers are read', () => {
  const read = facts()
  expect([...findingsInServer(read, () => true)]).toEqual([])
  expect(read).toMatchObject({ version: '3.9.5', mode: 'standalone', lastZxid: 0x500000064n, missing: [] })
  expect([...read.digests]).toEqual([
    [0x80n, '1234'],
    [0x100n, '-99'],
  ])
})

describe('one thing is wrong', () => {
  test.each<[string, Partial<Record<AskedWord, string>>, Partial<Answers>]>([
    ['log-failed', { ruok: 'the log failed; restart this server\n' }, {}],
    ['not-serving', { srvr: 'Zookeeper version: 3.9.5-a\nMode: read-only\n' }, {}],
    ['known-bug', { srvr: 'Zookeeper version: 3.9.3-a\nMode: standalone\n' }, {}],
    ['slow-disk', { mntr: mntr({ avg_fsynctime: 25, max_fsynctime: 90, cnt_fsynctime: 10 }) }, {}],
    ['slow-disk', { mntr: mntr({ avg_fsynctime: 1, max_fsynctime: 1500, cnt_fsynctime: 10 }) }, {}],
    ['slow-disk', { mntr: mntr({ fsync_threshold_exceed_count: 2 }) }, {}],
    ['slow-requests', { mntr: mntr({ avg_latency: 150.5 }) }, {}],
    ['requests-wait', { mntr: mntr({ outstanding_requests: 900 }) }, {}],
    [
      'descriptors-nearly-used',
      { mntr: mntr({ open_file_descriptor_count: 900, max_file_descriptor_count: 1024 }) },
      {},
    ],
    ['connections-near-limit', { conf: 'maxClientCnxns=1\n' }, {}],
    ['many-watches', { mntr: mntr({ watch_count: 2_000_000 }) }, {}],
    [
      'watches-of-missing',
      { wchc: `0x1000a\n${Array.from({ length: 150 }, (_, i) => `\t/gone/${i}\n`).join('')}\n` },
      {},
    ],
    ['sessions-expire', { mntr: mntr({ uptime: 3_600_000, stale_sessions_expired: 60, global_sessions: 30 }) }, {}],
    [
      'clients-reconnect',
      { mntr: mntr({ uptime: 3_600_000, connection_revalidate_count: 90, global_sessions: 30 }) },
      {},
    ],
    ['clock-differs', {}, { own: { session: 0x1000an, connectedAt: 1_700_000_010_000 } }],
  ])('%s', (name, words, more) => {
    const exists = (path: string): boolean => !path.startsWith('/gone/')
    const found = [...findingsInServer(facts(words, more), exists)]
    expect(namesIn(found)).toEqual([name])
    expect(found[0]?.where).toBe(address)
    expect(found[0]?.evidence.join()).not.toBe('')
  })
})

test('below the bounds nothing is said', () => {
  const words = {
    mntr: mntr({
      avg_fsynctime: 400,
      cnt_fsynctime: 3,
      avg_latency: 99,
      outstanding_requests: 100,
      open_file_descriptor_count: 100,
      max_file_descriptor_count: 1024,
      uptime: 86_400_000,
      stale_sessions_expired: 100,
      global_sessions: 30,
    }),
    wchc: `0x1000a\n${Array.from({ length: 99 }, (_, i) => `\t/gone/${i}\n`).join('')}\n`,
  }
  expect([...findingsInServer(facts(words), () => false)]).toEqual([])
})

test('a server that cannot be reached, or serves nobody, is named and nothing else is', () => {
  const none = new Map<AskedWord, string>()
  const gone = [...findingsInServer(factsOf({ address, words: none, failure: 'ECONNREFUSED' }))]
  expect(gone).toMatchObject([{ name: 'unreachable', severity: 'critical', evidence: ['ECONNREFUSED'] }])
  expect(namesIn(findingsInServer(factsOf({ address, words: none, isNotServing: true })))).toEqual(['not-serving'])
})

test('what neither words nor pages say is said, and pages stand in for words', () => {
  const onlySrvr = new Map<AskedWord, string>([['srvr', healthy.srvr]])
  const [finding] = [...findingsInServer(factsOf({ address, words: onlySrvr }))]
  expect(finding).toMatchObject({ name: 'words-refused', severity: 'note' })
  expect(finding?.evidence[0]).toMatch(/^no answer to ruok, isro, mntr, conf, cons, wchc, hash,/)
  const pages = { monitor: new Map([['avg_latency', 300]]), configuration: new Map([['maxClientCnxns', '60']]) }
  const found = [...findingsInServer(factsOf({ address, words: onlySrvr, ...pages }))]
  expect(namesIn(found)).toEqual(['slow-requests', 'words-refused'])
  expect(found[1]?.evidence[0]).toMatch(/^no answer to ruok, isro, cons, wchc, hash,/)
})

describe('several servers', () => {
  const member = (id: number, mode: string, more: Partial<Record<AskedWord, string>> = {}, zxid = '0x500000064') =>
    factsOf({
      address: `10.0.0.${id}:2181`,
      words: new Map(
        Object.entries({
          ...healthy,
          srvr: `Zookeeper version: 3.9.5-a\nZxid: ${zxid}\nMode: ${mode}\n`,
          ...more,
        }) as [AskedWord, string][],
      ),
    })
  const gone = (id: number) => factsOf({ address: `10.0.0.${id}:2181`, words: new Map(), failure: 'ECONNREFUSED' })
  const leader = (synced: number, size: number) =>
    member(1, 'leader', { mntr: mntr({ synced_followers: synced, quorum_size: size }) })

  test.each([
    ['a healthy ensemble', [leader(2, 3), member(2, 'follower'), member(3, 'follower')], []],
    ['one that is gone', [leader(1, 3), member(2, 'follower'), gone(3)], ['no-spare-member']],
    ['two members alone', [leader(1, 2), member(2, 'follower')], ['no-spare-member']],
    ['servers that stand alone', [member(1, 'standalone'), member(2, 'standalone')], ['separate-servers']],
    ['two leaders', [leader(1, 3), member(2, 'leader')], ['several-leaders', 'no-spare-member']],
    [
      'no majority',
      [gone(1), gone(2), factsOf({ address: 'c:1', words: new Map(), isNotServing: true })],
      ['no-leader'],
    ],
    ['a follower that was asked alone', [member(2, 'follower')], []],
    [
      'one that lags',
      [leader(2, 3), member(2, 'follower', {}, '0x500000001'), member(3, 'follower', {}, '0x500100000')],
      ['member-behind', 'member-behind'],
    ],
    [
      'two versions',
      [leader(2, 3), member(2, 'follower', { srvr: 'Zookeeper version: 3.8.4-x\nMode: follower\n' })],
      ['versions-differ'],
    ],
    ['two tick times', [leader(2, 3), member(2, 'follower', { conf: 'tickTime=3000\n' })], ['settings-differ']],
    [
      'two clocks',
      [leader(2, 3), { ...member(2, 'follower'), clockAheadMs: -900 }, { ...member(3, 'follower'), clockAheadMs: 200 }],
      ['clock-differs'],
    ],
    [
      'clocks a little apart',
      [leader(2, 3), { ...member(2, 'follower'), clockAheadMs: -400 }, { ...member(3, 'follower'), clockAheadMs: 200 }],
      [],
    ],
    ['two trees', [leader(2, 3), member(2, 'follower', { hash: '80: 1234\n100: 7\n' })], ['members-differ']],
  ])('%s', (_name, members, names) => {
    expect(namesIn(findingsInEnsemble(members))).toEqual(names)
  })
})
