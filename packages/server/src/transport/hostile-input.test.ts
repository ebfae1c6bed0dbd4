/** What clients may send that is no request, too little, too much, or in the wrong place: it ends one connection at the most. */
import {
  addWatchMode,
  keeperCodes,
  opCode,
  openAcl,
  sessionPassword,
  type Writer,
  writeAddWatchRequest,
  writeCheckVersionRequest,
  writeCreateRequest,
  writeCreateTTLRequest,
  writeDeleteRequest,
  writeMultiRequest,
  writePathRequest,
  writePathWatchRequest,
  writeSetACLRequest,
  writeSetDataRequest,
  writeSetWatches2,
} from '@lightkeeper/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { connectFrame, requestFrame } from '../../../../test/support/frames.mjs'
import { type HandClient, type HandServer, handServer } from '../server.harness.ts'

afterEach(() => void vi.restoreAllMocks())

type Body = (writer: Writer) => void

const word = (text: string): Uint8Array => new TextEncoder().encode(text)
const int = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}
const create = { path: '/x', data: new Uint8Array(7), acl: openAcl, flags: 0 }
const paths = ['/x', '/y']

/** A request of each kind that has a body. */
const requests: Readonly<Record<string, readonly [type: number, body: Body]>> = {
  create: [opCode.create, (writer) => writeCreateRequest(writer, create)],
  createTTL: [opCode.createTTL, (writer) => writeCreateTTLRequest(writer, { ...create, flags: 5, ttl: 9n })],
  delete: [opCode.delete, (writer) => writeDeleteRequest(writer, { path: '/x', version: -1 })],
  setData: [opCode.setData, (writer) => writeSetDataRequest(writer, { path: '/x', data: create.data, version: -1 })],
  setACL: [opCode.setACL, (writer) => writeSetACLRequest(writer, { path: '/x', acl: openAcl, version: -1 })],
  check: [opCode.check, (writer) => writeCheckVersionRequest(writer, { path: '/x', version: -1 })],
  getData: [opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/x', watch: true })],
  getACL: [opCode.getACL, (writer) => writePathRequest(writer, { path: '/x' })],
  sync: [opCode.sync, (writer) => writePathRequest(writer, { path: '/x' })],
  addWatch: [opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path: '/x', mode: addWatchMode.persistent })],
  multi: [
    opCode.multi,
    (writer) =>
      writeMultiRequest(writer, [
        { type: opCode.create, ...create },
        { type: opCode.check, path: '/x', version: -1 },
      ]),
  ],
  multiRead: [
    opCode.multiRead,
    (writer) => writeMultiRequest(writer, [{ type: opCode.getData, path: '/x', watch: false }]),
  ],
  setWatches2: [
    opCode.setWatches2,
    (writer) =>
      writeSetWatches2(writer, {
        relativeZxid: 0n,
        dataWatches: paths,
        existWatches: paths,
        childWatches: paths,
        persistentWatches: paths,
        persistentRecursiveWatches: paths,
      }),
  ],
  auth: [
    opCode.auth,
    (writer) => {
      writer.int(0)
      writer.ustring('digest')
      writer.buffer(word('user:secret'))
    },
  ],
}

/** A server with a client that behaves, and the lines of its log. */
async function scene(
  options: Parameters<typeof handServer>[0] = {},
): Promise<HandServer & { readonly lines: string[]; readonly other: HandClient; answers(): void }> {
  const lines: string[] = []
  const hand = await handServer(options, (level, message) => void lines.push(`${level} ${message}`))
  const other = hand.dial('10.0.0.2')
  other.connect({ timeOut: 60_000 })
  other.create('/other')
  return {
    ...hand,
    lines,
    other,
    answers() {
      expect(other.set('/other', 'still here').err).toBe(0)
      expect(lines.filter((line) => line.startsWith('error'))).toEqual([])
    },
  }
}

