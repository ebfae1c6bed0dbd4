import { describe, expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

describe('the ledger of the demo', () => {
  test('has nothing to say where each order is done once, in epochs that grow', () => {
    const ledger = new Ledger()
    ledger.elected('0x10', 'a')
    ledger.elected('0x20', 'b')
    ledger.collected(2, 0x10n)
    ledger.collected(1, 0x10n)
    ledger.collected(3, 0x20n)
    ledger.reported(1, 'a')
    ledger.reported(3, 'b')
    expect(ledger.settle(3)).toEqual([])
    expect([ledger.done, ledger.terms]).toEqual([3, 2])
  })

  test.each<readonly [string, (ledger: Ledger) => void, string]>([
    ['an order is missing', () => {}, '1 orders were lost: 2'],
    ['an order is found twice', (ledger) => ledger.collected(1, 1n), 'order 1 was done twice'],
    [
      'two workers have done one',
      (ledger) => {
        ledger.reported(1, 'a')
        ledger.reported(1, 'b')
      },
      'order 1 was done by a and by b',
    ],
    ['an order was never written', (ledger) => ledger.collected(9, 1n), 'order 9 was done, and never written'],
    ['what was done is not there', (ledger) => ledger.reported(2, 'a'), 'order 2, done by a, is not among those done'],
    [
      'two are elected at once',
      (ledger) => {
        ledger.elected('5', 'a')
        ledger.elected('5', 'b')
      },
      'a and b were both elected in epoch 5',
    ],
    [
      'a scheduler of the past writes on',
      (ledger) => {
        ledger.collected(2, 7n)
        ledger.collected(3, 6n)
      },
      'order 3 was written in an epoch that was over',
    ],
    ['somebody saw something else', (ledger) => ledger.problem('worker-1 fell over'), 'worker-1 fell over'],
  ])('complains where %s', (_, make, complaint) => {
    const ledger = new Ledger()
    ledger.collected(1, 1n)
    make(ledger)
    expect(ledger.settle(3)).toContain(complaint.replace('1 orders were lost: 2', '2 orders were lost: 2, 3'))
  })
})
