/** Connections to a member that nobody leads: whom it lets wait, how many of them, and that none is counted twice or for ever. */
import type { Link, LinkEvents } from '@lightkeeper/runtime'
import { beforeEach, expect, test } from 'vitest'
import { connectFrame } from '../../../../test/support/frames.mjs'
import { HandClock } from '../server.harness.ts'
import { Lobby } from './lobby.ts'

const words = { length: (bytes: Uint8Array) => (bytes[0] === 0x72 ? 4 : 0), answer: () => 'imok' }
let clock: HandClock
let lobby: Lobby
let left: string[]
let closed: string[]
/** Somebody serves clients by now. */
let isServed: boolean

beforeEach(() => {
  clock = new HandClock()
  isServed = false
  lobby = new Lobby(words as never, clock, () => isServed)
  left = []
  closed = []
})

/** Each link tells that it is closed at once. */
function come(remote: string): LinkEvents {
  const link = {
    remote,
    write: () => true,
    end: () => link.destroy(),
    destroy() {
      if (closed.includes(remote)) return
      closed.push(remote)
      events.closed()
    },
  } as unknown as Link
  const events: LinkEvents = lobby.accept(link, () => void left.push(remote))
  return events
}

test('those that wait are let in with what they have said, and are counted no more', () => {
  come('a:1').data(connectFrame())
  come('b:1')
  expect(lobby.count).toBe(2)
  const got: number[] = []
  for (const { enter } of lobby.take())
    enter({ data: (chunk) => void got.push(chunk.length), closed: () => void got.push(0) })
  expect(got).toEqual([connectFrame().length])
  expect(lobby.count).toBe(1)
  expect(left).toEqual([])
})

test('more silent ones than there is room for close the oldest, of the host that has the most', () => {
  come('client:1')
  for (let port = 1; port <= 1_500; port++) come(`stranger:${port}`)
  expect(lobby.count).toBe(1_000)
  expect(closed).toContain('stranger:1')
  expect(closed).not.toContain('client:1')
  clock.advance(2_001)
  expect(lobby.count).toBe(0)
  expect(left).toHaveLength(1_501)
})

test('a handshake larger than one may be is closed, at once or when it has grown', () => {
  come('a:1').data(connectFrame({ passwd: new Uint8Array(60_000) }))
  const growing = come('b:1')
  growing.data(connectFrame())
  for (let i = 0; i < 10; i++) growing.data(new Uint8Array(1_000))
  expect(closed).toEqual(['a:1', 'b:1'])
  expect(lobby.count).toBe(0)
  expect(left).toEqual(['a:1', 'b:1'])
})

test('a handshake that comes when the election is over is let in, on a connection from before', () => {
  const late = come('a:1')
  isServed = true
  late.data(connectFrame())
  expect(closed).toEqual([])
  expect(lobby.take()).toHaveLength(1)
  const later = come('b:1')
  clock.advance(1_500)
  later.data(connectFrame())
  expect(lobby.take()).toHaveLength(1)
})

test('nobody stays when it is closed, whatever he has said', () => {
  come('silent:1')
  come('waiting:1').data(connectFrame())
  lobby.close()
  expect(closed).toEqual(['silent:1', 'waiting:1'])
  expect([lobby.count, lobby.take()]).toEqual([0, []])
})

test('nobody waits for longer than a second from the begin of the election', () => {
  clock.advance(999)
  come('a:1').data(connectFrame())
  clock.advance(2)
  expect(closed).toEqual(['a:1'])
  lobby.begin()
  come('b:1').data(connectFrame())
  expect(closed).toEqual(['a:1'])
})
