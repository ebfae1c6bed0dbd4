import dns from 'node:dns'
import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Link } from '../network.ts'
import { linkThread } from './link-thread.ts'
import { nodeNetwork } from './network.ts'

const network = nodeNetwork()

/** A listener on loopback whose accepted link and events a test can wait for. */
/** The events, in order, and a wait for one of them. */
function recorder() {
  const seen: string[] = []
  const waiting: (() => void)[] = []
  const record = (what: string): void => {
    seen.push(what)
    for (const wake of waiting.splice(0)) wake()
  }
  const until = async (what: string): Promise<void> => {
    while (!seen.includes(what)) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { seen, record, until }
}

async function pair(): Promise<{
  near: Link
  far: Link
  seen: string[]
  until(what: string): Promise<void>
  close(): Promise<void>
}> {
  const { seen, record, until } = recorder()
  let far: Link | undefined
  const listener = await network.listen('127.0.0.1:0', (link) => {
    far = link
    return {
      data: (chunk) => record(`far data ${chunk.length}`),
      closed: (reason) => record(reason ? 'far failed' : 'far closed'),
    }
  })
  const near = network.connect(listener.address, {
    opened: () => record('near opened'),
    data: (chunk) => record(`near data ${chunk.length} ${chunk.constructor.name}`),
    closed: (reason) => record(reason ? 'near failed' : 'near closed'),
  })
  await until('near opened')
  near.write(Uint8Array.of(1))
  await until('far data 1')
  return { near, far: far as Link, seen, until, close: () => listener.close() }
}

describe('links over TCP', () => {
  test('deliver plain arrays, and what was written before the end', async () => {
    const { far, until, seen, close } = await pair()
    far.write(Uint8Array.of(1, 2, 3))
    far.end()
    await until('near data 3 Uint8Array')
    await until('near closed')
    await until('far closed')
    expect(seen.filter((each) => each.includes('closed')).sort()).toEqual(['far closed', 'near closed'])
    await close()
  })

  test('show the address of the peer and nothing queued once the system took it', async () => {
    const { near, far, until, close } = await pair()
    expect(far.remote).toMatch(/^127\.0\.0\.1:\d+$/)
    near.write(Uint8Array.of(1, 2))
    expect(near.queuedBytes).toBe(0)
    near.destroy()
    await until('near closed')
    expect(near.write(Uint8Array.of(1))).toBe(true)
    await close()
  })

  test('hold bytes back for a peer that does not read, and report when they are gone', async () => {
    const { near, far, until, seen, close } = await pair()
    far.pause()
    const chunk = new Uint8Array(1 << 20)
    while (near.write(chunk)) {}
    for (let i = 0; i < 16; i++) near.write(chunk)
    expect(near.queuedBytes).toBeGreaterThan(0)
    far.resume()
    while (near.queuedBytes > 0) await new Promise((resolve) => setImmediate(resolve))
    near.end()
    await until('near closed')
    expect(seen.at(-1)).toContain('closed')
    await close()
  })

  test('report a refused connection as closed with a reason, after connect returned', async () => {
    const listener = await network.listen('127.0.0.1:0', () => ({ data() {}, closed() {} }))
    await listener.close()
    const reason = await new Promise<Error | undefined>((resolve) => {
      let hasReturned = false
      network.connect(listener.address, {
        data() {},
        closed(error) {
          expect(hasReturned).toBe(true)
          resolve(error)
        },
      })
      hasReturned = true
    })
    expect(reason?.message).toContain('ECONNREFUSED')
  })

  test('reject a listen on an address that is taken', async () => {
    const listener = await network.listen('127.0.0.1:0', () => ({ data() {}, closed() {} }))
    await expect(network.listen(listener.address, () => ({ data() {}, closed() {} }))).rejects.toThrow('EADDRINUSE')
    await listener.close()
  })
})

describe('links with a thread of their own', () => {
  async function threaded() {
    const { seen, record, until } = recorder()
    let far: Link | undefined
    const listener = await network.listen('127.0.0.1:0', (link) => {
      far = link
      return {
        data: (chunk) => record(`far data ${chunk.join()}`),
        closed: () => record('far closed'),
      }
    })
    const events = {
      opened: () => record('near opened'),
      data: (chunk: Uint8Array) => record(`near data ${chunk.join()}`),
      kept: () => record('kept'),
      closed: (reason?: Error) => record(reason ? `near failed: ${reason.message}` : 'near closed'),
    }
    const near = network.connect(listener.address, events, { hasThread: true })
    await until('near opened')
    return { near, seen, until, far: () => far as Link, address: listener.address, close: () => listener.close() }
  }

  test('carry data both ways and end in order', async () => {
    const { near, far, until, seen, close } = await threaded()
    near.write(new Uint8Array([9, 1, 2, 9]).subarray(1, 3))
    await until('far data 1,2')
    far().write(Uint8Array.of(7))
    far().end()
    await until('near closed')
    expect(seen.filter((what) => what !== 'far closed')).toEqual([
      'near opened',
      'far data 1,2',
      'near data 7',
      'near closed',
    ])
    near.write(Uint8Array.of(1))
    near.destroy()
    await close()
  })

  test('send the frame that keeps the connection alive, and report it before its answer', async () => {
    const { near, far, until, seen, close } = await threaded()
    near.keepAlive?.({ frame: Uint8Array.of(5, 5), everyMs: 20, patienceMs: 60_000 })
    await until('far data 5,5')
    far().write(Uint8Array.of(6))
    await until('near data 6')
    expect(seen.indexOf('kept')).toBeLessThan(seen.indexOf('near data 6'))
    near.destroy()
    await until('far closed')
    await close()
  })

  test('report why they could not be opened', async () => {
    const { address, near, until, seen, close } = await threaded()
    near.destroy()
    await until('near closed')
    await close()
    const reason = await new Promise<Error | undefined>((closed) => {
      network.connect(address, { data() {}, closed }, { hasThread: true })
    })
    expect(reason?.message).toContain('ECONNREFUSED')
    expect(seen).toContain('near closed')
    const tls = { checkServerIdentity: () => undefined }
    const refused = await new Promise<Error | undefined>((closed) => {
      network.connect(address, { data() {}, closed }, { hasThread: true, tls })
    })
    expect(refused?.message).toContain('TLS options that are functions cannot be passed to it')
  })
})

describe('a name whose addresses all refuse is reported with each of them and why', () => {
  const both = ['127.0.0.1', '127.0.0.2']
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each([
    ['without TLS', undefined],
    ['with TLS', { rejectUnauthorized: true }],
  ])('%s', async (_, tls) => {
    const listener = await network.listen('127.0.0.1:0', () => ({ data() {}, closed() {} }))
    const port = listener.address.split(':')[1]
    await listener.close()
    const found = both.map((address) => ({ address, family: 4 }))
    vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: unknown, done: (...all: unknown[]) => void) =>
      done(null, found)) as unknown as typeof dns.lookup)
    const reason = await new Promise<(Error & { code?: string }) | undefined>((closed) => {
      network.connect(`zk1:${port}`, { data() {}, closed }, { tls })
    })
    expect(reason?.message).toBe(both.map((host) => `connect ECONNREFUSED ${host}:${port}`).join('; '))
    expect(reason?.code).toBe('ECONNREFUSED')
  })

  test('with a thread of its own', () => {
    const socket = Object.assign(new EventEmitter(), { setNoDelay() {} })
    const said: unknown[] = []
    const port = Object.assign(new EventEmitter(), { postMessage: (message: unknown) => void said.push(message) })
    const plan = { host: 'zk1', port: 1, tls: undefined, aliveAt: new BigInt64Array(1) }
    linkThread(plan, port as never, { createConnection: () => socket } as never, undefined as never)
    const refused = both.map((host) => new Error(`connect ECONNREFUSED ${host}:1`))
    socket.emit('error', Object.assign(new AggregateError(refused), { code: 'ECONNREFUSED' }))
    socket.emit('close')
    expect(said).toEqual([
      { kind: 'closed', message: refused.map(({ message }) => message).join('; '), code: 'ECONNREFUSED' },
    ])
  })
})

