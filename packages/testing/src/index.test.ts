import { expect, test } from 'vitest'

test('to import the kit leaves nothing behind in the process', async () => {
  const hooks = () => process.eventNames().map((event) => [event, process.listenerCount(event)])
  const before = hooks()
  await import('./index.ts')
  expect(hooks()).toEqual(before)
})
