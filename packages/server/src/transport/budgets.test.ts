/** What one client may take of time and memory while others are served. */
import {
  type MultiOperation,
  opCode,
  openAcl,
  writeAddWatchRequest,
  writeMultiRequest,
  writePathRequest,
  writePathWatchRequest,
  writeSetDataRequest,
  writeSetWatches,
} from '@lightkeeper/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Preparer } from '../pipeline/prepare.ts'
import { Reads } from '../pipeline/reads.ts'
import { type HandClient, type HandServer, handServer } from '../server.harness.ts'

afterEach(() => void vi.restoreAllMocks())

const read = (client: HandClient, path = '/', watch = false): number =>
  client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch }))
const set = (client: HandClient, path: string, text = 'x'): number =>
  client.send(opCode.setData, (writer) =>
    writeSetDataRequest(writer, { path, data: new TextEncoder().encode(text), version: -1 }),
  )
const textOf = (client: HandClient): string => new TextDecoder().decode(client.next().body.buffer() ?? undefined)

describe('time', () => {
  test('a client that sends thousands of reads at once is answered in slices, and others in between', async () => {
    const { dial, clock } = await handServer()
    const busy = dial()
    busy.connect()
    const other = dial()
    other.connect()
    for (let i = 0; i < 900; i++) read(busy)
    for (let turns = 1; busy.waiting < 900; turns++) {
      read(other)
      clock.oneTurn()
      expect(other.next().err).toBe(0)
      expect(busy.waiting).toBeLessThanOrEqual(256 * (turns + 1))
    }
    expect(busy.isPaused).toBe(false)
  })

  test('a request that takes long ends the slice, and everybody else comes first', async () => {
    const { dial, clock } = await handServer()
    const served: HandClient[] = []
    const [first, second] = [dial(), dial()]
    const { getData } = Reads.prototype
    vi.spyOn(Reads.prototype, 'getData').mockImplementation(function (this: Reads, ...args) {
      served.push(args[0] as unknown as HandClient)
      clock.time += 20
      getData.apply(this, args)
    })
    for (const client of [first, second]) {
      client.connect()
      client.send(opCode.setData, (writer) => {
        writer.ustring('/')
        writer.buffer(new Uint8Array(30_000))
        writer.int(-1)
      })
      clock.endTurn()
      client.next()
    }
    served.length = 0
    for (let i = 0; i < 3; i++) for (const client of [first, second]) read(client)
    clock.endTurn()
    const order = served.map((client) => (client as unknown as { remote: string }).remote)
    expect(order).toEqual([first, second, first, second, first, second].map(({ remote }) => remote))
  })

  test('a write goes to the log and back before the next request of a client whose last one took long', async () => {
    const { dial, clock } = await handServer()
    const [busy, other] = [dial(), dial()]
    const { getData } = Reads.prototype
    let slowOnes = 0
    vi.spyOn(Reads.prototype, 'getData').mockImplementation(function (this: Reads, ...args) {
      slowOnes++
      clock.time += 20
      getData.apply(this, args)
    })
    for (const client of [busy, other]) client.connect()
    // Large enough for a look at the clock.
    busy.create('/large', 0, 'x'.repeat(30_000))
    for (let i = 0; i < 3; i++) read(busy, '/large')
    expect(slowOnes).toBe(1)
    set(other, '/', 'small')
    for (let turns = 0; other.waiting === 0 && turns < 10; turns++) clock.oneTurn()
    expect(other.next().err).toBe(0)
    expect(slowOnes).toBe(1)
    clock.endTurn()
    expect(slowOnes).toBe(3)
  })

  test('reads that wait behind a write are answered in slices too', async () => {
    const { dial, clock } = await handServer()
    const busy = dial()
    busy.connect()
    set(busy, '/')
    for (let i = 0; i < 900; i++) read(busy)
    const other = dial()
    other.connect()
    for (let turns = 1; busy.waiting < 901; turns++) {
      read(other)
      clock.oneTurn()
      expect(other.next().err).toBe(0)
      expect(busy.waiting).toBeLessThanOrEqual(256 * (turns + 1))
    }
  })

  test('what waits is not served any more when the connection is cut', async () => {
    const { dial, clock } = await handServer()
    const busy = dial()
    busy.connect()
    set(busy, '/')
    for (let i = 0; i < 900; i++) read(busy)
    clock.oneTurn()
    clock.oneTurn()
    const serve = vi.spyOn(Reads.prototype, 'getData')
    busy.destroy()
    clock.endTurn()
    expect(serve).not.toHaveBeenCalled()
  })

  test('each read sees the writes in front of it and none behind it, however much waits', async () => {
    const { dial, clock } = await handServer({ connectionOutstandingLimit: 5000 })
    const client = dial()
    client.connect()
    for (let i = 0; i < 20; i++) {
      set(client, '/', `value ${i}`)
      for (let j = 0; j < 40 * i; j++) read(client)
    }
    clock.endTurn()
    for (let i = 0; i < 20; i++) {
      expect(client.next().err).toBe(0)
      for (let j = 0; j < 40 * i; j++) expect(textOf(client)).toBe(`value ${i}`)
    }
  })

  test('a write waits for large reads in front of it that wait for another write', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    client.create('/large', 0, 'x'.repeat(500_000))
    set(client, '/', 'before')
    for (let i = 0; i < 10; i++) read(client, '/large')
    read(client, '/')
    set(client, '/', 'after')
    read(client, '/')
    clock.endTurn()
    expect(client.next().err).toBe(0)
    for (let i = 0; i < 10; i++) expect(textOf(client)).toHaveLength(500_000)
    expect(textOf(client)).toBe('before')
    expect(client.next().err).toBe(0)
    expect(textOf(client)).toBe('after')
  })

  test('durable transactions are applied for a part of a turn, and the rest follows in order', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    for (let i = 0; i < 100; i++) set(client, '/', `${i}`)
    const { now } = clock
    clock.now = () => (clock.time += 3)
    const seen: number[] = []
    while (client.waiting < 100) {
      seen.push(client.waiting)
      clock.oneTurn()
    }
    clock.now = now
    expect(seen.filter((count) => count > 0 && count < 100).length).toBeGreaterThan(1)
    let last = 0n
    for (let i = 0; i < 100; i++) {
      const { zxid, err } = client.next()
      expect(err).toBe(0)
      expect(zxid).toBeGreaterThan(last)
      last = zxid
    }
  })
})

