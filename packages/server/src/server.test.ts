import {
  keeperCodes,
  opCode,
  writeConnectRequest,
  writeDeleteRequest,
  writePathRequest,
  writePathWatchRequest,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import { describe, expect, test, vi } from 'vitest'
import { createBody } from '../../../test/support/requests.ts'
import { parseZooCfg } from './config/zoo-cfg.ts'
import { handServer } from './server.harness.ts'

const word = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('handshake', () => {
  test('grants a session with the timeout clamped to the configured range', async () => {
    const { dial } = await handServer({ minSessionTimeout: 2000, maxSessionTimeout: 20_000 })
    expect(dial().connect({ timeOut: 1 }).timeOut).toBe(2000)
    expect(dial().connect({ timeOut: 1_000_000 }).timeOut).toBe(20_000)
    expect(dial().connect({ timeOut: 7777 })).toMatchObject({ timeOut: 7777, readOnly: false })
  })

  test('hangs up without an answer on a client that has seen a later zxid', async () => {
    const { dial } = await handServer()
    const client = dial()
    expect(() => client.connect({ lastZxidSeen: 1n })).toThrow('the server sent none')
    expect(client.isEnded).toBe(true)
  })

  test('gives the same session to a second connection with the password and closes the first', async () => {
    const { dial } = await handServer()
    const first = dial()
    const { sessionId, passwd } = first.connect()
    first.create('/mine', 1)
    const second = dial()
    const again = second.connect({ sessionId, passwd: passwd as Uint8Array })
    expect(again.sessionId).toBe(sessionId)
    expect(first.isEnded).toBe(true)
    expect(second.get('/mine').err).toBe(0)
  })

  test('answers nothing on a new connection before the writes of the one before are applied', async () => {
    const { dial, clock } = await handServer()
    const first = dial()
    const { sessionId, passwd } = first.connect()
    first.create('/mine', 0, 'old')
    // On its way to the log when the session comes back over another connection.
    first.send(opCode.setData, (writer) =>
      writeSetDataRequest(writer, { path: '/mine', data: word('new'), version: -1 }),
    )
    const second = dial()
    const request = { protocolVersion: 0, lastZxidSeen: 0n, timeOut: 30_000, sessionId, passwd, readOnly: false }
    second.frame((writer) => writeConnectRequest(writer, request), false)
    second.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/mine', watch: false }))
    second.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/mine', watch: false }))
    clock.endTurn()
    expect(second.waiting).toBe(3)
    second.next()
    const { body } = second.next()
    expect(new TextDecoder().decode(body.buffer() ?? undefined)).toBe('new')
    expect(second.next().err).toBe(0)
    expect(second.set('/mine', 'newer').err).toBe(0)
  })

  test('refuses a wrong password and leaves the healthy connection alone', async () => {
    const { dial } = await handServer()
    const healthy = dial()
    const { sessionId } = healthy.connect()
    const forger = dial()
    expect(forger.connect({ sessionId })).toMatchObject({ timeOut: 0, sessionId: 0n })
    expect(forger.isEnded).toBe(true)
    expect(healthy.isEnded).toBe(false)
    expect(healthy.create('/still-here').err).toBe(0)
  })

  test('serves requests that were pipelined behind the connect request once the session exists', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    const chunks: Uint8Array[] = []
    const recorder = dial()
    recorder.raw = (bytes) => void chunks.push(bytes)
    try {
      recorder.connect()
    } catch {}
    recorder.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/', watch: false }))
    for (const chunk of chunks) client.raw(chunk, false)
    clock.endTurn()
    clock.endTurn()
    expect(client.waiting).toBe(2)
  })
})

