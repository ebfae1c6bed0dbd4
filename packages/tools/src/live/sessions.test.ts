/** Answers of real servers, ours and Apache's 3.9, word by word. */
import { expect, test } from 'vitest'
import { AdminPages } from './admin-pages.ts'
import { WordRefused } from './four-letter.ts'
import { sessionsByPages, sessionsByWords } from './read-sessions.ts'
import { sessionsOf } from './session.ts'
import { addressOf, readCons, readDump, readWchc } from './session-words.ts'

const cons = ` /127.0.0.1:50606[0](queued=0,recved=1,sent=0)
 /127.0.0.1:50598[1](queued=2,recved=31,sent=33,sid=0x10000a3c5b00001,lop=SETD,est=1764350000123,to=30000,lcxid=0x1d,lzxid=0x1f,lresp=9123,llat=1,minlat=0,avglat=2,maxlat=12)
 /0:0:0:0:0:0:0:1:50600[1](queued=0,recved=1,sent=1,sid=0xff00000000000002,lop=SESS,est=1764350000200,to=10000,lzxid=0xffffffffffffffff,lresp=9200,llat=0,minlat=0,avglat=0,maxlat=0)
`
const dump = `SessionTracker dump:
Session Sets (3)/(2):
0 expire at Sat Nov 28 16:53:04 UTC 2026:
1 expire at Sat Nov 28 16:53:05 UTC 2026:
\t0x10000a3c5b00001
1 expire at Sat Nov 28 16:53:15 UTC 2026:
\t0x10000a3c5b00003
ephemeral nodes dump:
Sessions with Ephemerals (2):
0x10000a3c5b00001:
\t/locks/b
\t/locks/a
0x10000a3c5b00003:
\t/gone
Connections dump:
Connections Sets (1)/(2):
2 expire at Sat Nov 28 16:53:15 UTC 2026:
\tip: /127.0.0.1:50598 sessionId: 0x10000a3c5b00001
\tip: /127.0.0.1:50606 sessionId: 0x0
`
const wchc = `0x10000a3c5b00001
\t/config
\t/app/0x12
`
const one = 0x10000a3c5b00001n
const other = 0x10000a3c5b00003n
const negative = BigInt.asIntN(64, 0xff00000000000002n)

test('cons, dump and wchc complete each other', () => {
  const sessions = sessionsOf([readDump(dump), readCons(cons), readWchc(wchc)])
  expect(sessions).toEqual([
    {
      id: one,
      address: '127.0.0.1:50598',
      timeoutMs: 30_000,
      ephemerals: ['/locks/a', '/locks/b'],
      watches: ['/app/0x12', '/config'],
      connection: {
        established: 1764350000123,
        lastOperation: 'SETD',
        queued: 2,
        received: 31,
        sent: 33,
        averageLatency: 2,
        maxLatency: 12,
      },
    },
    // It is not connected: its client went away, or is connected to another server.
    { id: other, address: undefined, timeoutMs: undefined, ephemerals: ['/gone'], watches: [], connection: undefined },
    expect.objectContaining({ id: negative, address: '[0:0:0:0:0:0:0:1]:50600', timeoutMs: 10_000, ephemerals: [] }),
  ])
})

test('what no server says is undefined, and not empty', () => {
  expect(sessionsOf([readCons(cons)])[0]).toMatchObject({ ephemerals: undefined, watches: undefined })
  const [session] = sessionsOf([readDump(dump)])
  expect(session).toMatchObject({ address: '127.0.0.1:50598', timeoutMs: undefined, connection: undefined })
  expect(sessionsOf([])).toEqual([])
})

test('the answers of several servers are one: a session is connected to one of them', () => {
  const here = readCons(cons)
  const there = readCons(
    ' /10.0.0.2:1[1](queued=0,recved=1,sent=1,sid=0x10000a3c5b00003,lop=PING,est=1,to=4000,llat=0,avglat=0,maxlat=0)\n',
  )
  expect(sessionsOf([here, there, readDump(dump), readDump(dump)]).map(({ id, address }) => [id, address])).toEqual([
    [one, '127.0.0.1:50598'],
    [other, '10.0.0.2:1'],
    [negative, '[0:0:0:0:0:0:0:1]:50600'],
  ])
})

test('a follower lists its sessions with their timeouts', () => {
  const text = 'SessionTracker dump:\nGlobal Sessions(1):\n0x10000a3c5b00001\t30000ms\nephemeral nodes dump:\n'
  expect(readDump(text).ids).toEqual([one])
})

test('an answer that was cut off says so', () => {
  expect(readCons(`${cons}... cut off, there is more\n`).isCut).toBe(true)
  expect(readDump(dump).isCut).toBe(false)
})

test.each([
  ['127.0.0.1:80', '127.0.0.1:80'],
  ['0:0:0:0:0:0:0:1:80', '[0:0:0:0:0:0:0:1]:80'],
  ['[::1]:80', '[::1]:80'],
  ['nowhere', 'nowhere'],
])('the address %s is %s', (text, address) => expect(addressOf(text)).toBe(address))

test('a word that is not answered is a refusal, and the rest is used', async () => {
  const { reports, refusals } = await sessionsByWords(async (word) => {
    if (word === 'wchc') throw new WordRefused('h:2181 does not answer wchc')
    return word === 'cons' ? cons : dump
  })
  expect(sessionsOf(reports)[0]).toMatchObject({ id: one, watches: undefined, ephemerals: ['/locks/a', '/locks/b'] })
  expect(refusals).toEqual(['h:2181 does not answer wchc'])
  await expect(sessionsByWords(() => Promise.reject(new Error('no route')))).rejects.toThrow('no route')
})

const pages: Readonly<Record<string, string>> = {
  connections: `{ "connections" : [ {
    "remote_socket_address" : "127.0.0.1:50598", "interest_ops" : 1, "outstanding_requests" : 2, "packets_received" : 31,
    "packets_sent" : 33, "session_id" : 72058297434243073, "last_operation" : "SETD", "established" : 1764350000123,
    "session_timeout" : 30000, "last_cxid" : 29, "last_zxid" : 31, "last_response_time" : 9123, "last_latency" : 1,
    "min_latency" : 0, "avg_latency" : 2, "max_latency" : 12 } ],
  "secure_connections" : [ ], "command" : "connections", "error" : null }`,
  dump: `{ "expiry_time_to_session_ids" : { "0" : [ ], "9223372036854775807" : [ 72058297434243073, 72058297434243075 ] },
  "session_id_to_ephemeral_paths" : { "72058297434243073" : [ "/locks/a", "/locks/[ 72058297434243073, ]" ] },
  "command" : "dump", "error" : null }`,
  watches: `{ "session_id_to_watched_paths" : { "72058297434243073" : [ "/config" ] }, "command" : "watches", "error" : null }`,
}

test('admin pages say the same, with ids as exact as they are', async () => {
  expect(0x10000a3c5b00001n).toBe(72058297434243073n)
  const get = async (target: string) => ({
    status: 200,
    body: new TextEncoder().encode(pages[target.replace('/commands/', '')]),
  })
  const { reports, refusals } = await sessionsByPages(new AdminPages(get))
  expect(refusals).toEqual([])
  expect(sessionsOf(reports)).toMatchObject([
    {
      id: one,
      address: '127.0.0.1:50598',
      timeoutMs: 30_000,
      ephemerals: ['/locks/[ 72058297434243073, ]', '/locks/a'],
      watches: ['/config'],
      connection: { lastOperation: 'SETD', queued: 2, averageLatency: 2 },
    },
    { id: other, address: undefined, ephemerals: [], watches: [] },
  ])
})
