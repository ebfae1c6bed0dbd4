/** What a leader sends to a learner arrives in order, whatever is sent meanwhile; a learner that is not one, or takes nothing, is dropped. */
import { type QuorumPacket, QuorumPacketStream, Writer, writeQuorumPacket } from '@lightkeeper/protocol'
import { beforeEach, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { LearnerLink, type LearnerLinkLimits, type Pieces } from './learner-link.ts'
import { HandNetwork } from './links.harness.ts'
import { Outboxes } from './outbox.ts'

let clock: HandClock
let network: HandNetwork
let outboxes: Outboxes
let link: LearnerLink
let received: Uint8Array[]
let packets: string[]
let closed: (string | undefined)[]
let isOver: boolean

let packetBytesMax: number
const limits: LearnerLinkLimits = {
  get packetBytesMax() {
    return packetBytesMax
  },
  budgetBytes: 4_000,
  stallMs: 1_000,
}
const packet = (zxid: bigint, bytes = 0): QuorumPacket => ({
  type: 'PROPOSAL',
  zxid,
  data: new Uint8Array(bytes),
  authinfo: null,
})
const bytesOf = (...all: readonly QuorumPacket[]): Uint8Array => {
  const writer = new Writer(64)
  for (const each of all) writeQuorumPacket(writer, each)
  return writer.written().slice()
}
const dialer = () => network.dialed[0]?.end
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.endTurn()
    network.settle()
  }
}
/** What has arrived, packets by zxid and other bytes as text. */
function arrived(): (bigint | undefined)[] {
  const stream = new QuorumPacketStream(10_000)
  const zxids: (bigint | undefined)[] = []
  for (const chunk of received) {
    stream.push(chunk)
    for (let next = stream.next(); next !== undefined; next = stream.next()) zxids.push(next.zxid)
  }
  return zxids
}

beforeEach(async () => {
  packetBytesMax = 10_000
  clock = new HandClock()
  outboxes = new Outboxes(clock)
  network = new HandNetwork()
  received = []
  packets = []
  closed = []
  isOver = false
  await network.listen('leader:1', (accepted) => {
    link = new LearnerLink(accepted, clock, limits, outboxes, {
      packet: ({ type, zxid }) => void packets.push(`${type} ${zxid}`),
      closed: (why) => void closed.push(why?.message),
    })
    return link.events
  })
  network.connect('leader:1', {
    data: (chunk) => void received.push(chunk),
    closed: () => {
      isOver = true
    },
  })
  network.settle()
})

test('the packets of a turn are one write', async () => {
  for (const zxid of [1n, 2n, 3n]) link.send(packet(zxid))
  network.settle()
  expect(received).toEqual([])
  await settle()
  expect(received).toHaveLength(1)
  expect(arrived()).toEqual([1n, 2n, 3n])
})

test('what is sent while history is under way follows it, also other history', async () => {
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  async function* first(): AsyncGenerator<Uint8Array> {
    yield bytesOf(packet(1n))
    await gate
    yield bytesOf(packet(2n))
  }
  async function* second(): AsyncGenerator<Uint8Array> {
    yield bytesOf(packet(4n), packet(5n))
  }
  let done = 0
  link.stream(first, () => done++)
  link.send(packet(3n))
  link.stream(second, () => done++)
  link.send(packet(6n))
  await settle()
  expect([arrived(), done]).toEqual([[1n], 0])
  go()
  await settle()
  expect([arrived(), done]).toEqual([[1n, 2n, 3n, 4n, 5n, 6n], 2])
})

test('bytes of an image stand between the packets', async () => {
  async function* image(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1, 2)
    yield Uint8Array.of(3)
  }
  link.send(packet(1n))
  link.stream(image, () => link.send(packet(2n)))
  await settle()
  const whole = Uint8Array.from(received.flatMap((chunk) => [...chunk]))
  expect(whole).toEqual(Uint8Array.from([...bytesOf(packet(1n)), 1, 2, 3, ...bytesOf(packet(2n))]))
})