describe('sessions', () => {
  test('expires a session that stays silent and removes its ephemerals with the zxid of the close', async () => {
    const { dial, clock, server } = await handServer()
    const owner = dial()
    owner.connect({ timeOut: 4000 })
    owner.create('/lease', 1)
    const observer = dial()
    observer.connect({ timeOut: 20_000 })
    observer.get('/lease', true)
    clock.advance(3900)
    expect(observer.get('/lease').err).toBe(0)
    clock.advance(2000)
    expect(observer.event()).toMatchObject({ type: 2, path: '/lease' })
    expect(owner.isEnded).toBe(true)
    const closed = server.close()
    clock.advance(10_000)
    await closed
  })

  test('ends a session when it is asked to, as if its timeout had passed, and once', async () => {
    const { dial, clock, server } = await handServer()
    const owner = dial()
    const { sessionId } = owner.connect({ timeOut: 4000 })
    owner.create('/lease', 1)
    const observer = dial()
    observer.connect({ timeOut: 20_000 })
    observer.get('/lease', true)
    expect(server.expireSession(sessionId)).toBe(true)
    expect(server.expireSession(sessionId)).toBe(false)
    for (let turn = 0; turn < 3; turn++) clock.endTurn()
    expect(observer.event()).toMatchObject({ type: 2, path: '/lease' })
    expect(owner.isEnded).toBe(true)
    expect(server.expireSession(77n)).toBe(false)
  })

  test('keeps a session alive by pings alone', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect({ timeOut: 4000 })
    for (let i = 0; i < 10; i++) {
      clock.advance(3000)
      expect(client.call(opCode.ping, undefined, -2)).toMatchObject({ xid: -2, err: 0 })
    }
    expect(client.isEnded).toBe(false)
  })

  test('keeps the session and its ephemerals when the connection breaks, until the timeout', async () => {
    const { dial, clock } = await handServer()
    const first = dial()
    const { sessionId, passwd } = first.connect({ timeOut: 4000 })
    first.create('/lease', 1)
    first.closed()
    clock.advance(3000)
    const second = dial()
    expect(second.connect({ sessionId, passwd: passwd as Uint8Array, timeOut: 4000 }).sessionId).toBe(sessionId)
    clock.advance(3000)
    expect(second.get('/lease').err).toBe(0)
  })

  test('answers closeSession, then closes, and ignores what was sent behind it', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    client.create('/lease', 1)
    client.send(opCode.closeSession)
    client.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/', watch: false }))
    clock.endTurn()
    expect(client.next().err).toBe(0)
    expect(client.waiting).toBe(0)
    expect(client.isEnded).toBe(true)
    const other = dial()
    other.connect()
    expect(other.get('/lease').err).toBe(keeperCodes.NO_NODE.number)
  })

  test('includes an ephemeral whose create is still on its way to the log when the session closes', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    client.create('/p')
    client.send(opCode.create, createBody('/p/e', 1))
    client.send(opCode.closeSession)
    const other = dial()
    clock.endTurn()
    other.connect()
    expect(other.get('/p/e').err).toBe(keeperCodes.NO_NODE.number)
    const removed = other.call(opCode.delete, (writer) => writeDeleteRequest(writer, { path: '/p', version: -1 }))
    expect(removed.err).toBe(0)
  })
})

describe('order', () => {
  test('answers reads behind a write of the same connection after it, and sees its effect', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    client.create('/a', 0, 'old')
    const xids = [
      client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/a', watch: false })),
      client.send(opCode.setData, (writer) => {
        writer.ustring('/a')
        writer.buffer(word('new'))
        writer.int(-1)
      }),
      client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/a', watch: false })),
      client.send(opCode.sync, (writer) => writePathRequest(writer, { path: '/a' })),
    ]
    clock.endTurn()
    const frames = xids.map(() => client.next())
    expect(frames.map(({ xid }) => xid)).toEqual(xids)
    expect(frames[0]?.body.buffer()).toEqual(word('old'))
    expect(frames[2]?.body.buffer()).toEqual(word('new'))
  })

  test('answers a sync behind the writes of others that were sent before it, among its own', async () => {
    const { dial, clock } = await handServer()
    const writer = dial()
    const reader = dial()
    writer.connect()
    reader.connect()
    writer.create('/a', 0, 'old')
    writer.send(opCode.setData, (own) => writeSetDataRequest(own, { path: '/a', data: word('new'), version: -1 }))
    const xids = [
      reader.send(opCode.setData, (own) => writeSetDataRequest(own, { path: '/a', data: word('newer'), version: 1 })),
      reader.send(opCode.sync, (own) => writePathRequest(own, { path: '/a' })),
      reader.send(opCode.getData, (own) => writePathWatchRequest(own, { path: '/a', watch: false })),
    ]
    expect(reader.waiting).toBe(0)
    clock.endTurn()
    const frames = xids.map(() => reader.next())
    expect(frames.map(({ xid, err }) => [xid, err])).toEqual(xids.map((xid) => [xid, 0]))
    expect(frames[2]?.body.buffer()).toEqual(word('newer'))
  })

  test('sends a writer the event of its own write before the reply', async () => {
    const { dial } = await handServer()
    const client = dial()
    client.connect()
    client.create('/a')
    client.get('/a', true)
    const first = client.set('/a', 'x')
    expect(first.xid).toBe(-1)
    const reply = client.next()
    expect(reply).toMatchObject({ err: 0 })
    expect(first.zxid).toBe(reply.zxid)
  })

  test('validates a write against earlier writes that are not applied yet', async () => {
    const { dial, clock } = await handServer()
    const one = dial()
    const two = dial()
    one.connect()
    two.connect()
    const create = (client: typeof one): number => client.send(opCode.create, createBody('/race'))
    create(one)
    create(two)
    clock.endTurn()
    expect(one.next().err).toBe(0)
    expect(two.next().err).toBe(keeperCodes.NODE_EXISTS.number)
  })
})

