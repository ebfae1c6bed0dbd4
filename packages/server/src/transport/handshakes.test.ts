/** Connections of a TLS port before they are admitted, over links that a test moves by hand. */
import type { Link, LinkEvents, LogFact, TlsContext } from '@lightkeeper/runtime'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { ServerStats } from '../stats.ts'
import { Handshakes } from './handshakes.ts'

const hello = Uint8Array.of(0x16, 3, 1, 0, 4, 1, 2, 3, 4)
const context = { number: 1 } as unknown as TlsContext

class HandLink implements Link {
  readonly remote: string
  queuedBytes = 0
  isDestroyed = false
  isPaused = false
  /** What TLS was begun with. */
  begun: { readonly context: TlsContext; readonly received: Uint8Array } | undefined
  peerCertificate: Uint8Array | undefined
  events: LinkEvents | undefined

  constructor(remote: string) {
    this.remote = remote
  }

  startTls = (given: TlsContext, received: readonly Uint8Array[]): void => {
    this.begun = { context: given, received: Buffer.concat(received) }
    this.isPaused = false
  }

  write(): boolean {
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {}

  destroy(): void {
    this.isDestroyed = true
    this.close()
  }

  close(reason?: Error): void {
    const { events } = this
    this.events = undefined
    events?.closed(reason)
  }
}

let clock: HandClock
let stats: ServerStats
let lines: [message: string, facts: Readonly<Record<string, LogFact>> | undefined][]
let handshakes: Handshakes
/** What happened to each connection, by its address. */
let outcomes: Map<string, string[]>

const outcome = (link: Link): string[] => {
  const known = outcomes.get(link.remote) ?? []
  outcomes.set(link.remote, known)
  return known
}

beforeEach(() => {
  clock = new HandClock()
  stats = new ServerStats()
  lines = []
  outcomes = new Map()
  handshakes = make({ handshakeMs: 5_000, handshakesMax: 3 })
})

function make(limits: { handshakeMs: number; handshakesMax: number }): Handshakes {
  const log = (level: string, message: string, facts?: Readonly<Record<string, LogFact>>): void => {
    if (level !== 'debug') lines.push([message, facts])
  }
  return new Handshakes(limits, clock, log, stats, () => context)
}

let port = 1
function dial(mayBePlain = false): HandLink {
  const link = new HandLink(`10.0.0.1:${port++}`)
  link.events = handshakes.accept(link, mayBePlain, {
    admit: (opened) => {
      const seen = outcome(opened)
      seen.push('admitted')
      return {
        data: (chunk) => void seen.push(`data ${Buffer.from(chunk).toString('hex')}`),
        closed: () => void seen.push('closed'),
      }
    },
    ended: (ended) => void outcome(ended).push('ended'),
  })
  return link
}

test('TLS begins when the first record is whole, with every byte of it, however it is cut', () => {
  const link = dial()
  for (const byte of hello.subarray(0, -1)) link.events?.data(Uint8Array.of(byte))
  expect(link.begun).toBeUndefined()
  link.events?.data(Uint8Array.of(4, 99))
  expect(link.begun).toEqual({ context, received: Buffer.from([...hello, 99]) })
  link.events?.opened?.()
  link.events?.data(Uint8Array.of(7))
  link.close()
  expect(outcome(link)).toEqual(['admitted', 'data 07', 'closed'])
  expect([handshakes.count, stats.failedHandshakes]).toEqual([0, 0])
})

test('a connection without TLS is admitted where it may be one, with its first bytes', () => {
  const link = dial(true)
  link.events?.data(new TextEncoder().encode('ruok'))
  expect(outcome(link)).toEqual(['admitted', 'data 72756f6b'])
})

test('a connection without TLS is closed on a port for TLS alone, and that is said once in a while', () => {
  handshakes = make({ handshakeMs: 5_000, handshakesMax: 100 })
  const links = Array.from({ length: 5 }, () => dial())
  for (const link of links) link.events?.data(new TextEncoder().encode('ruok'))
  expect(links.map((link) => [link.isDestroyed, link.begun, outcome(link)])).toEqual(
    links.map(() => [true, undefined, ['ended']]),
  )
  expect(lines.map(([message]) => message)).toEqual([
    'closing a connection that does not speak TLS, on a port for TLS alone',
  ])
})

test.each([
  ['another version', [0x16, 2, 0, 0, 4]],
  ['a record that is too long', [0x16, 3, 1, 0xff, 0xff]],
])('%s ends the connection before TLS costs anything', (_, bytes) => {
  const link = dial(true)
  link.events?.data(Uint8Array.from(bytes))
  expect([link.isDestroyed, link.begun, outcome(link)]).toEqual([true, undefined, ['ended']])
  expect(stats.failedHandshakes).toBe(1)
})

test('a handshake that takes too long is cut, at any of its steps; an admitted connection is not', () => {
  const silent = dial()
  const half = dial()
  half.events?.data(hello.subarray(0, 3))
  const admitted = dial()
  admitted.events?.data(hello)
  admitted.events?.opened?.()
  clock.advance(4_500)
  expect([silent.isDestroyed, half.isDestroyed]).toEqual([false, false])
  clock.advance(2_000)
  expect([silent.isDestroyed, half.isDestroyed, admitted.isDestroyed]).toEqual([true, true, false])
  expect(lines).toEqual([['a TLS handshake failed', { client: half.remote, cause: 'the handshake took too long' }]])
})

test('of too many unfinished handshakes the oldest one goes, so that a new client always finds room', () => {
  const links = Array.from({ length: 5 }, () => dial())
  expect(links.map(({ isDestroyed }) => isDestroyed)).toEqual([true, true, false, false, false])
  expect([handshakes.count, stats.exceededHandshakes]).toEqual([3, 2])
  const honest = links.at(-1) as HandLink
  honest.events?.data(hello)
  honest.events?.opened?.()
  expect(outcome(honest)).toEqual(['admitted'])
})

test('a turn begins four handshakes and no more, the others in the next turns, in their order', () => {
  handshakes = make({ handshakeMs: 5_000, handshakesMax: 100 })
  const links = Array.from({ length: 10 }, () => dial())
  const begun = (): number => links.filter((link) => link.begun !== undefined).length
  for (const link of links) link.events?.data(hello)
  expect(begun()).toBe(4)
  expect(links[4]?.isPaused).toBe(true)
  clock.oneTurn()
  expect(begun()).toBe(8)
  links[8]?.destroy()
  clock.oneTurn()
  expect(links.map((link) => link.begun !== undefined)).toEqual([...new Array(8).fill(true), false, true])
  expect(links[9]?.isPaused).toBe(false)
  clock.oneTurn()
  const late = dial()
  late.events?.data(hello)
  expect(late.begun).toBeDefined()
})

test('bytes without end behind the first record do not pile up', () => {
  handshakes = make({ handshakeMs: 5_000, handshakesMax: 100 })
  const links = Array.from({ length: 5 }, () => dial())
  for (const link of links) link.events?.data(hello)
  const waiting = links.at(-1) as HandLink
  expect(waiting.begun).toBeUndefined()
  waiting.events?.data(new Uint8Array(20_000))
  expect(waiting.isDestroyed).toBe(true)
})

describe('what failed is logged', () => {
  test('in the words of OpenSSL, without its numbers', () => {
    const link = dial()
    link.events?.data(hello)
    const text =
      '40E7A2E2F57F0000:error:0A0000C1:SSL routines:tls_post_process_client_hello:no shared cipher:../ssl/x.c:2220:'
    link.close(new Error(text))
    expect(lines).toEqual([['a TLS handshake failed', { client: link.remote, cause: 'no shared cipher' }]])
    expect(outcome(link)).toEqual(['ended'])
  })

  test('but for a client that connects, says nothing and goes', () => {
    const link = dial()
    link.close()
    expect([lines, stats.failedHandshakes, outcome(link)]).toEqual([[], 0, ['ended']])
  })
})

test('a stop ends what is unfinished', () => {
  const link = dial()
  handshakes.stop()
  expect([link.isDestroyed, handshakes.count]).toEqual([true, 0])
})
