/** Packets and images over one link, wherever it is cut into pieces. */
import { type QuorumPacket, Writer, writeQuorumPacket } from '@lightkeeper/protocol'
import { type Link, type LinkEvents, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { Route } from './dials.ts'
import { LeaderLink } from './leader-link.ts'
import { HandNetwork } from './links.harness.ts'
import { LoginError } from './member-logins.ts'

let network: HandNetwork
let clock: HandClock
let seen: string[]
let leader: Link
let received: Uint8Array[]
/** The sizes of the pieces that an image got. */
let pieces: number[]

const packet = (type: QuorumPacket['type'], zxid: bigint): QuorumPacket => ({ type, zxid, data: null, authinfo: null })
const bytesOf = (...packets: readonly QuorumPacket[]): Uint8Array => {
  const writer = new Writer()
  for (const each of packets) writeQuorumPacket(writer, each)
  return writer.written()
}
const mark = Uint8Array.from([0, 0, 0, 10, ...new TextEncoder().encode('BenWasHere')])

beforeEach(async () => {
  network = new HandNetwork()
  clock = new HandClock()
  seen = []
  received = []
  pieces = []
})

async function listen(): Promise<void> {
  await network.listen('leader:2888', (link): LinkEvents => {
    leader = link
    return { data: (chunk) => void received.push(chunk), closed: () => void seen.push('leader: closed') }
  })
}

/** Takes an image of so many bytes at SNAP, piece by piece. */
function dial(imageBytes = 0, route = new Route(['leader:2888'])): LeaderLink {
  const link = new LeaderLink(route, nodeRuntime({ network, clock, log: silentLog }), () => 1000, 10_000, {
    opened: () => void seen.push('opened'),
    packet({ type, zxid }) {
      seen.push(`${type} ${zxid}`)
      if (type !== 'SNAP') return
      let left = imageBytes
      const receiver = {
        get isDone() {
          return left === 0
        },
        async push(bytes: Uint8Array) {
          pieces.push(bytes.length)
          const taken = Math.min(left, bytes.length)
          left -= taken
          await Promise.resolve()
          return taken
        },
      }
      link.takeImage(receiver, () => void seen.push('image'))
    },
    closed: (why) => void seen.push(`closed${why === undefined ? '' : `: ${why.message}`}`),
  })
  return link
}

/** Lets everything arrive, and the image take its pieces. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) {
    network.settle()
    clock.endTurn()
    await Promise.resolve()
  }
}

test('packets of one turn leave in one write', async () => {
  await listen()
  const link = dial()
  await settle()
  link.send(packet('ACK', 1n))
  link.send(packet('ACK', 2n))
  await settle()
  expect(received).toEqual([bytesOf(packet('ACK', 1n), packet('ACK', 2n))])
})

test('a leader that does not listen yet is dialed again, soon at first, for half a second', async () => {
  dial()
  const times: number[] = []
  for (let ms = 0; ms < 1_000; ms++) {
    await settle()
    if (network.dialed.length > times.length) times.push(ms)
    clock.advance(1)
  }
  expect(times).toEqual([0, 10, 30, 70, 150, 310, 630])
  expect(seen).toEqual(['closed: refused'])
})

describe('a leader with several addresses', () => {
  const both = ['leader:2888', 'leader:2889']
  const dialed = (): string[] => network.dialed.map(({ address }) => address)

  test('is reached at once where one address is dead and the other one refuses nobody', async () => {
    network.silent.add('leader:2889')
    await listen()
    dial(0, new Route(both))
    await settle()
    expect(seen).toEqual(['opened'])
    // The other one is not even tried.
    clock.advance(10_001)
    await settle()
    expect(dialed()).toEqual(['leader:2888'])
  })

  test('is reached at the other address a moment later where the first one is dead', async () => {
    network.silent.add('leader:2889')
    await listen()
    dial(0, new Route([...both].reverse()))
    await settle()
    expect(seen).toEqual([])
    clock.advance(50)
    await settle()
    expect(dialed()).toEqual(['leader:2889', 'leader:2888'])
    expect(seen).toEqual(['opened'])
    // The dead one is not waited for any more.
    clock.advance(20_000)
    await settle()
    expect(seen).toEqual(['opened'])
  })

  test('that does not listen yet is tried again while the dead address stays silent', async () => {
    network.silent.add('leader:2889')
    dial(0, new Route([...both].reverse()))
    await settle()
    clock.advance(100)
    await settle()
    await listen()
    clock.advance(100)
    await settle()
    expect(seen).toEqual(['opened'])
  })

  test('that refuses all tries is given up long before the dead address is', async () => {
    network.silent.add('leader:2889')
    dial(0, new Route(both))
    for (let ms = 0; ms < 2_000 && seen.length === 0; ms += 10) {
      await settle()
      clock.advance(10)
    }
    await settle()
    expect(seen).toEqual(['closed: refused'])
    expect(dialed().filter((address) => address === 'leader:2889')).toHaveLength(1)
  })

  test('refuses at all addresses: each has its tries, and the link is over', async () => {
    dial(0, new Route(both))
    for (let ms = 0; ms < 2_000 && seen.length === 0; ms += 10) {
      await settle()
      clock.advance(10)
    }
    expect(seen).toEqual(['closed: refused'])
    expect(dialed()).toHaveLength(14)
  })

  test('is reached at once where one address refuses', async () => {
    await listen()
    dial(0, new Route([...both].reverse()))
    await settle()
    expect(seen).toEqual(['opened'])
    expect(dialed()).toEqual(['leader:2889', 'leader:2888'])
  })

  test.each([
    ['is reached where a login at the other address fails', true, ['opened']],
    [
      'that refuses the login at one address and the connection at the other is said to refuse the login',
      false,
      ['closed: no'],
    ],
  ])('%s', async (_what, listens, says) => {
    if (listens) await listen()
    const connect = network.connect.bind(network)
    network.connect = (address, events) => {
      if (address !== 'leader:2889') return connect(address, events)
      const link = connect('nobody:1', { data() {}, closed: () => events.closed(new LoginError('no')) })
      return link
    }
    dial(0, new Route([...both].reverse()))
    for (let ms = 0; ms < 2_000 && seen.length === 0; ms += 10) {
      await settle()
      clock.advance(10)
    }
    expect(seen).toEqual(says)
  })

  test('is dialed first where it spoke last, and elsewhere where something else accepts connections', async () => {
    await listen()
    const route = new Route(['other:1', 'leader:2888'])
    await network.listen('other:1', (link): LinkEvents => ({ data: () => link.destroy(), closed() {} }))
    const stranger = dial(0, route)
    await settle()
    stranger.send(packet('FOLLOWERINFO', 1n))
    await settle()
    expect(seen).toEqual(['opened', 'closed'])
    for (let i = 0; i < 2; i++) {
      const link = dial(0, route)
      await settle()
      leader.write(bytesOf(packet('LEADERINFO', 1n)))
      await settle()
      link.close()
      await settle()
    }
    expect(dialed()).toEqual(['other:1', 'leader:2888', 'leader:2888'])
    expect(seen.filter((line) => line.startsWith('LEADERINFO'))).toHaveLength(2)
  })
})

test('a leader that listens a little later is reached', async () => {
  dial()
  await settle()
  await listen()
  clock.advance(100)
  await settle()
  expect(seen).toEqual(['opened'])
})

test('a leader that does not answer is given up', async () => {
  network.silent.add('leader:2888')
  dial()
  clock.advance(10_001)
  await settle()
  expect(seen).toEqual(['closed: no answer for 10000 ms'])
})

test('an image and the packets around it arrive in order, wherever the stream is cut', async () => {
  const image = new Uint8Array(30).fill(7)
  const all = Uint8Array.from([
    ...bytesOf(packet('LEADERINFO', 1n), packet('SNAP', 5n)),
    ...image,
    ...mark,
    ...bytesOf(packet('NEWLEADER', 6n), packet('UPTODATE', 7n)),
  ])
  for (let cut = 0; cut <= all.length; cut++) {
    network = new HandNetwork()
    seen = []
    await listen()
    dial(image.length)
    await settle()
    for (const piece of [all.subarray(0, cut), all.subarray(cut)]) if (piece.length > 0) leader.write(piece)
    await settle()
    expect(seen, `cut at ${cut}`).toEqual(['opened', 'LEADERINFO 1', 'SNAP 5', 'image', 'NEWLEADER 6', 'UPTODATE 7'])
  }
})

test('what comes while an image takes earlier bytes is passed to it together', async () => {
  await listen()
  dial(1000)
  await settle()
  leader.write(bytesOf(packet('SNAP', 5n)))
  await settle()
  for (let i = 0; i < 100; i++) leader.write(new Uint8Array(10))
  leader.write(mark)
  await settle()
  expect(pieces).toEqual([10, 990 + mark.length])
  expect(seen).toEqual(['opened', 'SNAP 5', 'image'])
})

test('an image without its end mark ends the link', async () => {
  await listen()
  dial(2)
  await settle()
  leader.write(bytesOf(packet('SNAP', 5n)))
  leader.write(Uint8Array.from([1, 2, ...mark.subarray(0, 13), 0x21]))
  await settle()
  expect(seen.slice(0, 3)).toEqual(['opened', 'SNAP 5', 'closed: no end mark after an image at byte 0'])
})

test('what is no packet ends the link', async () => {
  await listen()
  dial()
  await settle()
  leader.write(new Uint8Array(40).fill(0xaa))
  await settle()
  expect(seen[1]).toMatch(/^closed: unknown quorum packet type|^closed: Unreasonable length/)
})

test('after a close nothing is reported', async () => {
  await listen()
  const link = dial()
  await settle()
  link.send(packet('ACK', 3n))
  link.close()
  await settle()
  expect(received).toEqual([bytesOf(packet('ACK', 3n))])
  expect(seen).toEqual(['opened', 'leader: closed'])
})