describe('limits', () => {
  test('closes a connection whose frame is larger than the limit, and stays up', async () => {
    const { dial } = await handServer({ juteMaxbuffer: 2048 })
    const client = dial()
    client.connect()
    client.raw(Uint8Array.from([0, 0, 8, 1]))
    expect(client.isDestroyed).toBe(true)
    expect(dial().connect().timeOut).toBeGreaterThan(0)
  })

  test('refuses connections of one address above maxClientCnxns and takes them again when some are gone', async () => {
    const { dial } = await handServer({ maxClientCnxns: 2 })
    const clients = [dial(), dial()]
    for (const client of clients) client.connect()
    expect(dial().isDestroyed).toBe(true)
    expect(dial('10.0.0.2').isDestroyed).toBe(false)
    clients[0]?.closed()
    expect(dial().isDestroyed).toBe(false)
  })

  test('stops reading a client that does not read its replies, and goes on when it does', async () => {
    const { dial } = await handServer({ slowReaderPauseBytes: 10_000 })
    const client = dial()
    client.connect()
    client.create('/big', 0, 'x'.repeat(5000))
    client.isStuck = true
    for (let i = 0; i < 4; i++) {
      client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/big', watch: false }))
      client.raw(new Uint8Array(0))
    }
    expect(client.isPaused).toBe(true)
    client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/big', watch: false }))
    const before = client.waiting
    client.drain()
    expect(client.isPaused).toBe(false)
    expect(client.waiting).toBeGreaterThan(before)
  })

  test('cuts off a client that never reads once its events and replies exceed the bound', async () => {
    const { dial } = await handServer({ slowReaderPauseBytes: 1000, slowReaderCutBytes: 20_000 })
    const client = dial()
    client.connect()
    client.isStuck = true
    const writer = dial()
    writer.connect()
    writer.create(`/${'n'.repeat(500)}`)
    client.send(opCode.addWatch, (body) => {
      body.ustring(`/${'n'.repeat(500)}`)
      body.int(0)
    })
    client.raw(new Uint8Array(0))
    for (let i = 0; i < 60 && !client.isDestroyed; i++) writer.set(`/${'n'.repeat(500)}`, `${i}`)
    expect(client.isDestroyed).toBe(true)
    expect(writer.get('/').err).toBe(0)
  })

  test('reads at most the allowed number of unanswered requests of one connection', async () => {
    const { dial, clock } = await handServer({ connectionOutstandingLimit: 5 })
    const client = dial()
    client.connect()
    for (let i = 0; i < 20; i++) {
      client.send(opCode.setData, (writer) => {
        writer.ustring('/missing')
        writer.buffer(null)
        writer.int(-1)
      })
    }
    expect(client.isPaused).toBe(true)
    for (let i = 0; i < 20; i++) clock.endTurn()
    expect(client.waiting).toBe(20)
    expect(client.isPaused).toBe(false)
  })

  test('closes a connection that never says who it is', async () => {
    const { dial, clock } = await handServer({ sessionlessCnxnTimeout: 5000 })
    const client = dial()
    clock.advance(4000)
    expect(client.isDestroyed).toBe(false)
    clock.advance(3000)
    expect(client.isDestroyed).toBe(true)
  })
})