describe('a length that no frame can have', () => {
  const lengths = [-1, -0x8000_0000, 0x7fff_ffff, 0xfffff + 1, 0x00ff_ffff]

  test('closes the connection, in the place of the handshake and behind it, with a line in the log', async () => {
    const { dial, lines, answers } = await scene()
    for (const length of lengths) {
      const first = dial()
      first.raw(int(length))
      expect(first.isDestroyed).toBe(true)
      const second = dial()
      second.connect()
      second.raw(int(length))
      expect(second.isDestroyed).toBe(true)
    }
    expect(lines.filter((line) => line.includes('does not speak the protocol'))).toHaveLength(1)
    answers()
  })

  test('makes the server hold nothing, inside of a request neither', async () => {
    const { dial, clock, answers } = await scene()
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 50; i++) {
      for (const wrong of [0x7fff_ffff, -2, -0x8000_0000, 0x0fff_ffff]) {
        dial().raw(int(wrong))
        for (const [type, body] of Object.values(requests)) {
          const frame = requestFrame(1, type, body)
          const at = 12 + ((i * 4) % Math.max(4, frame.length - 16))
          new DataView(frame.buffer).setInt32(at, wrong)
          const client = dial()
          client.connect()
          client.raw(frame)
          client.closed()
        }
        clock.endTurn()
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
    answers()
  })
})

describe('a request that ends early', () => {
  test('and then silence, at every byte of every kind: the connection lives as long as its session', async () => {
    const { dial, clock, server, answers } = await scene({ maxClientCnxns: 0 })
    for (const [type, body] of Object.values(requests)) {
      const frame = requestFrame(1, type, body)
      const silent: HandClient[] = []
      for (let end = 1; end < frame.length; end++) {
        const client = dial()
        client.connect({ timeOut: 2_000 })
        client.raw(frame.subarray(0, end))
        expect(client.waiting).toBe(0)
        silent.push(client)
      }
      answers()
      clock.advance(1_500)
      answers()
      for (const client of silent) expect(client.isEnded).toBe(false)
      clock.advance(4_000)
      for (const client of silent) expect(client.isEnded || client.isDestroyed).toBe(true)
      for (const client of silent) client.closed()
    }
    answers()
    const closed = server.close()
    clock.advance(10_000)
    await closed
  })

  test('in a frame of the right length is answered, and the next request too', async () => {
    const { dial, clock, answers } = await scene()
    for (const [name, [type, body]] of Object.entries(requests)) {
      const whole = requestFrame(1, type, body)
      for (let end = 12; end < whole.length; end++) {
        const frame = whole.slice(0, end)
        new DataView(frame.buffer).setInt32(0, end - 4)
        const client = dial()
        client.connect()
        client.raw(frame)
        // An identity that cannot be read, and what only a multi may have, end the connection behind the answer.
        if (name === 'auth' || name === 'check') {
          expect(client.next().err).toBeLessThan(0)
          expect(client.isEnded).toBe(true)
        } else {
          expect([name, end, client.next().err]).toEqual([name, end, keeperCodes.MARSHALLING_ERROR.number])
          expect(client.get('/').err).toBe(0)
        }
        client.closed()
        // A failed identity is forgiven in this time.
        clock.advance(2_000)
        answers()
      }
    }
  })
})

describe('a handshake', () => {
  test('that comes a byte a second is not waited for longer than any other', async () => {
    const { dial, clock, answers } = await scene({ maxClientCnxns: 0 })
    const slow = Array.from({ length: 1_000 }, () => dial())
    const frame = connectFrame()
    for (let second = 0; second < 9; second++) {
      for (const client of slow) client.raw(frame.subarray(second, second + 1))
      clock.advance(1_000)
      answers()
    }
    expect(slow.filter(({ isDestroyed }) => isDestroyed)).toEqual([])
    clock.advance(3_000)
    expect(slow.filter(({ isDestroyed }) => !isDestroyed)).toEqual([])
    answers()
  })

  test('asks for any timeout and gets one that is allowed', async () => {
    const { dial } = await scene({ minSessionTimeout: 2_000, maxSessionTimeout: 20_000 })
    const granted = [0, -1, 1, 0x7fff_ffff, -0x8000_0000].map((timeOut) => dial().connect({ timeOut }).timeOut)
    expect(granted).toEqual([2_000, 2_000, 2_000, 20_000, 2_000])
  })

  test('with an id nearby and a password that can be computed gets no session, and leaves its owner alone', async () => {
    const { dial, clock, answers } = await scene({ maxClientCnxns: 0 })
    const victim = dial()
    const { sessionId, passwd } = victim.connect()
    victim.create('/held', 1)
    for (let step = -20n; step <= 20n; step++) {
      const id = sessionId + step
      const guesses = [sessionPassword(id), new Uint8Array(16), new Uint8Array(0), (passwd as Uint8Array).slice(0, 15)]
      for (const guess of guesses) expect(dial().connect({ sessionId: id, passwd: guess }).sessionId).toBe(0n)
    }
    clock.endTurn()
    expect(victim.isEnded || victim.isDestroyed).toBe(false)
    expect(victim.get('/held').err).toBe(0)
    answers()
  })

  test('for one session again and again leaves one connection, the last', async () => {
    const { dial, clock, answers } = await scene({ maxClientCnxns: 0 })
    const first = dial()
    const { sessionId, passwd } = first.connect({ timeOut: 20_000 })
    const storm: HandClient[] = [first]
    for (let i = 0; i < 500; i++) {
      const next = dial()
      expect(next.connect({ sessionId, passwd: passwd as Uint8Array, timeOut: 20_000 }).sessionId).toBe(sessionId)
      storm.push(next)
    }
    expect(storm.filter(({ isEnded }) => !isEnded)).toHaveLength(1)
    // Those that do not close their side are cut.
    clock.advance(8_000)
    expect(storm.filter(({ isDestroyed }) => !isDestroyed)).toHaveLength(1)
    expect(storm.at(-1)?.get('/').err).toBe(0)
    answers()
  })
})

describe('requests where none may be', () => {
  test('in the place of the handshake close the connection', async () => {
    const { dial, answers } = await scene()
    for (const [type, body] of [...Object.values(requests), [opCode.ping, () => {}] as const]) {
      const client = dial()
      client.raw(requestFrame(-2, type, body))
      // A request of some length may be read as a handshake of nonsense: it gets no session that anybody has.
      expect(client.isDestroyed || client.isEnded || client.waiting === 1).toBe(true)
    }
    answers()
  })

  test('behind the close of a session are not executed, and a second close is not answered', async () => {
    const { dial, clock, other, answers } = await scene()
    const client = dial()
    client.connect()
    client.send(opCode.closeSession)
    client.send(opCode.create, (writer) => writeCreateRequest(writer, { ...create, path: '/after' }))
    client.send(opCode.closeSession)
    clock.endTurn()
    expect(client.next().err).toBe(0)
    expect([client.waiting, client.isEnded]).toEqual([0, true])
    expect(other.get('/after').err).toBe(keeperCodes.NO_NODE.number)
    answers()
  })

  test('with one xid for all are answered in their order', async () => {
    const { dial, clock } = await scene()
    const client = dial()
    client.connect()
    for (const path of ['/', '/none', '/other']) {
      client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch: false }), 7)
    }
    clock.endTurn()
    expect([client.next(), client.next(), client.next()].map(({ xid, err }) => [xid, err])).toEqual([
      [7, 0],
      [7, keeperCodes.NO_NODE.number],
      [7, 0],
    ])
  })

  test.each([99, 0, -1, -10, 13, 20, 0x7fff_ffff, -0x8000_0000])(
    'of opcode %i are refused, and the connection ends behind the answer',
    async (type) => {
      const { dial, answers } = await scene()
      const client = dial()
      client.connect()
      client.send(type)
      client.raw(new Uint8Array(0))
      expect(client.next().err).toBe(keeperCodes.UNIMPLEMENTED.number)
      expect(client.isEnded).toBe(true)
      answers()
    },
  )
})

