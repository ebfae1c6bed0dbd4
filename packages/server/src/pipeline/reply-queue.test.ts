/** The order of the replies of one connection, and how much may wait in it. */
import { opCode } from '@lightkeeper/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decided, ReplyQueue, Ticket, type Unanswered, type WaitingRead } from './reply-queue.ts'

const write = (xid: number): Ticket<string> => new Ticket('caller', xid, opCode.setData)
const decided = (xid: number): Decided => ({ kind: 'decided', xid, zxid: 0n, err: 0, isLast: false })
const read = (xid: number, expectedBytes = 0): WaitingRead => ({
  kind: 'waiting',
  xid,
  type: opCode.getData,
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  expectedBytes,
  identities: [],
})
const queueOf = (...requests: readonly Unanswered<string>[]): ReplyQueue<string> => {
  const queue = new ReplyQueue<string>()
  for (const request of requests) queue.push(request)
  return queue
}

describe('what can be answered', () => {
  test('nothing, where nothing was asked', () => {
    const queue = queueOf()
    expect([queue.hasAnswer, queue.length, queue.take()]).toEqual([false, 0, undefined])
  })

  test('a read and a decided reply', () => {
    expect(queueOf(read(1)).hasAnswer).toBe(true)
    expect(queueOf(decided(1)).hasAnswer).toBe(true)
  })

  test('no ticket without a verdict, and nothing behind it', () => {
    const ticket = write(1)
    const queue = queueOf(ticket, read(2), decided(3))
    expect([queue.hasAnswer, queue.isNext(ticket)]).toEqual([false, true])
    expect(queue.take()).toBe(ticket)
    expect(queue.hasAnswer).toBe(true)
  })

  test.each([0, -5])('a ticket whose verdict is %i', (verdict) => {
    const ticket = write(1)
    const queue = queueOf(ticket)
    ticket.verdict = verdict
    expect(queue.hasAnswer).toBe(true)
  })

  test('a verdict behind a ticket that has none changes nothing', () => {
    const [first, second] = [write(1), write(2)]
    const queue = queueOf(first, second)
    second.verdict = -5
    expect([queue.hasAnswer, queue.isNext(second)]).toEqual([false, false])
  })
})

test('replies leave in the order of the requests', () => {
  const request = fc.nat(2).map((kind) => [write, read, decided][kind] as (xid: number) => Unanswered<string>)
  fc.assert(
    fc.property(fc.array(fc.option(request)), (steps) => {
      const queue = new ReplyQueue<string>()
      const expected: Unanswered<string>[] = []
      for (const [xid, make] of steps.entries()) {
        // A step that asks nothing answers something.
        if (make === null) expect(queue.take()).toBe(expected.shift())
        else {
          const asked = make(xid)
          queue.push(asked)
          expected.push(asked)
        }
        expect(queue.length).toBe(expected.length)
      }
    }),
  )
})

describe('how much may wait in front of a write', () => {
  test('fewer than 256 reads', () => {
    const queue = queueOf(write(0))
    for (let xid = 1; xid <= 256; xid++) {
      expect(queue.hasRoom, `${xid}`).toBe(true)
      queue.push(read(xid))
    }
    expect(queue.hasRoom).toBe(false)
    queue.take()
    expect(queue.hasRoom).toBe(false)
    queue.take()
    expect(queue.hasRoom).toBe(true)
  })

  test('reads whose replies are less than a mebibyte', () => {
    const queue = queueOf(write(0), read(1, (1 << 20) - 1))
    expect(queue.hasRoom).toBe(true)
    queue.push(read(2, 1))
    expect(queue.hasRoom).toBe(false)
    queue.take()
    queue.take()
    expect(queue.hasRoom).toBe(true)
  })

  test('as many writes and decided replies as there are', () => {
    const queue = new ReplyQueue<string>()
    for (let xid = 0; xid < 1000; xid++) queue.push(xid % 2 === 0 ? write(xid) : decided(xid))
    expect(queue.hasRoom).toBe(true)
  })

  test('nothing is left to wait for after the connection is gone', () => {
    const queue = queueOf(read(1, 2 << 20))
    expect(queue.hasRoom).toBe(false)
    queue.clear()
    expect([queue.hasRoom, queue.hasAnswer, queue.length]).toEqual([true, false, 0])
  })
})