describe('watch events', () => {
  const crowd = 600

  const watched = async (path = '/'): Promise<{ scene: HandServer; watchers: HandClient[] }> => {
    const scene = await handServer({ maxClientCnxns: 0 })
    if (path !== '/') {
      const maker = scene.dial()
      maker.connect()
      maker.create(path)
    }
    const watchers = Array.from({ length: crowd }, () => scene.dial())
    for (const client of watchers) {
      client.connect()
      client.call(opCode.addWatch, (body) => writeAddWatchRequest(body, { path, mode: 0 }))
    }
    return { scene, watchers }
  }
  const told = (watchers: readonly HandClient[]): number => watchers.filter(({ bytes }) => bytes.length > 0).length

  test('of one change leave in slices, and other requests are answered in between', async () => {
    const { scene, watchers } = await watched()
    const { dial, clock } = scene
    const writer = dial()
    writer.connect()
    const other = dial()
    other.connect()
    set(writer, '/')
    const { now } = clock
    clock.now = () => (clock.time += 0.2)
    const seen: number[] = []
    for (let turns = 0; told(watchers) < crowd && turns < crowd; turns++) {
      read(other)
      clock.oneTurn()
      expect(other.next().err).toBe(0)
      seen.push(told(watchers))
    }
    clock.now = now
    expect(told(watchers)).toBe(crowd)
    for (const [i, count] of seen.entries()) expect(count - (seen[i - 1] ?? 0)).toBeLessThanOrEqual(11)
    expect(writer.next().err).toBe(0)
  })

  test('that wait leave in one write with those of later changes, which are applied meanwhile', async () => {
    const { scene, watchers } = await watched()
    const { dial, clock } = scene
    const writers = [dial(), dial(), dial()]
    for (const client of writers) client.connect()
    const { now } = clock
    clock.now = () => (clock.time += 1)
    for (const client of writers) {
      set(client, '/')
      for (let turns = 0; client.waiting === 0 && turns < 10; turns++) clock.oneTurn()
      expect(client.next().err).toBe(0)
    }
    expect(told(watchers)).toBeLessThan(crowd)
    clock.now = now
    clock.endTurn()
    // The last ones got all three at once.
    expect(watchers.at(-1)?.bytes).toHaveLength(1)
    for (const client of watchers) expect(client.waiting).toBe(3)
  })

  test('of many bytes are sent before further transactions are applied, so that they do not pile up', async () => {
    const path = `/${'w'.repeat(4_000)}`
    const { scene, watchers } = await watched(path)
    const { dial, clock } = scene
    const writers = [dial(), dial()]
    for (const client of writers) client.connect()
    const { now } = clock
    clock.now = () => (clock.time += 1)
    for (const client of writers) for (let i = 0; i < 10; i++) set(client, path, `${i}`)
    const answered = (): number => writers.reduce((sum, client) => sum + client.waiting, 0)
    for (let turns = 0; answered() < 20 && turns < 40 * crowd; turns++) {
      clock.oneTurn()
      const events = watchers.map(({ waiting }) => waiting)
      // A change makes 2.4 MB of events, and 16 MiB may wait; one turn applies one of them, since it is much work.
      expect(Math.max(...events) - Math.min(...events)).toBeLessThanOrEqual(10)
    }
    clock.now = now
    expect(answered()).toBe(20)
    clock.endTurn()
    for (const client of watchers) expect(client.waiting).toBe(20)
  })

  test('of many bytes hold back the client that sends many writes, and nobody else', async () => {
    const path = `/${'w'.repeat(4_000)}`
    const { scene, watchers } = await watched(path)
    const { dial, clock } = scene
    const [writer, other] = [dial(), dial()]
    for (const client of [writer, other]) client.connect()
    other.create('/other')
    const { now } = clock
    let calls = 0
    clock.now = () => (clock.time += ++calls % 8 === 0 ? 1 : 0)
    set(writer, path)
    for (let turns = 0; writer.waiting === 0 && turns < 50; turns++) clock.oneTurn()
    // Half of the events wait still, and the writer has an unanswered request.
    for (let i = 0; i < 3; i++) set(writer, path, `${i}`)
    expect(writer.isPaused).toBe(true)
    for (let i = 0; i < 3; i++) {
      set(other, '/other')
      for (let turns = 0; other.waiting === 0 && turns < 10; turns++) clock.oneTurn()
      expect(other.next().err).toBe(0)
    }
    expect(told(watchers)).toBeLessThan(crowd)
    clock.now = now
    clock.endTurn()
    expect([writer.waiting, writer.isPaused]).toEqual([4, false])
    for (const client of watchers) expect(client.waiting).toBe(4)
  })

  test('to many make a write much work: a client that sends more of them is not read, and others come next', async () => {
    const { scene, watchers } = await watched()
    const { dial, clock } = scene
    const writer = dial()
    writer.connect()
    for (let i = 0; i < 100; i++) set(writer, '/', `${i}`)
    expect(writer.isPaused).toBe(true)
    const other = dial()
    other.connect()
    set(other, '/zookeeper/config')
    const before = watchers[0]?.waiting ?? 0
    while (other.waiting === 0) clock.oneTurn()
    expect((watchers[0]?.waiting ?? 0) - before).toBeLessThanOrEqual(7)
    clock.endTurn()
    for (let i = 0; i < 100; i++) expect(writer.next().err).toBe(0)
    expect(writer.isPaused).toBe(false)
    expect(watchers[0]?.waiting).toBe(100)
  })

  test('to few do not hold a writer back', async () => {
    const { dial } = await handServer()
    const [writer, watcher] = [dial(), dial()]
    for (const client of [writer, watcher]) client.connect()
    watcher.call(opCode.addWatch, (body) => writeAddWatchRequest(body, { path: '/', mode: 1 }))
    for (let i = 0; i < 255; i++) set(writer, '/', `${i}`)
    expect(writer.isPaused).toBe(false)
  })
})

