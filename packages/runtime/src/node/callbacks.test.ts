/** An error in any callback of the host costs one line and at most one connection, never the process. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Log } from '../log.ts'
import type { Link, LinkEvents, Listener } from '../network.ts'
import { nodeRuntime } from './index.ts'

const lines: string[] = []
const log: Log = (level, message, facts) => void lines.push(`${level} ${message} event=${facts?.['event']}`)
const { network, clock } = nodeRuntime({ log })
const bug = new Error('a planted bug')
const closeables: (() => unknown)[] = []
/** Errors that were not caught. The handlers of the test framework are removed during the test. */
const escaped: unknown[] = []
const note = (error: unknown): void => void escaped.push(error)
let before: NodeJS.UncaughtExceptionListener[] = []

beforeEach(() => {
  lines.length = 0
  escaped.length = 0
  before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
})
afterEach(async () => {
  for (const close of closeables.splice(0)) await close()
  process.removeAllListeners('uncaughtException')
  for (const listener of before) process.on('uncaughtException', listener)
  expect(escaped).toEqual([])
})

const until = async (isThere: () => boolean): Promise<void> => {
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve))
}

async function listen(accept: (link: Link) => LinkEvents): Promise<Listener> {
  const listener = await network.listen('127.0.0.1:0', accept)
  closeables.push(() => listener.close())
  return listener
}

interface Heard {
  readonly what: string[]
  readonly events: LinkEvents
}

/** Receives everything, and throws at `event`. */
function hearer(event: keyof LinkEvents | undefined): Heard {
  const what: string[] = []
  const on = (name: string): void => {
    what.push(name)
    if (event !== undefined && name.startsWith(event)) throw bug
  }
  return {
    what,
    events: {
      opened: () => on('opened'),
      data: () => on('data'),
      drained: () => on('drained'),
      kept: () => on('kept'),
      closed: (reason) => on(reason === undefined ? 'closed' : 'closed with a reason'),
    },
  }
}

describe('the side that accepts', () => {
  test('closes a connection whose accept throws, and takes the next', async () => {
    let isFirst = true
    const { address } = await listen(() => {
      if (!isFirst) return { data() {}, closed() {} }
      isFirst = false
      throw bug
    })
    const first = hearer(undefined)
    network.connect(address, first.events)
    await until(() => first.what.some((each) => each.startsWith('closed')))
    expect(lines).toEqual(['error accepting a connection failed; it is closed event=undefined'])
    const second = hearer(undefined)
    const link = network.connect(address, second.events)
    await until(() => second.what.includes('opened'))
    expect(second.what).toEqual(['opened'])
    link.destroy()
  })

  test.each(['data', 'drained'] as const)('closes the one connection where %s throws', async (event) => {
    const bad = hearer(event)
    const good = hearer(undefined)
    const far: Link[] = []
    const { address } = await listen((link) => {
      far.push(link)
      return far.length === 1 ? bad.events : good.events
    })
    const near = network.connect(address, hearer(undefined).events)
    await until(() => far.length === 1)
    const other = network.connect(address, hearer(undefined).events)
    await until(() => far.length === 2)
    if (event === 'data') near.write(Uint8Array.of(1))
    else while ((far[0] as Link).write(new Uint8Array(1 << 20))) {}
    await until(() => bad.what.some((each) => each.startsWith('closed')))
    expect(bad.what.filter((each) => each !== event)).toEqual(['closed with a reason'])
    expect(lines).toEqual([`error an error while serving a connection; it is closed event=${event}`])
    other.write(Uint8Array.of(2))
    await until(() => good.what.includes('data'))
    expect(good.what).toEqual(['data'])
    other.destroy()
  })

  test('outlives what throws when a connection is closed', async () => {
    const bad = hearer('closed')
    const { address } = await listen(() => bad.events)
    const near = network.connect(address, hearer(undefined).events)
    near.end()
    await until(() => bad.what.includes('closed') && lines.length > 0)
    expect(lines).toEqual(['error an error after a connection was closed event=undefined'])
  })
})

