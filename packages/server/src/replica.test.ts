/** A replica lives for one term: another may be built around another tree, and nothing of the one before reaches it. */
import { opCode, writePathWatchRequest } from '@lightkeeper/protocol'
import { type Link, type LinkEvents, type Network, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, expect, test } from 'vitest'
import { Access } from './auth/access.ts'
import { authProviders } from './auth/providers.ts'
import { resolveConfig } from './config/config.ts'
import { Replica } from './replica.ts'
import { HandClient, HandClock } from './server.harness.ts'
import { SessionIds } from './session/session-ids.ts'
import { SessionKeys, secretBytes } from './session/session-keys.ts'
import { ServerStats } from './stats.ts'
import { memoryLog, type TxnLog } from './storage/txn-log.ts'
import { ClientListener } from './transport/client-listener.ts'
import { DataTree } from './tree/data-tree.ts'

interface Term {
  readonly replica: Replica
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
  const access = new Access(authProviders(config), false)
  listener = new ClientListener(config, runtime, stats, { storage: undefined })
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
    const replica = new Replica({ config, runtime, access, stats, keys, ids }, { tree, lastZxid, log }, hooks)
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

test('a flush that ends after its term applies nothing and answers nobody', () => {
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