describe('replies that are not taken', () => {
  test('behind a write are made only until the client has enough', async () => {
    const { dial, clock } = await handServer({ slowReaderPauseBytes: 100_000 })
    const client = dial()
    client.connect()
    client.create('/large', 0, 'x'.repeat(50_000))
    client.isStuck = true
    set(client, '/')
    for (let i = 0; i < 50; i++) read(client, '/large')
    clock.endTurn()
    expect(client.queuedBytes).toBeLessThan(300_000)
    expect(client.isPaused).toBe(true)
    client.drain()
    expect(client.waiting).toBe(51)
  })

  test('are no reason to wait where the link does not ask for it: it would not say when it is drained', async () => {
    const { dial, clock } = await handServer({ slowReaderPauseBytes: 1_000 })
    const client = dial()
    client.connect()
    client.create('/node', 0, 'x'.repeat(900))
    client.write = (chunk) => {
      client.bytes.push(chunk.slice())
      client.queuedBytes += chunk.length
      return true
    }
    for (let i = 0; i < 10; i++) {
      read(client, '/node')
      clock.endTurn()
    }
    expect([client.isPaused, client.waiting]).toEqual([false, 10])
  })

  test('of all clients together have a bound: large ones wait, small ones do not, and the largest holder is cut', async () => {
    const { dial, clock } = await handServer({ heldReplyBytes: 1_000_000, maxClientCnxns: 0 })
    const honest = dial()
    honest.connect()
    honest.create('/large', 0, 'x'.repeat(300_000))
    honest.create('/larger', 0, 'x'.repeat(400_000))
    const stuck = Array.from({ length: 10 }, () => dial())
    for (const [i, client] of stuck.entries()) {
      client.connect()
      client.isStuck = true
      read(client, i === 1 ? '/larger' : '/large')
      clock.endTurn()
    }
    const held = (): number => stuck.reduce((sum, client) => sum + (client.isDestroyed ? 0 : client.queuedBytes), 0)
    expect(held()).toBeLessThan(1_500_000)
    // Other requests are served, except large ones.
    expect(honest.get('/').err).toBe(0)
    read(honest, '/large')
    clock.endTurn()
    expect(honest.waiting).toBe(0)
    clock.advance(2_200)
    expect(stuck.flatMap(({ isDestroyed }, i) => (isDestroyed ? [i] : []))).toEqual([1])
    for (let i = 0; i < 20; i++) clock.advance(3_000)
    expect(honest.next().err).toBe(0)
    expect(held()).toBeLessThan(1_500_000)
  })

  test('one reply may be larger than what cuts a client off, and so may what follows it while it is on its way', async () => {
    const { dial, clock } = await handServer({ slowReaderCutBytes: 100_000 })
    const client = dial()
    const other = dial()
    client.connect()
    other.connect()
    for (let i = 0; i < 200; i++) other.create(`/${'n'.repeat(1_000)}-${i}`)
    client.isStuck = true
    // The Stat behind the list belongs to the same reply.
    client.send(opCode.getChildren2, (writer) => writePathWatchRequest(writer, { path: '/', watch: true }))
    clock.endTurn()
    other.create('/makes-an-event')
    expect(client.isDestroyed).toBe(false)
    client.drain()
    expect(client.next().err).toBe(0)
  })

  test('a client that drains in time is never cut, and what waited for room is answered', async () => {
    const { dial, clock } = await handServer({ heldReplyBytes: 500_000, maxClientCnxns: 0 })
    const clients = Array.from({ length: 8 }, () => dial())
    for (const client of clients) client.connect()
    clients[0]?.create('/large', 0, 'x'.repeat(300_000))
    for (const client of clients) {
      client.isStuck = true
      read(client, '/large')
    }
    clock.endTurn()
    for (let i = 0; i < 8; i++) {
      clock.advance(1_000)
      for (const client of clients) client.drain()
    }
    for (const client of clients) {
      expect(client.isDestroyed).toBe(false)
      expect(client.next().err).toBe(0)
    }
  })

  test('watch events to clients that do not read cut the largest holder at once where they are far too much', async () => {
    const { dial, clock } = await handServer({ heldReplyBytes: 200_000, maxClientCnxns: 0 })
    const writer = dial()
    writer.connect()
    const path = `/${'w'.repeat(5000)}`
    writer.create(path)
    const watchers = Array.from({ length: 6 }, () => dial())
    for (const client of watchers) {
      client.connect()
      client.call(opCode.addWatch, (body) => writeAddWatchRequest(body, { path, mode: 0 }))
      client.isStuck = true
    }
    for (let i = 0; i < 200; i++) {
      writer.set(path, `${i}`)
      const held = watchers.reduce((sum, client) => sum + (client.isDestroyed ? 0 : client.queuedBytes), 0)
      expect(held).toBeLessThan(2 * 200_000 + 6 * 70_000)
    }
    expect(watchers.some(({ isDestroyed }) => isDestroyed)).toBe(true)
    expect(writer.get('/').err).toBe(0)
    clock.endTurn()
  })
})

