import { opCode, writePathWatchRequest } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { handServer } from '../server.harness.ts'

test('connections whose sessions end at once are ended in slices, and others are answered in between', async () => {
  const { dial, clock } = await handServer({ maxClientCnxns: 0 })
  const leaving = Array.from({ length: 100 }, () => {
    const client = dial()
    client.connect()
    client.fault = (call) => {
      if (call === 'end') clock.time += 0.25
    }
    return client
  })
  const other = dial()
  other.connect()
  for (const client of leaving) client.send(opCode.closeSession)
  const ended = (): number => leaving.filter(({ isEnded }) => isEnded).length
  while (ended() === 0) clock.oneTurn()
  for (let before = ended(); before < leaving.length; before = ended()) {
    other.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path: '/', watch: false }))
    clock.oneTurn()
    expect(other.next().err).toBe(0)
    expect(ended() - before).toBeGreaterThan(0)
    expect(ended() - before).toBeLessThanOrEqual(4)
  }
  for (const client of leaving) expect(client.next().err).toBe(0)
})

test('a link that cannot be ended is cut, and those behind it are ended', async () => {
  const { dial, clock } = await handServer()
  const [broken, sound] = [dial(), dial()]
  for (const client of [broken, sound]) client.connect()
  broken.fault = (call) => {
    if (call === 'end') throw new Error('the host says no')
  }
  for (const client of [broken, sound]) client.send(opCode.closeSession)
  clock.endTurn()
  expect(broken.isDestroyed).toBe(true)
  expect(sound.isEnded).toBe(true)
})
