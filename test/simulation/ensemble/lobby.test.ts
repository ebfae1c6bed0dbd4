/** Limits of connections hold at a member that nobody leads, and those that wait there are served when somebody does. */
import { afterEach, expect, test } from 'vitest'
import { connectFrame } from '../../support/frames.mjs'
import { host, Three } from './three.ts'

let three: Three
afterEach(() => three.close())

test('an address has as many connections as maxClientCnxns says, before the election ends and behind it', async () => {
  three = new Three(1, { maxClientCnxns: 3 })
  await three.start(1)
  const open = new Set<number>()
  const answered = new Set<number>()
  const come = (i: number): void => {
    open.add(i)
    const link = three.world.runtime('crowd').network.connect(`${host(1)}:2181`, {
      opened: () => void link.write(connectFrame()),
      data: () => void answered.add(i),
      closed: () => void open.delete(i),
    })
  }
  for (let i = 0; i < 10; i++) come(i)
  await three.world.advance(20)
  expect(open.size).toBe(3)
  await three.start(2, 3)
  await three.settled()

  expect(answered).toEqual(open)
  expect(open.size).toBe(3)
  come(10)
  await three.world.advance(50)
  expect(open.size).toBe(3)
  expect(three.lines('too many connections')).not.toEqual([])
})
