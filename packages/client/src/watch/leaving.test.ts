/** Streams are left while a server does not answer: at once, and nothing stays behind. */
import { opCode } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { connected, type Stage } from '../client.harness.ts'

type Connected = Awaited<ReturnType<typeof connected>>

async function nextOf(stage: Stage, type: number): Promise<{ readonly xid: number }> {
  await stage.clock.advance(0)
  const request = stage.peer.request()
  expect(request.type).toBe(type)
  return request
}

const ways: [string, (stream: AsyncGenerator<unknown>, stop: AbortController) => Promise<unknown>][] = [
  ['the signal aborts', async (_, stop) => stop.abort()],
  ['return() is called', (stream) => stream.return(undefined)],
]

describe.each(ways)('when %s', (_, leave) => {
  const begin = async (): Promise<{
    stage: Connected
    stop: AbortController
    stream: AsyncGenerator<unknown>
    next: Promise<IteratorResult<unknown>>
  }> => {
    const stage = await connected()
    const stop = new AbortController()
    const stream = stage.zk.watch('/a', { signal: stop.signal })
    return { stage, stop, stream, next: stream.next() }
  }

  test('a registration that hangs is not waited for, and what it leaves later is removed', async () => {
    const { stage, stop, stream, next } = await begin()
    const { xid } = await nextOf(stage, opCode.addWatch)
    await leave(stream, stop)
    expect(await next).toEqual({ done: true, value: undefined })
    await stage.clock.advance(0)
    expect(stage.peer.waiting).toBe(0)
    stage.peer.reply(xid)
    await nextOf(stage, opCode.removeWatches)
  })

  test('a read that hangs is not waited for, and its watch is removed', async () => {
    const { stage, stop, stream, next } = await begin()
    stage.peer.reply((await nextOf(stage, opCode.addWatch)).xid)
    await nextOf(stage, opCode.getData)
    await leave(stream, stop)
    expect(await next).toEqual({ done: true, value: undefined })
    await nextOf(stage, opCode.removeWatches)
  })

  test('a codec that hangs is not waited for', async () => {
    const stage = await connected()
    const stop = new AbortController()
    const codec = { encode: (value: Uint8Array) => value, decode: () => new Promise<never>(() => {}) }
    const stream = stage.zk.watch('/a', { signal: stop.signal, codec })
    const next = stream.next()
    stage.peer.reply((await nextOf(stage, opCode.addWatch)).xid)
    stage.peer.reply((await nextOf(stage, opCode.getData)).xid, 0, (writer) => {
      writer.buffer(new Uint8Array(1))
      for (const each of ['long', 'long', 'long', 'long', 'int', 'int', 'int', 'long', 'int', 'int', 'long'] as const) {
        if (each === 'long') writer.long(5n)
        else writer.int(0)
      }
    })
    await stage.clock.advance(0)
    await leave(stream, stop)
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('a stream of states that waits for the next one ends', async () => {
    const stage = await connected()
    const stop = new AbortController()
    const states = stage.zk.states({ signal: stop.signal })
    expect((await states.next()).value).toMatchObject({ kind: 'connected' })
    const next = states.next()
    await leave(states, stop)
    expect(await next).toEqual({ done: true, value: undefined })
  })
})
