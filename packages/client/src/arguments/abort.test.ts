import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { hearAbort, unhearAbort } from './abort.ts'

test('a signal has one listener, and calls all who wait, in their order', () => {
  const abort = new AbortController()
  const called: number[] = []
  for (let i = 0; i < 20; i++) hearAbort(abort.signal, () => called.push(i))
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
  abort.abort()
  expect(called).toEqual(Array.from({ length: 20 }, (_, i) => i))
})

test('what is taken back is not called, and the last one takes the listener along', () => {
  const abort = new AbortController()
  const called: string[] = []
  const [a, b] = [() => void called.push('a'), () => void called.push('b')]
  hearAbort(abort.signal, a)
  hearAbort(abort.signal, b)
  unhearAbort(abort.signal, a)
  unhearAbort(abort.signal, a)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
  unhearAbort(abort.signal, b)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  hearAbort(abort.signal, b)
  abort.abort()
  expect(called).toEqual(['b'])
})

test('one that is called may take others back, and itself', () => {
  const abort = new AbortController()
  const called: string[] = []
  const second = (): void => void called.push('second')
  const first = (): void => {
    unhearAbort(abort.signal, first)
    unhearAbort(abort.signal, second)
    called.push('first')
  }
  hearAbort(abort.signal, first)
  hearAbort(abort.signal, second)
  abort.abort()
  expect(called).toEqual(['first'])
})

test('a signal that has aborted, and none, call nobody', () => {
  const call = (): void => expect.unreachable()
  hearAbort(AbortSignal.abort(), call)
  hearAbort(undefined, call)
  unhearAbort(undefined, call)
})
