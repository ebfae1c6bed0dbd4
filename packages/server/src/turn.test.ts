import { expect, test } from 'vitest'
import { HandClock } from './server.harness.ts'
import { Turn } from './turn.ts'

test('a part gets what it may take, and less when others took more than they leave for it', () => {
  const clock = new HandClock()
  const turn = new Turn(clock)
  expect(turn.share(8)).toBe(8)
  turn.use(6)
  expect([turn.share(8), turn.share(3)]).toEqual([6, 3])
  turn.use(4)
  expect([turn.share(8), turn.share(3), turn.share(8, 6)]).toEqual([2, 2, 8])
  turn.use(40)
  // Something always goes on, of each part.
  expect([turn.share(8), turn.share(0.1)]).toEqual([0.5, 0.5])
  clock.oneTurn()
  expect(turn.share(8)).toBe(8)
})

test('a turn in which little was done asks the host for nothing, and counts together with the next one', () => {
  const clock = new HandClock()
  const turn = new Turn(clock)
  let ends = 0
  turn.atEnd(() => ends++)
  turn.use(0.75)
  clock.oneTurn()
  expect([ends, turn.share(12)]).toEqual([0, 11.25])
  turn.use(0.25)
  turn.use(0.25)
  clock.oneTurn()
  expect([ends, turn.share(12)]).toEqual([1, 12])
})

test('the end of a turn is told once, when the next one has its whole time, and may be asked for again then', () => {
  const clock = new HandClock()
  const turn = new Turn(clock)
  const shares: number[] = []
  turn.atEnd(() => {
    shares.push(turn.share(20))
    if (shares.length < 3) turn.askForEnd()
  })
  turn.use(5)
  turn.askForEnd()
  clock.oneTurn()
  expect(shares).toEqual([12])
  clock.endTurn()
  expect(shares).toEqual([12, 12, 12])
})