describe('requests that are not answered yet', () => {
  test('hold a bounded number of bytes of each connection', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    client.create('/node')
    let sent = 0
    for (; sent < 100 && !client.isPaused; sent++) set(client, '/node', 'x'.repeat(500_000))
    expect(sent).toBeLessThan(12)
    clock.endTurn()
    for (let i = 0; i < sent; i++) expect(client.next().err).toBe(0)
    expect(client.isPaused).toBe(false)
  })
})

describe('watches', () => {
  const limits = { maxCnxnWatches: 10, maxCnxnWatchBytes: 1_500, maxWatchBytes: 2_400 }

  test('above the number of a connection are refused with QUOTA_EXCEEDED, and are free again when used up', async () => {
    const { dial } = await handServer(limits)
    const client = dial()
    client.connect()
    client.create('/a')
    for (let i = 0; i < 10; i++) {
      const reply = client.call(opCode.exists, (writer) =>
        writePathWatchRequest(writer, { path: `/n${i}`, watch: true }),
      )
      expect(reply.err).toBe(-101)
    }
    expect(client.get('/a', true).err).toBe(-125)
    for (const type of [opCode.exists, opCode.getChildren, opCode.getChildren2]) {
      expect(client.call(type, (writer) => writePathWatchRequest(writer, { path: '/a', watch: true })).err).toBe(-125)
    }
    const added = client.call(opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path: '/a', mode: 1 }))
    expect(added.err).toBe(-125)
    // Without a watch it is answered.
    expect(client.get('/a').err).toBe(0)
    const other = dial()
    other.connect()
    other.create('/n3')
    expect(client.event().path).toBe('/n3')
    expect(client.get('/a', true).err).toBe(0)
  })

  test('above the bytes of a connection, and of all, are refused alike; they are free again when it is gone', async () => {
    const { dial, clock } = await handServer(limits)
    const client = dial()
    client.connect()
    const watch = (by: HandClient, length: number): number =>
      by.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path: `/${'p'.repeat(length)}`, watch: true }))
        .err
    expect(watch(client, 1000)).toBe(-101)
    expect(watch(client, 500)).toBe(-125)
    const other = dial()
    other.connect()
    expect(watch(other, 900)).toBe(-101)
    expect(watch(other, 200)).toBe(-125)
    client.closed()
    clock.endTurn()
    expect(watch(other, 200)).toBe(-101)
  })

  test('on very long paths count several times: a thousand of them may be held', async () => {
    const { dial, clock } = await handServer()
    const client = dial()
    client.connect()
    const count = (length: number, most: number): number => {
      let set = 0
      for (; set < most; set++) {
        const path = `/${'p'.repeat(length)}${String(set).padStart(6, '0')}`
        client.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch: true }))
        if (set % 200 === 199) clock.endTurn()
      }
      clock.endTurn()
      let refused = 0
      for (let i = 0; i < most; i++) if (client.next().err === -125) refused++
      return set - refused
    }
    expect(count(16_384, 1_200)).toBeLessThanOrEqual(1_100)
    client.closed()
    clock.endTurn()
    client.bytes.length = 0
  })

  test('that a reconnecting client asks for above the budget close its connection, since no part may be lost silently', async () => {
    const lines: string[] = []
    const { dial, clock } = await handServer(limits, (level, message) => void lines.push(`${level} ${message}`))
    const client = dial()
    client.connect()
    const existWatches = Array.from({ length: 20 }, (_, i) => `/n${i}`)
    client.send(opCode.setWatches, (writer) =>
      writeSetWatches(writer, { relativeZxid: 0n, dataWatches: [], existWatches, childWatches: [] }),
    )
    clock.endTurn()
    expect(client.isDestroyed).toBe(true)
    expect(lines).toContain('warn closing a connection: it has too many watches, or too long ones')
  })

  test('that are recursive count for each level of their paths, which has a place of its own in memory', async () => {
    const { dial, clock, server } = await handServer({ maxCnxnWatchBytes: 1_000_000, fourLetterWordWhitelist: 'wchs' })
    const client = dial()
    client.connect()
    const add = (path: string, mode: number): number =>
      client.call(opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path, mode })).err
    expect(add('/d'.repeat(1_000), 0)).toBe(0)
    expect(add('/d'.repeat(10_000), 1)).toBe(-125)
    // A level takes 400 bytes.
    expect(add('/d'.repeat(1_000), 1)).toBe(0)
    expect(add('/e'.repeat(2_000), 1)).toBe(-125)
    const remove = (path: string): number =>
      client.call(opCode.removeWatches, (writer) => {
        writer.ustring(path)
        writer.int(5)
      }).err
    expect([remove('/d'.repeat(1_000)), add('/e'.repeat(2_000), 1)]).toEqual([0, 0])
    client.closed()
    clock.endTurn()
    await server.close()
  })

  test('asked for behind a write close the connection in the same way, and not as a fault of the server', async () => {
    const lines: string[] = []
    const { dial, clock } = await handServer(limits, (level, message) => void lines.push(`${level} ${message}`))
    const client = dial()
    client.connect()
    set(client, '/')
    const existWatches = Array.from({ length: 20 }, (_, i) => `/n${i}`)
    client.send(opCode.setWatches, (writer) =>
      writeSetWatches(writer, { relativeZxid: 0n, dataWatches: [], existWatches, childWatches: [] }),
    )
    set(client, '/')
    clock.endTurn()
    expect(client.isDestroyed).toBe(true)
    expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([
      'warn closing a connection: it has too many watches, or too long ones',
    ])
  })

  test('that are persistent count twice, since they are of data and of children', async () => {
    const { dial } = await handServer({ maxCnxnWatches: 3 })
    const client = dial()
    client.connect()
    const add = (path: string, mode: number): number =>
      client.call(opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path, mode })).err
    expect([add('/a', 0), add('/b', 0), add('/c', 1)]).toEqual([0, -125, 0])
  })

  test.each([
    ['a connection that is gone', 1],
    ['a hundred connections that are gone at once', 100],
  ])('of %s are removed in slices', async (_, count) => {
    const { dial, clock, server } = await handServer({ fourLetterWordWhitelist: 'wchs', maxClientCnxns: 0 })
    const clients = Array.from({ length: count }, () => dial())
    for (const client of clients) {
      client.connect()
      for (let i = 0; i < 12_000 / count; i++) {
        client.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path: `/n${i}`, watch: true }))
        if (i % 200 === 0) clock.endTurn()
      }
      clock.endTurn()
    }
    const watchCount = (): number => {
      const asking = dial()
      asking.raw(new TextEncoder().encode('wchs'), false)
      const text = new TextDecoder().decode(asking.bytes[0])
      return Number(/Total watches:(\d+)/.exec(text)?.[1])
    }
    expect(watchCount()).toBe(12_000)
    for (const client of clients) client.closed()
    const counts = [watchCount()]
    while (counts.at(-1) !== 0 && counts.length < 10) {
      clock.oneTurn()
      counts.push(watchCount())
    }
    expect(counts).toEqual([7_000, 2_000, 0])
    const closed = server.close()
    clock.advance(10_000)
    await closed
  })
})

