/** A replica lives for one term: another may be built around another tree, and nothing of the one before reaches it. */
import {
  opCode,
  openAcl,
  type Reader,
  readConnectResponse,
  writeCreateRequest,
  writePathRequest,
  writePathWatchRequest,
} from '@lightkeeper/protocol'
import { type Link, type LinkEvents, type Network, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { connectFrame, Frames } from '../../../test/support/frames.mjs'
import { Access } from './auth/access.ts'
import { Authentication } from './auth/authentication.ts'
import { authProviders } from './auth/providers.ts'
import { resolveConfig } from './config/config.ts'
import { StandaloneReplica } from './replica.ts'
import { HandClient, HandClock } from './server.harness.ts'
import { SessionIds } from './session/session-ids.ts'
import { SessionKeys, secretBytes } from './session/session-keys.ts'
import { ServerStats } from './stats.ts'
import { memoryLog, type TxnLog } from './storage/txn-log.ts'
import { ClientListener } from './transport/client-listener.ts'
import { DataTree } from './tree/data-tree.ts'
import { Turn } from './turn.ts'

interface Term {
  readonly replica: StandaloneReplica
  readonly tree: DataTree
}

let clock: HandClock
let listener: ClientListener
let dial: () => HandClient
/** A term around a tree of its own, or around the tree of an earlier term. */
let begin: (options?: { readonly log?: TxnLog; readonly after?: Term }) => Term
const failures: Error[] = []

beforeEach(async () => {
  clock = new HandClock()
  failures.length = 0
  let accept: ((link: Link) => LinkEvents) | undefined
  const network = {
    async listen(address: string, acceptLink: (link: Link) => LinkEvents) {
      accept = acceptLink
      return { address, close: async () => {} }
    },
  } as unknown as Network
  const runtime = nodeRuntime({ clock, network, log: silentLog })
  const config = resolveConfig({ tickTime: 1000, fourLetterWordWhitelist: '*' }, clock.wall())
  const keys = new SessionKeys(new Uint8Array(secretBytes))
  const stats = new ServerStats()
  const ids = new SessionIds(keys, 1, clock.wall())
  const providers = authProviders(config)
  const access = new Access(providers, false)
  const authentication = new Authentication(providers, config, runtime, stats)
  const turn = new Turn(clock)
  listener = new ClientListener(config, runtime, stats, { storage: undefined }, turn)
  await listener.listen()
  let port = 50_000
  dial = () => {
    const client = new HandClient(clock, `10.0.0.1:${++port}`)
    client.accepted((accept as (link: Link) => LinkEvents)(client))
    return client
  }
  begin = ({ log = memoryLog(), after } = {}) => {
    const tree = after?.tree ?? new DataTree()
    const lastZxid = after?.replica.lastZxid ?? 0n
    const hooks = { applied() {}, isBehind: () => false, failed: (error: Error) => void failures.push(error) }
    const replica = new StandaloneReplica(
      { config, runtime, turn, access, authentication, stats, keys, ids, audit: undefined },
      { tree, lastZxid, log },
      hooks,
    )
    replica.start()
    listener.serve(replica)
    return { replica, tree }
  }
})

const end = ({ replica }: Term): void => {
  replica.stop()
  listener.serve(undefined)
}

test('a second term serves its own tree, and the connections of the first are closed', () => {
  const first = begin()
  const early = dial()
  early.connect()
  expect(early.create('/first').err).toBe(0)
  expect(early.get('/first', true).err).toBe(0)
  end(first)
  expect(early.isDestroyed).toBe(true)

  const second = begin()
  const late = dial()
  late.connect()
  expect(late.get('/first').err).toBe(-101)
  expect(late.create('/second').err).toBe(0)
  expect([first.tree.get('/second'), second.tree.get('/first')]).toEqual([undefined, undefined])
  expect([first.replica.lastZxid, second.replica.lastZxid]).toEqual([2n, 2n])
  // The watch was of a connection, and went with it.
  expect(second.replica.watches.data.size).toBe(0)
})

test('a flush that ends after its term applies nothing and answers no request', () => {
  let done: (error?: Error) => void = () => {}
  let durableZxid = 0n
  const slow: TxnLog = {
    ...memoryLog(),
    get durableZxid() {
      return durableZxid
    },
    beginRecord(zxid) {
      durableZxid = zxid
      return undefined
    },
    flush: (then) => {
      done = then
    },
  }
  const first = begin({ log: slow })
  const client = dial()
  client.frame((writer) => {
    writer.int(0)
    writer.long(0n)
    writer.int(10_000)
    writer.long(0n)
    writer.buffer(new Uint8Array(16))
  })
  end(first)
  begin()
  done()
  clock.endTurn()
  expect([first.replica.lastZxid, first.tree.sessions.size, client.waiting]).toEqual([0n, 0, 0])
  done(new Error('the disk is gone'))
  expect([first.replica.logFailure, failures]).toEqual([undefined, []])
})

test('sessions of the tree live on in the next term, for their full timeout', () => {
  const first = begin()
  const before = dial()
  const { sessionId, passwd } = before.connect({ timeOut: 4000 })
  expect(before.create('/lease', 1).err).toBe(0)
  end(first)
  // No clock of the first term runs on.
  clock.advance(60_000)
  expect(first.tree.sessions.size).toBe(1)

  const second = begin({ after: first })
  clock.advance(3000)
  const client = dial()
  expect(client.connect({ timeOut: 4000, sessionId, ...(passwd === null ? {} : { passwd }) }).sessionId).toBe(sessionId)
  expect(client.get('/lease').err).toBe(0)
  client.closed()
  clock.advance(3000)
  expect(second.tree.get('/lease')).toBeDefined()
  clock.advance(3000)
  expect([second.tree.get('/lease'), second.tree.sessions.size]).toEqual([undefined, 0])
  expect(failures).toEqual([])
})

test('nothing is left of a session that was closed', () => {
  const { replica, tree } = begin()
  const [client, silent] = [dial(), dial()]
  const closed = client.connect().sessionId
  const expired = silent.connect({ timeOut: 2000 }).sessionId
  expect([replica.sessions.get(closed)?.id, replica.sessions.get(expired)?.id]).toEqual([closed, expired])
  client.send(opCode.closeSession)
  clock.advance(10_000)
  expect([replica.sessions.get(closed), replica.sessions.get(expired), tree.sessions.size]).toEqual([
    undefined,
    undefined,
    0,
  ])
})

test('no client is let in while there is no term, and a word says so', () => {
  end(begin())
  const client = dial()
  expect(client.isDestroyed).toBe(true)
  const word = (text: string): string | Promise<string> => listener.words.answer(new TextEncoder().encode(text))
  expect(word('srvr')).toBe('This ZooKeeper instance is not currently serving requests\n')
  begin()
  expect(word('srvr')).toContain('Mode: standalone')
  const reader = dial()
  reader.connect()
  expect(reader.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/', watch: false })).err).toBe(0)
})

describe('after the log failed', () => {
  /** A term whose log fails at the next flush. */
  const failing = (): { term: Term; fail: () => void } => {
    let failure: Error | undefined
    const memory = memoryLog()
    const log: TxnLog = {
      ...memory,
      get durableZxid() {
        return memory.durableZxid
      },
      flush: (done) => (failure === undefined ? memory.flush(done) : done(failure)),
    }
    return { term: begin({ log }), fail: () => (failure = new Error('no space')) }
  }
  const sync = (client: HandClient): number =>
    client.call(opCode.sync, (writer) => writePathRequest(writer, { path: '/' })).err

  test('what waits for it gets no answer, and its connection is closed', () => {
    const { term, fail } = failing()
    const [waiting, behind, bystander] = [dial(), dial(), dial()]
    for (const client of [waiting, behind, bystander]) client.connect()
    fail()
    waiting.send(opCode.create, (writer) =>
      writeCreateRequest(writer, { path: '/a', data: null, acl: openAcl, flags: 0 }),
    )
    behind.send(opCode.sync, (writer) => writePathRequest(writer, { path: '/' }))
    clock.endTurn()
    expect([waiting, behind, bystander].map(({ isEnded }) => isEnded)).toEqual([true, true, false])
    expect([waiting.waiting, behind.waiting]).toEqual([0, 0])
    expect([term.replica.logFailure?.message, term.tree.get('/a'), failures]).toEqual(['no space', undefined, []])
  })

  test('reads are answered; writes and syncs are refused, in turn', () => {
    const { fail } = failing()
    const [client, victim] = [dial(), dial()]
    for (const each of [client, victim]) each.connect()
    client.create('/a', 0, 'text')
    fail()
    victim.send(opCode.delete, (writer) => {
      writer.ustring('/a')
      writer.int(-1)
    })
    clock.endTurn()
    expect([client.get('/a').err, client.set('/a', 'new').err, sync(client), client.get('/a').err]).toEqual([
      0, -119, -119, 0,
    ])
    client.send(opCode.closeSession)
    clock.endTurn()
    expect(client.isEnded).toBe(true)
  })

  test('a session comes back, a new one is there for a client that only reads, and none expires', () => {
    const { term, fail } = failing()
    const [client, victim] = [dial(), dial()]
    const { sessionId, passwd } = client.connect({ timeOut: 4000 })
    victim.connect()
    fail()
    victim.send(opCode.create, (writer) =>
      writeCreateRequest(writer, { path: '/a', data: null, acl: openAcl, flags: 0 }),
    )
    clock.endTurn()
    client.closed()
    clock.advance(60_000)
    const again = dial()
    expect(again.connect({ sessionId, ...(passwd === null ? {} : { passwd }) }).sessionId).toBe(sessionId)
    const writer = dial()
    expect(() => writer.connect()).toThrow('the server sent none')
    expect(writer.isEnded).toBe(true)
    const reader = dial()
    reader.raw(connectFrame({ readOnly: true }))
    const frames = new Frames()
    for (const chunk of reader.bytes) frames.push(chunk)
    const response = readConnectResponse(frames.next() as Reader)
    expect([response.sessionId === 0n, response.readOnly]).toEqual([false, true])
    // It is known to this server alone.
    expect(term.tree.sessions.has(response.sessionId)).toBe(false)
  })
})