describe('a listener at a name', () => {
  const at = (family: number): { address: string; family: number } =>
    family === 4 ? { address: '127.0.0.1', family } : { address: '::1', family }
  const dial = (address: string): Promise<string> =>
    new Promise((resolve) => {
      const link = network.connect(address, {
        opened() {
          resolve('reached')
          link.destroy()
        },
        data() {},
        closed: (reason) => resolve(`closed: ${reason?.message}`),
      })
    })

  test.each([
    [[6, 4], '127.0.0.1'],
    [[4, 6], '127.0.0.1'],
    [[6], '[::1]'],
  ])('with addresses of the kinds %j is at %s, where a program in Java dials', async (kinds, host) => {
    const listener = await nodeNetwork(undefined, async () => kinds.map(at)).listen('zk1:0', () => ({
      data() {},
      closed() {},
    }))
    expect(listener.address).toMatch(/^zk1:\d+$/)
    expect(await dial(`${host}:${listener.address.split(':')[1]}`)).toBe('reached')
    await listener.close()
  })

  test('that nobody knows is refused with the error of the system', async () => {
    const unknown = new Error('getaddrinfo ENOTFOUND zk1')
    const listening = nodeNetwork(undefined, () => Promise.reject(unknown)).listen('zk1:0', () => ({
      data() {},
      closed() {},
    }))
    await expect(listening).rejects.toBe(unknown)
  })
})
