import { expect, test, vi } from 'vitest'
import { firstOf } from './first-of.ts'

test('ends with the first event, also with one that has come already', async () => {
  const never = new Promise<void>(() => {})
  await firstOf([never, Promise.resolve(1)])
  const settled = Promise.resolve(2)
  await settled
  await firstOf([settled])
  await firstOf([settled, never])
})

test('ends with the signal, and with one that has aborted before', async () => {
  const never = new Promise<void>(() => {})
  const stop = new AbortController()
  const waiting = firstOf([never], stop.signal)
  stop.abort()
  await waiting
  await firstOf([never], stop.signal)
})

test('hangs one reaction on an event, however often it is waited for', async () => {
  let settle = (): void => {}
  const event = new Promise<void>((resolve) => (settle = resolve))
  const reactions = vi.spyOn(event, 'then')
  for (let i = 0; i < 100; i++) {
    const stop = new AbortController()
    const waiting = firstOf([event], stop.signal)
    stop.abort()
    await waiting
  }
  const last = firstOf([event])
  settle()
  await last
  expect(reactions).toHaveBeenCalledTimes(1)
})
