/** A normal client that watches two hundred thousand paths reaches no limit, and its end disturbs no other client. */
import { opCode, writePathWatchRequest } from '@lightkeeper/protocol'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

test('two hundred thousand watches on paths of a hundred characters are set, notified, and removed', async () => {
  await using server = await startServer({ port: 0 })
  const watching = await RawClient.open(server.port)
  const path = (index: number): string => `/services/${'a-name-of-some-length-'.repeat(4)}${index}`
  for (let from = 0; from < 200_000; from += 10_000) {
    const calls = Array.from({ length: 10_000 }, (_, i) =>
      watching.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path: path(from + i), watch: true })),
    )
    expect((await Promise.all(calls)).every(({ err }) => err === -101)).toBe(true)
  }
  await using other = await RawClient.open(server.port)
  await other.create('/services')
  for (const index of [0, 199_999]) expect((await other.create(path(index))).err).toBe(0)
  await watching.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path: '/', watch: false }))
  expect(watching.events).toBe(2)
  await watching[Symbol.asyncDispose]()
  expect((await other.create('/after')).err).toBe(0)
})
