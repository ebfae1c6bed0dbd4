/** Answers of Apache ZooKeeper 3.9 and of our server, word by word. */
import { expect, test } from 'vitest'
import { connectionsIn, ephemeralsIn, figuresIn, refusalIn, serverLinesIn, watchesIn } from './words.ts'

test('srvr', () => {
  const text = `Zookeeper version: 3.9.4-7246445ec281f3dbf53dc54e970c914f39713903, built on 2025-08-19 19:53 UTC
Latency min/avg/max: 0/0.5/11
Received: 17
Sent: 16
Connections: 1
Outstanding: 0
Zxid: 0x100000002
Mode: follower
Node count: 5
`
  expect(serverLinesIn(text)).toEqual({
    version: '3.9.4',
    zxid: '0x100000002',
    mode: 'follower',
    connections: 1,
    outstanding: 0,
    latency: '0/0.5/11',
  })
  expect(serverLinesIn('')).toEqual({})
})

test('mntr', () => {
  expect(figuresIn('zk_version\t3.9.4\nzk_znode_count\t5\nnonsense\n')).toEqual({ version: '3.9.4', znode_count: '5' })
})

test('cons: connections without a session are left out', () => {
  const text = ` /127.0.0.1:50606[0](queued=0,recved=1,sent=0)
 /[0:0:0:0:0:0:0:1]:50604[1](queued=2,recved=12,sent=13,sid=0x100003D5E5B0000,lop=PING,est=1764345678901,to=30000,lcxid=0x8,lzxid=0x2,lresp=123,llat=0,minlat=0,avglat=0,maxlat=9)
`
  expect(connectionsIn(text)).toEqual([
    {
      address: '[0:0:0:0:0:0:0:1]:50604',
      session: '0x100003d5e5b0000',
      queued: 2,
      received: 12,
      sent: 13,
      lastOperation: 'PING',
      established: 1764345678901,
      timeout: 30000,
      latency: '0/0/9',
    },
  ])
})

test('dump: the ephemerals of each session, also of one without any', () => {
  const text = `SessionTracker dump:
Session Sets (1)/(2):
2 expire at Sat Nov 28 16:53:05 UTC 2026:
\t0x1
\t0x2
ephemeral nodes dump:
Sessions with Ephemerals (1):
0x2:
\t/locks/a
\t/locks/b
Connections dump:
Connections Sets (1)/(1):
1 expire at Sat Nov 28 16:53:05 UTC 2026:
\tip: /127.0.0.1:1 sessionId: 0x2
`
  expect([...ephemeralsIn(text)]).toEqual([
    ['0x1', []],
    ['0x2', ['/locks/a', '/locks/b']],
  ])
})

test('wchc', () => {
  expect([...watchesIn('0x2\n\t/a\n\t/b\n0x3\n\t/a\n\n')]).toEqual([
    ['0x2', ['/a', '/b']],
    ['0x3', ['/a']],
  ])
})

test('a word that is not allowed is named with the setting that allows it', () => {
  expect(refusalIn('cons', 'cons is not executed because it is not in the whitelist.')).toContain(
    '4lw.commands.whitelist',
  )
  expect(refusalIn('cons', ' /127.0.0.1:1[0](queued=0)')).toBeUndefined()
})
