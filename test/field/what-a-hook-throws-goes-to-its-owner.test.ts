/**
 * Functions of users throw: the error goes to the call that they belong to, in a turn of its own, and is reported once
 * if there is no call.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Client, type ConnectOptions, connect, json, KeeperError, text } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

type Server = Awaited<ReturnType<typeof startServer>>
let server: Server
let zk: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  zk = await connect(server)
  await zk.create('/here', '{}')
})

afterAll(async () => {
  await zk.close()
  await server[Symbol.asyncDispose]()
})

const hidden: ProxyHandler<object> = { get: () => raise('hidden'), has: () => raise('hidden') }

/** What people throw; the last cannot even be looked at. */
const thrown: [string, unknown][] = [
  ['an Error', new Error('of the hook')],
  ['a text', 'of the hook'],
  ['undefined', undefined],
  ['null', null],
  ['what cannot be shown', new Proxy({}, hidden)],
]

function raise(value: unknown): never {
  throw value
}

const never = new Promise<never>(() => {})

/** The client serves and has kept its connection. */
async function isUnharmed(client: Client): Promise<void> {
  const { established } = client.stats().connections
  await client.set('/here', '{}')
  expect([(await client.get('/here')).data.length, client.stats().connections.established]).toEqual([2, established])
  expect(established).toBe(1)
}

interface Settled {
  readonly error: unknown
}

/** The reason of a rejection, inside an object, since the thrown value may look like a promise. */
async function settled(work: Promise<unknown>): Promise<Settled> {
  return work.then(
    () => ({ error: 'it resolved' }),
    (error: unknown) => ({ error }),
  )
}

describe.each(thrown)('%s', (_, value) => {
  const hook = (): never => raise(value)
  /** Compared so, since a matcher would look into it. */
  const isIt = async (work: Promise<unknown>): Promise<boolean> => Object.is((await settled(work)).error, value)

  test('from change of update, sync and async, reaches the caller as it is', async () => {
    expect(await isIt(zk.update('/here', hook))).toBe(true)
    expect(await isIt(zk.update('/here', async () => hook()))).toBe(true)
    await isUnharmed(zk)
  })

  test('from a codec that writes reaches the caller as it is; from one that reads it is the cause of INVALID_DATA', async () => {
    for (const encode of [hook, async () => hook()]) {
      const node = zk.node<string>('/here', { encode, decode: hook })
      expect(await isIt(node.set('x'))).toBe(true)
      expect(await isIt(node.create('x'))).toBe(true)
    }
    for (const decode of [hook, async () => hook()]) {
      const { error } = await settled(zk.node('/here', { encode: text.encode, decode }).get())
      expect(KeeperError.is(error, 'INVALID_DATA') && Object.is(error.cause, value)).toBe(true)
    }
    for await (const change of zk.node('/here', { encode: text.encode, decode: hook }).watch()) {
      expect(change.kind === 'unreadable' && Object.is(change.error, value)).toBe(true)
      break
    }
    await isUnharmed(zk)
  })

  test.each<[string, ConnectOptions]>([
    ['credentials', { auth: [{ scheme: 'digest', credentials: hook }] }],
    ['credentials that are awaited', { auth: [{ scheme: 'digest', credentials: async () => hook() }] }],
    ['the start of a SASL mechanism', { sasl: { name: 'X', start: hook } }],
    ['a step of a SASL mechanism', { sasl: { name: 'X', start: () => ({ first: new Uint8Array(1), respond: hook }) } }],
    ['options of TLS', { tls: hook }],
  ])('from %s fails each attempt, and connect rejects in its time', async (__, options) => {
    const { error } = await settled(connect(server, { ...options, connectTimeout: 200 }))
    expect(error instanceof AggregateError || KeeperError.is(error, 'AUTH_FAILED')).toBe(true)
    await isUnharmed(zk)
  })

  test('from credentials of addAuth reaches the caller, and is forgotten', async () => {
    expect(await isIt(zk.addAuth('digest', hook))).toBe(true)
    await isUnharmed(zk)
  })

  test('from preferred reaches the caller of connect', async () => {
    expect(await isIt(connect(server, { preferred: hook }))).toBe(true)
  })

  test('from the log hook of a server and of a client is reported once, and both go on', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      for (const log of [hook, (async () => hook()) as () => never]) {
        warned.mockClear()
        await using own = await startServer({ port: 0, host: '127.0.0.1' }, { log })
        const first = await connect(own, { runtime: { log } })
        await first.create('/here')
        await first.close()
        await using second = await connect(own, { runtime: { log } })
        await isUnharmed(second)
        expect(warned.mock.calls.filter(([text]) => String(text).includes('log hook')).length).toBeLessThanOrEqual(2)
      }
    } finally {
      warned.mockRestore()
    }
  })
})