test('memory of a stream is used again when the learner has taken its bytes, and not before', async () => {
  const end = dialer()?.other
  if (end === undefined) throw new Error('no link')
  const stick = (): void => {
    end.isStuck = true
  }
  const taken: boolean[] = []
  async function* image(isTaken: () => boolean): AsyncGenerator<Uint8Array> {
    for (const byte of [1, 2, 3]) {
      yield Uint8Array.of(byte)
      taken.push(isTaken())
      // From the next piece on nothing leaves.
      stick()
    }
  }
  link.stream(image)
  await settle()
  // The second piece waits, and so does whoever makes the third one.
  expect(taken).toEqual([true])
  end.queuedBytes = 0
  end.events?.drained?.()
  await settle()
  expect(taken).toEqual([true, true])
})

test('history that cannot be read ends the connection', async () => {
  // oxlint-disable-next-line require-yield
  async function* broken(): AsyncGenerator<Uint8Array> {
    throw new Error('the log ends early')
  }
  link.stream(broken)
  link.send(packet(2n))
  await settle()
  expect(closed).toEqual(['the log ends early'])
  expect(isOver).toBe(true)
})

test('a learner that does not take its bytes is dropped', async () => {
  const end = dialer()?.other
  if (end === undefined) throw new Error('no link')
  end.isStuck = true
  for (let zxid = 1n; zxid < 10n && closed.length === 0; zxid++) {
    link.send(packet(zxid, 1_000))
    await settle()
  }
  expect(closed).toHaveLength(1)
  expect(closed[0]).toMatch(/^the learner does not take its bytes: \d+ wait for it$/)
})

test('a learner that takes nothing of an image is dropped, one that takes it slowly is not', async () => {
  const end = dialer()?.other
  if (end === undefined) throw new Error('no link')
  end.isStuck = true
  const isClosedEarly: Pieces = (async function* () {
    yield new Uint8Array(2 << 20)
    yield new Uint8Array(1)
  })()
  link.stream(() => isClosedEarly)
  await settle()
  clock.advance(999)
  end.queuedBytes -= 1
  clock.advance(1)
  clock.advance(999)
  expect(closed).toEqual([])
  clock.advance(1)
  expect(closed).toEqual(['the learner took nothing for 1000 ms'])
})

test('a stranger who announces a large packet is dropped, a member may send it', async () => {
  const large = bytesOf(packet(7n, 5_000))
  dialer()?.write(large.subarray(0, 100))
  await settle()
  expect(closed).toHaveLength(1)
  expect(closed[0]).toContain('Unreasonable length = 5000')
})

test('packets of a member come one by one, the first with others behind it', async () => {
  expect(link.isKnown).toBe(false)
  const bytes = bytesOf(packet(1n), packet(2n, 5_000), packet(3n))
  dialer()?.write(bytes.subarray(0, 60))
  await settle()
  dialer()?.write(bytes.subarray(60))
  await settle()
  expect(packets).toEqual(['PROPOSAL 1', 'PROPOSAL 2', 'PROPOSAL 3'])
  expect(link.isKnown).toBe(true)
})

test('a larger limit holds for a member that is there', async () => {
  dialer()?.write(bytesOf(packet(1n)))
  await settle()
  packetBytesMax = 30_000
  dialer()?.write(bytesOf(packet(2n, 20_000)))
  await settle()
  expect([packets, closed]).toEqual([['PROPOSAL 1', 'PROPOSAL 2'], []])
})

test('bytes that are no packet end the connection', async () => {
  dialer()?.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))
  await settle()
  expect(closed).toHaveLength(1)
  expect(packets).toEqual([])
})

test('closing sends what was written before', async () => {
  link.send(packet(1n))
  link.close()
  await settle()
  expect(arrived()).toEqual([1n])
  expect([isOver, closed]).toEqual([true, []])
})
