import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { KeeperError, opCode } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { connected, type ServerEnd, stage } from './client.harness.ts'

function answer(peer: ServerEnd): void {
  const { xid } = peer.request()
  peer.reply(xid, 0, (writer) => writer.int(1))
}

describe('stats', () => {
  test('count requests, their times, what was lost and what came of it', async () => {
    const made = await connected()
    const { zk, clock } = made
    const first = zk.countDescendants('/a')
    await clock.advance(0)
    await clock.advance(40)
    answer(made.peer)
    await first
    expect(zk.stats()).toMatchObject({
      state: 'connected',
      requests: { sent: 1, answered: 1, inFlight: 0, queued: 0, lost: 0 },
      latency: { count: 1, meanMs: 40, maxMs: 40, p50Ms: 40, p99Ms: 40 },
      connections: { attempts: 1, established: 1, pings: 0 },
    })
    const read = zk.countDescendants('/b')
    const write = zk.create('/c', '').catch((error: unknown) => error as KeeperError)
    await clock.advance(0)
    expect(zk.stats().requests.inFlight).toBe(2)
    made.peer.lose()
    await clock.advance(2000)
    made.peer.open()
    made.peer.accept()
    await clock.advance(0)
    const types: number[] = []
    for (; made.peer.waiting > 0; await clock.advance(0)) {
      const { xid, type } = made.peer.request()
      types.push(type)
      if (type === opCode.getAllChildrenNumber) made.peer.reply(xid, 0, (writer) => writer.int(1))
      else made.peer.reply(xid, type === opCode.sync ? 0 : -101, () => {}, 20n)
    }
    await read
    expect(await write).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'unknown' })
    expect(types).toEqual([opCode.getAllChildrenNumber, opCode.sync, opCode.getData, opCode.exists])
    expect(zk.stats()).toMatchObject({
      requests: { lost: 2, repeated: 1, recovered: 1 },
      connections: { attempts: 2, established: 2 },
    })
    expect(zk.stats().bytes.sent).toBeGreaterThan(100)
    expect(zk.stats().bytes.received).toBeGreaterThan(100)
  })

  test('show that the process did not run its timers, and warn', async () => {
    const lines: string[] = []
    const made = await connected({ runtime: { log: (level, message) => void lines.push(`${level} ${message}`) } })
    made.clock.time += 3500
    await made.clock.advance(1)
    // To within a tenth of the session timeout.
    expect(made.zk.stats().eventLoop).toEqual({ longestStallMs: 2600, stalls: 0 })
    made.peer.reply(-2)
    made.clock.time += 8000
    await made.clock.advance(1)
    expect(made.zk.stats().eventLoop.stalls).toBe(1)
    expect(lines).toContain('warn the event loop was blocked; pings are late')
  })
})

describe('channels', () => {
  test('trace each request with its name, path and end', async () => {
    const { zk, clock, peer } = await connected()
    const told: string[] = []
    const tracing = tracingChannel<{ operation: string; path: string; error?: unknown }>('lightkeeper.request')
    const subscribers = {
      start: ({ operation, path }: { operation: string; path: string }) => void told.push(`start ${operation} ${path}`),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: ({ operation }: { operation: string }) => void told.push(`end ${operation}`),
      error: ({ error }: { error?: unknown }) => void told.push(KeeperError.is(error) ? error.code : 'no'),
    }
    tracing.subscribe(subscribers as never)
    const good = zk.countDescendants('/a')
    const bad = zk.countDescendants('/b').catch(() => {})
    await clock.advance(0)
    answer(peer)
    peer.reply(peer.request().xid, -101)
    await Promise.all([good, bad])
    tracing.unsubscribe(subscribers as never)
    void zk.countDescendants('/c').catch(() => {})
    expect(told).toEqual([
      'start countDescendants /a',
      'start countDescendants /b',
      'end countDescendants',
      'NO_NODE',
      'end countDescendants',
    ])
  })

  test('never carry what a request gave', async () => {
    const { zk, clock, peer } = await connected()
    const name = 'tracing:lightkeeper.request:asyncEnd'
    const ends: object[] = []
    const note = (message: unknown): void => void ends.push({ ...(message as object) })
    subscribe(name, note)
    const reading = zk.get('/w')
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => {
      writer.buffer(new TextEncoder().encode('secret'))
      for (let i = 0; i < 17; i++) writer.int(0)
    })
    expect(new TextDecoder().decode((await reading).data)).toBe('secret')
    unsubscribe(name, note)
    expect(ends).toMatchObject([{ operation: 'get', path: '/w', result: undefined }])
  })

  test('carry states, attempts to connect and what watches deliver, and never data', async () => {
    const told: unknown[] = []
    const note = (message: unknown, name: string | symbol): void => void told.push([name, message])
    const names = ['lightkeeper.state', 'lightkeeper.watch', 'tracing:lightkeeper.connect:error'] as const
    for (const name of names) subscribe(name, note)
    const made = stage({}, 'a:1,b:2')
    await made.clock.advance(0)
    made.peer.lose('refused')
    await made.clock.advance(1000)
    made.peer.open()
    made.peer.accept()
    await made.clock.advance(0)
    const zk = await made.connecting
    const next = zk.watch('/w').next()
    await made.clock.advance(0)
    made.peer.reply(made.peer.request().xid, 0, (writer) => writer.int(0))
    await made.clock.advance(0)
    made.peer.reply(made.peer.request().xid, 0, (writer) => {
      writer.buffer(new TextEncoder().encode('secret'))
      for (let i = 0; i < 17; i++) writer.int(0)
    })
    await next
    for (const name of names) unsubscribe(name, note)
    expect(channel('lightkeeper.state').hasSubscribers).toBe(false)
    expect(told).toMatchObject([
      ['tracing:lightkeeper.connect:error', { error: { message: expect.stringContaining('refused') } }],
      ['lightkeeper.state', { kind: 'connected' }],
      ['lightkeeper.watch', { root: '/w', kind: 'created', path: '/w', via: 'snapshot', missed: 0 }],
    ])
    expect(told.flatMap((each) => Object.keys((each as [string, object])[1]))).not.toContain('value')
  })
})