test.each([
  ['expire', (client: HandClient) => client.closed()],
  ['are closed by their clients', (client: HandClient) => void client.send(opCode.closeSession)],
])('sessions that %s at once end in slices, and others are answered in between', async (_, end) => {
  const { dial, clock } = await handServer({ maxClientCnxns: 0 })
  const crowd = 300
  const clients = Array.from({ length: crowd }, () => dial())
  for (const client of clients) {
    client.connect({ timeOut: 2_000 })
    client.create(`/${client.remote}`, 1)
  }
  const other = dial()
  other.connect({ timeOut: 20_000 })
  const { now, endTurn } = clock
  clock.endTurn = () => {}
  clock.now = () => (clock.time += 1)
  for (const client of clients) end(client)
  clock.advance(3_500)
  // The other client counts the znodes. First its request stands behind those of the crowd, then its answer takes a few turns.
  const count = (turnsMax: number): number => {
    other.send(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path: '/' }))
    for (let turns = 0; other.waiting === 0 && turns < turnsMax; turns++) clock.oneTurn()
    const { err, body } = other.next()
    return err === 0 ? body.int() : Number.NaN
  }
  const counts = [count(crowd)]
  const none = 3
  while (counts.at(-1) !== none && counts.length < crowd) counts.push(count(3))
  expect(counts.at(-1)).toBe(none)
  for (const [i, each] of counts.entries()) expect((counts[i - 1] ?? each) - each).toBeLessThan(20)
  clock.now = now
  clock.endTurn = endTurn
  clock.endTurn()
  expect(other.get(`/${clients[0]?.remote}`).err).toBe(-101)
})

