/** Two servers share one link, dialed by the one with the larger sid; each has its own queue of one. */
import { type Notification, Writer, writeInitialMessage, writeNotification } from '@lightkeeper/protocol'
import { formatLine, type Link, type LinkEvents, type Log, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { ElectionLinks, type ElectionLinksOptions } from './election-links.ts'
import { HandNetwork } from './links.harness.ts'

const addresses = new Map([1, 2, 4].map((sid) => [sid, [`h${sid}:3888`]]))

let network: HandNetwork
let clock: HandClock
let heard: string[]

beforeEach(() => {
  network = new HandNetwork()
  clock = new HandClock()
  heard = []
})

async function links(
  sid: number,
  log: Log = silentLog,
  more: Partial<ElectionLinksOptions> = {},
): Promise<ElectionLinks> {
  const peers = new Map([...addresses].filter(([each]) => each !== sid))
  const own = addresses.get(sid) as string[]
  const at = { ownAddresses: own, listenAddresses: own, hasSeveral: false, recheckMs: undefined }
  const options = { sid, ...at, peers, connectTimeoutMs: 5_000, ...more }
  const runtime = nodeRuntime({ network, clock, log })
  const made = new ElectionLinks(
    options,
    runtime,
    (from, { round }) => void heard.push(`${sid} heard ${round} of ${from}`),
  )
  await made.listen()
  return made
}

const vote = (round: number): Notification => ({
  state: 'looking',
  leader: 1,
  zxid: 0n,
  round,
  peerEpoch: 0,
  version: 2,
  config: new Uint8Array(0),
})

const initial = (sid: number): Uint8Array => {
  const writer = new Writer()
  writeInitialMessage(writer, { sid, addresses: ['h:1'] })
  return writer.written()
}

function frameOfVote(round: number): Uint8Array {
  const writer = new Writer()
  const mark = writer.beginFrame()
  writeNotification(writer, vote(round))
  writer.endFrame(mark)
  return writer.written().slice()
}

/** A stranger dials a server and sends these bytes. */
function dialWith(address: string, ...chunks: readonly Uint8Array[]): { readonly link: Link; isClosed: boolean } {
  const state: { link: Link; isClosed: boolean } = { link: undefined as unknown as Link, isClosed: false }
  const events: LinkEvents = {
    opened() {
      for (const chunk of chunks) state.link.write(chunk)
    },
    data() {},
    closed: () => void (state.isClosed = true),
  }
  state.link = network.connect(address, events)
  network.settle()
  return state
}

test('the larger sid keeps its dial, and both send over it', async () => {
  const small = await links(1)
  const large = await links(4)
  large.send(1, vote(7))
  network.settle()
  small.send(4, vote(8))
  network.settle()
  expect(heard).toEqual(['1 heard 7 of 4', '4 heard 8 of 1'])
  expect(network.dialed.map(({ address }) => address)).toEqual(['h1:3888'])
})

test('the smaller sid says who it is and is dialed back; its message goes over that link', async () => {
  const small = await links(1)
  await links(4)
  small.send(4, vote(3))
  network.settle()
  expect(network.dialed.map(({ address }) => address)).toEqual(['h4:3888', 'h1:3888'])
  expect(heard).toEqual(['4 heard 3 of 1'])
})

test('of two messages that wait for a link only the newer one is sent', async () => {
  const small = await links(1)
  await links(4)
  small.send(4, vote(1))
  small.send(4, vote(2))
  network.settle()
  expect(heard).toEqual(['4 heard 2 of 1'])
})

test('a new link begins with the last message, which the old one may have lost', async () => {
  const small = await links(1)
  const large = await links(4)
  large.send(1, vote(1))
  network.settle()
  network.dialed.at(-1)?.end.destroy()
  network.settle()
  large.send(1, vote(2))
  network.settle()
  expect(heard).toEqual(['1 heard 1 of 4', '1 heard 2 of 4'])
  await small.close()
})

test('a server that does not answer delays no other one, and is dialed again later', async () => {
  await links(1)
  const large = await links(4)
  network.silent.add('h2:3888')
  large.send(2, vote(1))
  large.send(1, vote(1))
  network.settle()
  expect(heard).toEqual(['1 heard 1 of 4'])
  clock.advance(5_001)
  network.settle()
  network.silent.clear()
  await links(2)
  large.send(2, vote(2))
  network.settle()
  expect(heard).toEqual(['1 heard 1 of 4', '2 heard 2 of 4'])
})

describe('a link over which nothing comes back', () => {
  /** Both ends seem open, and nothing that is sent arrives: as when a machine has lost its power. */
  function loseSilently(): void {
    const { end } = network.dialed.at(-1) as (typeof network.dialed)[number]
    for (const each of [end, end.other]) if (each !== undefined) each.isStuck = true
  }

  test.each([
    [4, 1],
    [1, 4],
  ] as const)('is replaced where server %i goes on asking server %i', async (sid, other) => {
    const asking = await links(sid)
    await links(other)
    asking.send(other, vote(1))
    network.settle()
    loseSilently()
    const dialed = network.dialed.length
    for (let i = 2; i <= 6; i++) {
      clock.advance(2_000)
      asking.send(other, vote(i))
      network.settle()
    }
    expect(network.dialed).toHaveLength(dialed)
    clock.advance(2_000)
    asking.send(other, vote(7))
    network.settle()
    expect(heard).toEqual([`${other} heard 1 of ${sid}`, `${other} heard 7 of ${sid}`])
  })

  test('stays where it was only idle', async () => {
    const large = await links(4)
    await links(1)
    large.send(1, vote(1))
    network.settle()
    clock.advance(3_600_000)
    large.send(1, vote(2))
    network.settle()
    expect(network.dialed).toHaveLength(1)
    expect(heard).toEqual(['1 heard 1 of 4', '1 heard 2 of 4'])
  })

  test('stays where answers come', async () => {
    const large = await links(4)
    const small = await links(1)
    for (let i = 0; i < 20; i++) {
      large.send(1, vote(i))
      network.settle()
      small.send(4, vote(i))
      network.settle()
      clock.advance(2_000)
    }
    expect(network.dialed).toHaveLength(1)
  })
})

describe('a member with several addresses', () => {
  const several = new Map([
    [1, ['a1:3888', 'b1:3888']],
    [4, ['a4:3888', 'b4:3888']],
  ])
  const both = (
    sid: number,
    log: Log = silentLog,
    more: Partial<ElectionLinksOptions> = {},
  ): Promise<ElectionLinks> => {
    const own = several.get(sid) as string[]
    const peers = new Map([...several].filter(([each]) => each !== sid))
    const at = { ownAddresses: own, listenAddresses: own, hasSeveral: true, recheckMs: 1_000 }
    return links(sid, log, { ...at, peers, ...more })
  }
  const dialed = (): string[] => network.dialed.map(({ address }) => address)

  test('is dialed at its first address alone where that answers', async () => {
    await both(1)
    const large = await both(4)
    large.send(1, vote(7))
    network.settle()
    clock.advance(60_000)
    network.settle()
    expect(heard).toEqual(['1 heard 7 of 4'])
    expect(dialed()).toEqual(['a1:3888'])
  })

  test('that dials says all of its addresses, in the form for several', async () => {
    let said: Uint8Array | undefined
    await network.listen('a1:3888', () => ({ data: (chunk) => void (said ??= chunk), closed() {} }))
    const large = await both(4)
    large.send(1, vote(7))
    network.settle()
    const writer = new Writer()
    writeInitialMessage(writer, { sid: 4, addresses: ['a4:3888', 'b4:3888'] }, 'v2')
    expect(said).toEqual(writer.written())
  })

  test.each([
    [4, 1],
    [1, 4],
  ] as const)('is reached by server %i where the first address of server %i is dead', async (sid, other) => {
    for (const each of [1, 4]) network.silent.add(`a${each}:3888`)
    const said: string[] = []
    const asking = await both(sid, (_level, message, facts) => void said.push(formatLine(message, facts)))
    await both(other)
    asking.send(other, vote(1))
    network.settle()
    expect(heard).toEqual([])
    for (let i = 0; i < 2; i++) {
      clock.advance(50)
      network.settle()
    }
    expect(heard).toEqual([`${other} heard 1 of ${sid}`])
    expect(said).toEqual([
      'a member does not answer at an address where it was looked for; it is reached at another one ' +
        `server=${other} address=b${other}:3888 silentAddress=a${other}:3888`,
    ])
  })

  test('whose living address comes later is dialed there while the dead one is still silent', async () => {
    network.silent.add('a1:3888')
    const large = await both(4)
    large.send(1, vote(1))
    network.settle()
    clock.advance(100)
    network.settle()
    await both(1)
    large.send(1, vote(2))
    network.settle()
    expect(heard).toEqual(['1 heard 2 of 4'])
  })

  test.each([
    [4, 1, 1_000],
    [1, 4, 1_000],
    [4, 1, undefined],
  ] as const)(
    'that server %i cannot hear any more, server %i, is soon reached at its other address: %s',
    async (sid, other, recheckMs) => {
      const asking = await both(sid, silentLog, { recheckMs })
      await both(other)
      asking.send(other, vote(1))
      network.settle()
      for (const each of [1, 4]) network.silent.add(`a${each}:3888`)
      for (const { end } of network.dialed)
        for (const each of [end, end.other]) if (each !== undefined) each.isStuck = true
      const before = heard.length
      let ms = 0
      for (let i = 2; heard.length === before && ms < 20_000; i++) {
        for (let step = 0; step < 6; step++) {
          clock.advance(100)
          network.settle()
        }
        ms += 600
        asking.send(other, vote(i))
        network.settle()
      }
      expect(heard.at(-1)).toMatch(new RegExp(`^${other} heard \\d+ of ${sid}$`))
      expect(ms > 10_000).toBe(recheckMs === undefined)
    },
  )

  test('stays at its address where both repeat their votes ever more rarely', async () => {
    const large = await both(4)
    const small = await both(1)
    for (let everyMs = 200; everyMs < 10_000; everyMs *= 2) {
      large.send(1, vote(1))
      network.settle()
      clock.advance(everyMs / 2)
      small.send(4, vote(2))
      network.settle()
      clock.advance(everyMs / 2)
    }
    expect(dialed()).toEqual(['a1:3888'])
  })

  test.each([
    [4, 1],
    [1, 4],
  ] as const)(
    'is reached by server %i although something else accepts connections at the first address of server %i',
    async (sid, other) => {
      const asking = await both(sid)
      await both(other, silentLog, { listenAddresses: [`b${other}:3888`] })
      await network.listen(`a${other}:3888`, (link) => ({ data: () => link.destroy(), closed() {} }))
      for (let i = 1; i <= 2; i++) {
        asking.send(other, vote(i))
        network.settle()
      }
      expect(heard).toEqual([`${other} heard 2 of ${sid}`])
    },
  )

  test('understands one that has no word of several addresses, and is understood by it', async () => {
    const small = await both(1, silentLog, { hasSeveral: false, ownAddresses: ['a1:3888'] })
    const large = await both(4)
    small.send(4, vote(1))
    network.settle()
    large.send(1, vote(2))
    network.settle()
    expect(heard).toEqual(['4 heard 1 of 1', '1 heard 2 of 4'])
  })

  test('listens where it can, says where it cannot, and tries again', async () => {
    const lines: string[] = []
    const log: Log = (_level, message, facts) => void lines.push(formatLine(message, facts))
    const taken = new Set(['b1:3888'])
    const listen = network.listen.bind(network)
    network.listen = async (address, accept) => {
      if (taken.has(address)) throw new Error('it is taken')
      return listen(address, accept)
    }
    await both(1, log)
    expect(lines).toEqual([
      'the election port of this member cannot be opened at one of its addresses; it is tried again ' +
        'address=b1:3888 cause="it is taken"',
    ])
    taken.clear()
    await Promise.resolve()
    network.silent.add('a1:3888')
    clock.advance(200)
    await new Promise((resolve) => setImmediate(resolve))
    const large = await both(4)
    large.send(1, vote(1))
    clock.advance(50)
    network.settle()
    expect(heard).toEqual(['1 heard 1 of 4'])
    for (const address of ['a1:3888', 'b1:3888']) taken.add(address)
    await expect(both(1)).rejects.toThrow(
      /^the election port of this member, a1:3888 and b1:3888 of its line server\.1,/,
    )
  })
})

test('a message that cannot be read is dropped, and the next one is heard', async () => {
  await links(1)
  const short = Uint8Array.of(0, 0, 0, 5, 1, 2, 3, 4, 5)
  const writer = new Writer()
  const mark = writer.beginFrame()
  writer.raw(noteBytes(9))
  writer.endFrame(mark)
  const { isClosed } = dialWith('h1:3888', initial(4), short, writer.written())
  expect(heard).toEqual(['1 heard 9 of 4'])
  expect(isClosed).toBe(false)
})

test.each([
  ['says that it is this server itself', initial(1)],
  ['has no line here', initial(77)],
  ['sends what is no initial message', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
  [
    'is of an unknown version',
    Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  ],
])('a link is closed whose other end %s', async (_what, bytes) => {
  await links(1)
  expect(dialWith('h1:3888', bytes).isClosed).toBe(true)
  expect(heard).toEqual([])
})

test('a frame above the limit ends the link', async () => {
  await links(1)
  expect(dialWith('h1:3888', initial(4), Uint8Array.of(0x7f, 0, 0, 0)).isClosed).toBe(true)
})

test('who says nothing is closed after a while', async () => {
  await links(1)
  const silent = dialWith('h1:3888')
  clock.advance(5_001)
  network.settle()
  expect(silent.isClosed).toBe(true)
})

/** A notification in the form of 40 bytes. */
function noteBytes(round: number): Uint8Array {
  const writer = new Writer()
  writer.int(0)
  writer.long(1n)
  writer.long(0n)
  writer.long(BigInt(round))
  writer.long(0n)
  writer.int(0)
  return writer.written()
}

describe('words for who is no member, or is refused by one', () => {
  let lines: string[]
  const log: Log = (level, message, facts) => void lines.push(`${level} ${formatLine(message, facts)}`)
  const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
  beforeEach(() => void (lines = []))

  test.each([
    [
      'TLS',
      Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
      /cause="it speaks TLS, and this member does not: sslQ/,
    ],
    ['HTTP', ascii('GET / HTTP/1.1\r\n'), /cause="it speaks HTTP"/],
    ['another one', new Uint8Array(40).fill(0xff), /cause="unknown version -1 of an election link/],
  ])('%s on the election port is named, once a minute for one host', async (_what, bytes, says) => {
    await links(1, log)
    for (let tries = 0; tries < 3; tries++) expect(dialWith('h1:3888', bytes).isClosed).toBe(true)
    expect(lines).toEqual([expect.stringMatching(says)])
    expect(lines[0]).toMatch(/^warn closing a connection to the election port: it is not from a member remote=/)
  })

  test('a member that closes each dial without a word is named once', async () => {
    const refusing = await network.listen('h1:3888', (link) => {
      link.destroy()
      return { data() {}, closed() {} }
    })
    const large = await links(4, log)
    for (let round = 1; round <= 5; round++) {
      large.send(1, vote(round))
      network.settle()
    }
    expect(lines).toEqual([
      'warn a member closes each connection to its election port at once; it is tried again server=1 address=h1:3888 ' +
        'cause="see its log: it may want TLS or a login, or have no line for this server"',
    ])
    await refusing.close()
  })

  test('a member that dials back, as one with a larger number does, is not named', async () => {
    const small = await links(1, log)
    const large = await links(4)
    for (let round = 1; round <= 5; round++) {
      small.send(4, vote(round))
      network.settle()
      network.dialed.at(-1)?.end.destroy()
      network.settle()
    }
    expect(lines.filter((line) => line.includes('at once'))).toEqual([])
    await large.close()
  })
})

test('strangers that say nothing keep no member out, however many they are', async () => {
  await links(1)
  const strangers = Array.from({ length: 1_000 }, () => dialWith('h1:3888'))
  expect(strangers.filter(({ isClosed }) => !isClosed)).toHaveLength(256)
  const large = await links(4)
  large.send(1, vote(7))
  network.settle()
  expect(heard).toEqual(['1 heard 7 of 4'])
  clock.advance(5_001)
  network.settle()
  expect(strangers.every(({ isClosed }) => isClosed)).toBe(true)
})

test('more votes than an election has wait, and none of them is lost', async () => {
  await links(1)
  const frames = Array.from({ length: 1_000 }, (_, round) => frameOfVote(round + 1))
  dialWith('h1:3888', Buffer.concat([initial(4), ...frames]))
  expect(heard).toHaveLength(100)
  for (let i = 0; i < 9; i++) clock.advance(100)
  expect(heard).toEqual(frames.map((_, round) => `1 heard ${round + 1} of 4`))
})