describe.each([
  ['a link', false],
  ['a link with a thread', true],
])('the side that connects: %s', (_name, hasThread) => {
  const echo = (): Promise<Listener> => listen((link) => ({ data: (chunk) => void link.write(chunk), closed() {} }))

  test.each(['opened', 'data'] as const)('closes where %s throws', async (event) => {
    const { address } = await echo()
    const bad = hearer(event)
    const link = network.connect(address, bad.events, { hasThread })
    await until(() => bad.what.includes('opened'))
    link.write(Uint8Array.of(1))
    await until(() => bad.what.some((each) => each.startsWith('closed')))
    expect(bad.what.at(-1)).toBe('closed with a reason')
    expect(lines).toEqual([`error an error while serving a connection; it is closed event=${event}`])
  })

  test('outlives what throws when it is closed, or was refused', async () => {
    const listener = await echo()
    const bad = hearer('closed')
    const link = network.connect(listener.address, bad.events, { hasThread })
    await until(() => bad.what.includes('opened'))
    link.destroy()
    await until(() => lines.length === 1)
    await listener.close()
    const refused = hearer('closed')
    network.connect(listener.address, refused.events, { hasThread })
    await until(() => lines.length === 2)
    expect(new Set(lines)).toEqual(new Set(['error an error after a connection was closed event=undefined']))
  })

  test('reports a wrong address by closing, after connect returned', async () => {
    const heard = hearer(undefined)
    network.connect('host:99999', heard.events, { hasThread })
    expect(heard.what).toEqual([])
    await until(() => heard.what.length > 0)
    expect(heard.what).toEqual(['closed with a reason'])
  })
})

test('a link with a thread closes where kept throws', async () => {
  const { address } = await listen(() => ({ data() {}, closed() {} }))
  const bad = hearer('kept')
  const link = network.connect(address, bad.events, { hasThread: true })
  await until(() => bad.what.includes('opened'))
  link.keepAlive?.({ frame: Uint8Array.of(5), everyMs: 1, patienceMs: 60_000 })
  await until(() => bad.what.some((each) => each.startsWith('closed')))
  expect(lines).toEqual(['error an error while serving a connection; it is closed event=kept'])
})

test('a link with a thread closes if a message cannot be passed to the thread', async () => {
  const { address } = await listen(() => ({ data() {}, closed() {} }))
  const heard = hearer(undefined)
  const link = network.connect(address, heard.events, { hasThread: true })
  await until(() => heard.what.includes('opened'))
  const frame = (() => {}) as unknown as Uint8Array
  link.keepAlive?.({ frame, everyMs: 1, patienceMs: 60_000 })
  await until(() => heard.what.length > 1)
  expect(heard.what).toEqual(['opened', 'closed with a reason'])
})

test('a name that cannot be resolved closes, and a service that has none rejects', async () => {
  const heard = hearer(undefined)
  network.connect('no-such-host.invalid:1', heard.events)
  await until(() => heard.what.length > 0)
  expect(heard.what).toEqual(['closed with a reason'])
  await expect(network.service('_zk._tcp.no-such-host.invalid')).rejects.toThrow()
})

test('timers and ends of turns outlive what throws in one of them', async () => {
  let ran = 0
  const task = (): void => {
    ran++
    throw bug
  }
  clock.after(0, task)
  clock.turnEnd(task)
  clock.turnEnd(() => void ran++)
  await until(() => ran === 3)
  expect(lines).toEqual(Array.from({ length: 2 }, () => 'error a task of a timer failed event=undefined'))
})

test('a log that throws takes nothing along', async () => {
  const careless = nodeRuntime({
    log: () => {
      throw bug
    },
  })
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  careless.clock.turnEnd(() => {
    throw bug
  })
  expect((await warned).message).toContain('a planted bug')
})

test('a socket that was reset before accept is dropped, and the next is accepted', async () => {
  let accepted = 0
  const { address } = await listen(() => {
    accepted++
    return { data() {}, closed() {} }
  })
  // The socket is looked at after the reset has arrived: the loop is blocked until then.
  const script = `const s = require('node:net').connect(${address.split(':')[1]}, '127.0.0.1', () => s.resetAndDestroy())`
  for (let i = 0; i < 3; i++) spawnSync(process.execPath, ['-e', script])
  const heard = hearer(undefined)
  const link = network.connect(address, heard.events)
  await until(() => heard.what.includes('opened') && accepted > 0)
  expect(heard.what).toEqual(['opened'])
  link.destroy()
})

test('every part of the host can be replaced', () => {
  const { clock, random, network, disk, memory, trace } = nodeRuntime()
  const own = { clock, random, network, disk, memory, trace }
  expect(nodeRuntime(own)).toMatchObject(own)
  for (const [name, part] of Object.entries(own)) expect(nodeRuntime(own)).toHaveProperty(name, part)
})

test('this file would see an error that escapes', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.close(() => {
    throw bug
  })
  await until(() => escaped.length > 0)
  expect(escaped.splice(0)).toEqual([bug])
})