test('what was held back is read on behind a reply that fills a whole buffer', async () => {
  const { dial, clock } = await handServer({ globalOutstandingLimit: 1, maxMultiOperations: 8_000 })
  const client = dial()
  client.connect()
  for (let round = 0; round < 3; round++) {
    const checks = Array.from({ length: 8_000 }, () => ({ type: opCode.check, path: '/', version: -1 }) as const)
    client.send(opCode.multi, (writer) => writeMultiRequest(writer, checks))
  }
  clock.endTurn()
  for (let round = 0; round < 3; round++) expect(client.next().err).toBe(0)
})

test('a multi is bounded by its operations', async () => {
  const { dial } = await handServer({ maxMultiOperations: 3 })
  const client = dial()
  client.connect()
  const checks = (count: number): number =>
    client.call(opCode.multi, (writer) =>
      writeMultiRequest(
        writer,
        Array.from({ length: count }, () => ({ type: opCode.check, path: '/', version: -1 }) as const),
      ),
    ).err
  expect([checks(3), checks(4)]).toEqual([0, -8])
})

test('a multi of too many operations is refused before any of them is prepared, and nothing of it is left', async () => {
  const { dial } = await handServer({ maxMultiOperations: 100 })
  const client = dial()
  client.connect()
  const prepared = vi.spyOn(Preparer.prototype, 'create')
  const creates = (count: number, more: readonly MultiOperation[] = []): number =>
    client.call(opCode.multi, (writer) =>
      writeMultiRequest(writer, [
        ...Array.from(
          { length: count },
          (_, i) => ({ type: opCode.create, path: `/n${i}`, data: null, acl: openAcl, flags: 0 }) as const,
        ),
        ...more,
      ]),
    ).err
  expect(creates(101)).toBe(-8)
  expect(
    creates(90, [
      { type: opCode.setData, path: '/', data: new Uint8Array(9), version: 7 },
      ...Array(10).fill({ type: opCode.delete, path: '/n1', version: -1 }),
    ]),
  ).toBe(-8)
  expect(prepared).not.toHaveBeenCalled()
  // A read in a multi, or an unknown operation, makes all of it unreadable: the prepared part is undone.
  expect(creates(3, [{ type: opCode.getData, path: '/', watch: false }])).toBe(-5)
  expect(client.get('/n0').err).toBe(-101)
  expect(creates(100)).toBe(0)
  expect(client.get('/n99').err).toBe(0)
})
