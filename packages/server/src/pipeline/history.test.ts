/** When the log is flushed, and what is reported about it. */
import { opCode } from '@lightkeeper/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { HandClock } from '../server.harness.ts'
import { ServerStats } from '../stats.ts'
import { memoryLog, type TxnLog } from '../storage/txn-log.ts'
import { History } from './history.ts'

let clock: HandClock
let history: History
/** Ends the flush that is under way. */
let done: ((error?: Error) => void) | undefined
let flushes: number
let heard: string[]
let log: TxnLog
let zxid: bigint

beforeEach(() => {
  clock = new HandClock()
  done = undefined
  flushes = 0
  heard = []
  zxid = 0n
  log = {
    ...memoryLog(),
    flush: (then) => {
      flushes++
      done = then
    },
  }
  history = new History(log, clock, new ServerStats(), false, {
    durable: () => void heard.push('durable'),
    failed: ({ message }) => void heard.push(`failed: ${message}`),
    broken: ({ message }) => void heard.push(`broken: ${message}`),
  })
})

const append = (count: number): void => {
  for (let i = 0; i < count; i++) {
    zxid++
    const type = opCode.error
    history.append({
      header: { clientId: 1n, cxid: 0, zxid, time: 0n, type },
      txn: { type, err: -1 },
      digest: undefined,
      ticket: undefined,
      work: 1,
    })
  }
}
const end = (error?: Error): void => {
  const then = done
  done = undefined
  then?.(error)
}

describe('a flush', () => {
  test('comes once at the end of a turn, however much was appended', () => {
    append(100)
    expect(flushes).toBe(0)
    clock.endTurn()
    expect(flushes).toBe(1)
    end()
    expect(heard).toEqual(['durable'])
    clock.endTurn()
    expect(flushes).toBe(1)
  })

  test('begins before the end of a turn in which 128 were appended', () => {
    append(127)
    expect(flushes).toBe(0)
    append(1)
    expect(flushes).toBe(1)
  })

  test('takes in at the next end of a turn what was appended while it ran', () => {
    append(1)
    clock.endTurn()
    append(300)
    clock.endTurn()
    expect(flushes).toBe(1)
    end()
    expect(flushes).toBe(1)
    clock.endTurn()
    expect(flushes).toBe(2)
    end()
    clock.endTurn()
    expect([flushes, heard]).toEqual([2, ['durable', 'durable']])
  })

  test('that fails is reported once and never tried again', () => {
    append(1)
    clock.endTurn()
    end(new Error('no space'))
    expect([heard, history.failure?.message]).toEqual([['failed: no space'], 'no space'])
    append(1)
    clock.endTurn()
    expect(flushes).toBe(1)
  })

  test('that ends after the history was stopped is not reported', () => {
    append(1)
    clock.endTurn()
    history.stop()
    end()
    expect(heard).toEqual([])
  })
})

test('half a record in the log is a broken invariant, and the append throws it too', () => {
  log.beginRecord = () => {
    throw new Error('too long')
  }
  expect(() => append(1)).toThrow('too long')
  expect(heard).toEqual(['broken: too long'])
})