describe('containers and TTL znodes', () => {
  test('reaps a container that had children, and not one that never had any', async () => {
    const { dial, clock } = await handServer({ znodeContainerCheckIntervalMs: 10_000, maxSessionTimeout: 100_000 })
    const client = dial()
    client.connect({ timeOut: 100_000 })
    const container = (path: string): number => client.call(opCode.createContainer, createBody(path, 4)).err
    expect(container('/used')).toBe(0)
    expect(container('/unused')).toBe(0)
    client.create('/used/child')
    clock.advance(10_500)
    expect(client.get('/used').err).toBe(0)
    client.call(opCode.delete, (writer) => writeDeleteRequest(writer, { path: '/used/child', version: -1 }))
    clock.advance(10_500)
    expect(client.get('/used').err).toBe(keeperCodes.NO_NODE.number)
    expect(client.get('/unused').err).toBe(0)
  })
})

describe('four-letter words', () => {
  test('answers those on the list and names those that are not', async () => {
    const { dial } = await handServer({ fourLetterWordWhitelist: 'ruok, srvr' })
    const ask = (text: string, split = 4): string => {
      const client = dial()
      client.raw(word(text).subarray(0, split))
      client.raw(word(text).subarray(split))
      expect(client.isEnded).toBe(true)
      return new TextDecoder().decode(client.bytes[0])
    }
    expect(ask('ruok')).toBe('imok')
    expect(ask('ruok', 2)).toBe('imok')
    expect(ask('srvr')).toContain('Mode: standalone')
    expect(ask('mntr')).toBe('mntr is not executed because it is not in the whitelist.\n')
  })
})

test('refuses a setting it does not know or cannot use, naming it', async () => {
  await expect(handServer({ tickTime: 0 })).rejects.toThrow('tickTime is 0, expected an integer from 1')
  await expect(handServer({ tickTimes: 5 } as object)).rejects.toThrow('no such setting')
  await expect(handServer({ minSessionTimeout: 9, maxSessionTimeout: 8 })).rejects.toThrow('minSessionTimeout is 9')
})

describe('what connections and sessions leave behind', () => {
  test('is nothing, after thousands that watched, created and died', async () => {
    const { dial, clock } = await handServer({ fourLetterWordWhitelist: '*', maxClientCnxns: 0 })
    const gauges = async (): Promise<string[]> => {
      const client = dial()
      client.raw(word('mntr'))
      // The file descriptors are counted meanwhile.
      await vi.waitFor(() => {
        clock.endTurn()
        expect(client.bytes).not.toEqual([])
      })
      const text = Buffer.concat(client.bytes).toString()
      client.closed()
      return text
        .split('\n')
        .filter((line) =>
          /^zk_(znode_count|watch_count|ephemerals_count|global_sessions|approximate_data_size|num_alive_connections)\t/.test(
            line,
          ),
        )
    }
    const before = await gauges()
    expect(before).toHaveLength(6)
    for (let i = 0; i < 3000; i++) {
      const client = dial()
      client.connect({ timeOut: 2000 })
      client.create(`/e${i}`, 1)
      for (const path of ['/', '/later', `/e${i}`]) {
        client.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch: true }))
      }
      client.call(opCode.addWatch, (writer) => {
        writer.ustring('/everything')
        writer.int(i % 2)
      })
      if (i % 3 === 0) client.call(opCode.closeSession)
      client.closed()
      if (i % 100 === 0) clock.advance(500)
    }
    clock.advance(60_000)
    expect(await gauges()).toEqual(before)
  }, 30_000)
})

describe('a zoo.cfg', () => {
  test('of an ensemble is refused without a myid, since its data must not be served by one server alone', () => {
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, i) => `server.${i + 1}=host${i}:2888:3888`).join('\n')
    expect(parseZooCfg(`clientPort=2181\n${lines(1)}\n`).ignored).toEqual(['server.1'])
    expect(() => parseZooCfg(`clientPort=2181\n${lines(3)}\n`)).toThrow(
      /names 3 servers, and the file myid must say which one this server is/,
    )
  })
})