describe('four-letter words', () => {
  test('tell of very much in a bounded answer that says that it is cut off', async () => {
    const { dial, clock, answers } = await scene({ fourLetterWordWhitelist: '*' })
    const watching = dial()
    watching.connect()
    for (let i = 0; i < 12_000; i++) {
      const path = `/${'w'.repeat(200)}${i}`
      watching.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch: true }))
      if (i % 200 === 0) clock.endTurn()
    }
    clock.endTurn()
    for (const name of ['wchp', 'wchc']) {
      const asking = dial()
      asking.raw(word(name))
      const text = Buffer.concat(asking.bytes).toString()
      expect(text.length).toBeGreaterThan(1_000_000)
      expect(text.length).toBeLessThan(1_100_000)
      expect(text).toContain('cut off')
    }
    answers()
  })

  test('of many at once take their turns, and a request of another client comes in between', async () => {
    const { dial, clock, other } = await scene({ fourLetterWordWhitelist: '*', maxClientCnxns: 0 })
    const { now } = clock
    clock.now = () => (clock.time += 1)
    const asking = Array.from({ length: 60 }, () => dial())
    for (const client of asking) client.raw(word('wchp'), false)
    const answered = (): number => asking.filter(({ isEnded }) => isEnded).length
    expect(answered()).toBeLessThan(20)
    other.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/', watch: false }))
    clock.oneTurn()
    clock.oneTurn()
    expect(other.next().err).toBe(0)
    expect(answered()).toBeLessThan(40)
    clock.now = now
    clock.endTurn()
    expect(answered()).toBe(60)
  })

  test('of many that do not read the answer are held within the bound of all replies', async () => {
    const { dial, clock, answers } = await scene({
      fourLetterWordWhitelist: '*',
      maxClientCnxns: 0,
      heldReplyBytes: 3_000_000,
    })
    const watching = dial()
    watching.connect()
    for (let i = 0; i < 6_000; i++) {
      const path = `/${'w'.repeat(200)}${i}`
      watching.send(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch: true }))
      if (i % 200 === 0) clock.endTurn()
    }
    clock.endTurn()
    const asking = Array.from({ length: 40 }, () => dial())
    for (const client of asking) {
      client.isStuck = true
      client.raw(word('wchp'))
      const held = asking.reduce((sum, each) => sum + (each.isDestroyed ? 0 : each.queuedBytes), 0)
      expect(held).toBeLessThan(2 * 3_000_000 + 1_500_000)
    }
    answers()
    clock.advance(20_000)
    expect(asking.filter(({ isDestroyed }) => !isDestroyed)).toEqual([])
    answers()
  })

  test('with something behind them are answered as without, and half a word is none', async () => {
    const { dial, clock, answers } = await scene({ fourLetterWordWhitelist: '*' })
    const asking = dial()
    asking.raw(word('ruok and garbage \u0000'))
    expect(Buffer.concat(asking.bytes).toString()).toBe('imok')
    const half = dial()
    half.raw(word('ruo'))
    clock.advance(12_000)
    expect([half.bytes, half.isDestroyed]).toEqual([[], true])
    answers()
  })
})

test('paths of a megabyte cost others nothing, and nothing is left of them', async () => {
  const { dial, clock, other, answers } = await scene({ fourLetterWordWhitelist: 'wchs' })
  const client = dial()
  client.connect()
  for (const path of [`/${'x'.repeat(1_000_000)}`, '/x'.repeat(500_000), `${'/'.repeat(1_000_000)}`]) {
    client.send(opCode.create, (writer) => writeCreateRequest(writer, { ...create, path }))
    for (const type of [opCode.getData, opCode.exists, opCode.getChildren]) {
      client.send(type, (writer) => writePathWatchRequest(writer, { path, watch: true }))
    }
    client.send(opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path, mode: 1 }))
    client.send(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path }))
    clock.endTurn()
    answers()
  }
  client.closed()
  clock.endTurn()
  const asking = dial()
  asking.raw(word('wchs'))
  expect(Buffer.concat(asking.bytes).toString()).toContain('Total watches:0')
  expect(other.call(opCode.getAllChildrenNumber, (writer) => writePathRequest(writer, { path: '/' })).err).toBe(0)
})