describe('what never settles ends with the timeout or signal of its call', () => {
  test('change of update, and codecs', async () => {
    const timeout = 30
    // A promise of another library.
    const foreign = {}
    Reflect.set(foreign, 'then', () => {})
    const node = zk.node('/here', { encode: () => never, decode: () => never })
    for (const call of [
      () => zk.update('/here', () => never, { timeout }),
      () => zk.update('/here', () => foreign as never, { timeout }),
      () => node.set('x' as never, { timeout }),
      () => node.get({ timeout }),
      () => node.find({ timeout }),
    ]) {
      expect(KeeperError.is((await settled(call())).error, 'TIMEOUT')).toBe(true)
    }
    const stop = new AbortController()
    const updating = settled(zk.update('/here', () => never, { signal: stop.signal }))
    const reason = new Error('enough')
    stop.abort(reason)
    expect((await updating).error).toBe(reason)
    await isUnharmed(zk)
  })

  test('credentials, SASL and TLS', async () => {
    for (const options of [
      { auth: [{ scheme: 'digest', credentials: () => never }] },
      { sasl: { name: 'X', start: () => never } },
      { tls: () => never },
    ]) {
      expect((await settled(connect(server, { ...options, connectTimeout: 100 }))).error).toBeInstanceOf(AggregateError)
    }
  })
})

test('functions that give something of another type fail in words', async () => {
  const asked = connect(server, { auth: [{ scheme: 'digest', credentials: () => 7 as never }], connectTimeout: 100 })
  expect(String((await settled(asked)).error)).toContain('neither text nor a Uint8Array')
  expect(String((await settled(connect(server, { preferred: async () => true } as never))).error)).toContain(
    'true or false',
  )
  expect(String((await settled(zk.update('/here', () => 7 as never))).error)).toContain(
    'update: what change gave must be',
  )
})

test('a log hook that is JSON.stringify gets every line of server and client', async () => {
  const lines: string[] = []
  const log = (level: string, message: string, facts?: object): void =>
    void lines.push(JSON.stringify({ level, message, ...facts }))
  const own = await startServer({ port: 0, host: '127.0.0.1' }, { log })
  const client = await connect(own, { runtime: { log } })
  await client.close()
  await own[Symbol.asyncDispose]()
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
})

test('what a subscriber of a diagnostics channel throws is an uncaught exception of its own; the client goes on', async () => {
  const program = `
    import { subscribe } from 'node:diagnostics_channel'
    import { connect } from '@lightkeeper/client'
    let heard = 0
    process.on('uncaughtException', () => heard++)
    for (const name of ['tracing:lightkeeper.request:start', 'tracing:lightkeeper.request:asyncEnd', 'lightkeeper.state', 'lightkeeper.watch'])
      subscribe(name, () => { throw new Error('of the subscriber') })
    const zk = await connect(process.argv[1])
    await zk.get('/here')
    for await (const change of zk.watch('/here')) if (change.kind === 'ready') break
    await zk.close()
    console.log(zk.stats().connections.established, heard > 3)
  `
  const args = ['--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, [...args, server.connectString])
  expect(stdout).toBe('1 true\n')
})

describe('JSON.stringify takes', () => {
  test('states, Stats, changes, events, trees, errors and messages of the channels', async () => {
    const values: unknown[] = []
    await using own = await connect(server)
    for await (const state of own.states()) {
      values.push(state)
      break
    }
    values.push(own.state, own.stats())
    const { changed, ...got } = await own.existence('/here', { watch: true })
    values.push(got, await own.get('/here'), await own.children('/here'), await own.getAcl('/here'), await own.whoAmI())
    values.push(await own.readMany([{ get: '/here' }, { children: '/' }, { get: '/no' }]), await own.tree('/here'))
    values.push(await own.create('/json', '1'), await own.exists('/json'))
    for await (const change of own.watch('/json', { codec: json() })) {
      values.push(change)
      if (change.kind === 'ready') await own.set('/json', '2')
      if (change.kind === 'changed') break
    }
    await own.set('/here', '{}')
    values.push(await changed)
    values.push(
      (await settled(own.get('/no'))).error,
      new KeeperError('CLOSED', { cause: { toString: () => raise('hidden') } }),
    )
    const told = values.map((value) => JSON.stringify(value))
    expect(told.join('\n')).not.toContain('undefined')
    expect(JSON.parse(JSON.stringify(own.state))).toMatchObject({
      kind: 'connected',
      sessionId: expect.stringMatching(/^0x[0-9a-f]+$/) as string,
    })
    expect(JSON.parse(JSON.stringify((await settled(own.get('/no'))).error))).toMatchObject({
      name: 'KeeperError',
      code: 'NO_NODE',
      message: expect.stringContaining('/no') as string,
      path: '/no',
      outcome: 'rejected',
    })
  })
})
