/**
 * Wrong values that programs pass by mistake: refused at once, with a clear message, and no other request is affected.
 */
import { type Client, type ConnectOptions, connect, json, KeeperError, op } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

type Server = Awaited<ReturnType<typeof startServer>>
let server: Server
let zk: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  zk = await connect(server, { requestTimeout: 5_000 })
  await zk.create('/here', 'before')
})

afterAll(async () => {
  await zk.close()
  await server[Symbol.asyncDispose]()
})

/** The error that a call throws or rejects with; beside it another caller writes and reads on the same connection. */
async function refused(call: () => unknown, readsFirst = 0): Promise<Error> {
  const { sent } = zk.stats().requests
  const failing = (async () => call())().then(
    (value) => new Error(`not refused: ${String(value)}`),
    (error: unknown) => error as Error,
  )
  expect(zk.stats().requests.sent).toBe(sent + readsFirst)
  const [, written, read] = await Promise.all([failing, zk.set('/here', 'after'), zk.get('/here')])
  expect([written.dataLength, read.data.length]).toEqual([5, 5])
  expect(zk.stats().connections.established).toBe(1)
  return failing
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

/** An address without a listener. */
async function free(): Promise<{ readonly connectString: string }> {
  await using own = await startServer({ port: 0, host: '127.0.0.1' })
  return { connectString: own.connectString }
}

const notData: [string, unknown][] = [
  ['an object', { a: 1 }],
  ['a number', 7],
  ['a boolean', true],
  ['a Date', new Date(0)],
  ['a bigint', 7n],
  ['an ArrayBuffer', new ArrayBuffer(4)],
  ['a DataView', new DataView(new ArrayBuffer(4))],
  ['another typed array', new Uint16Array(4)],
  ['an array', [1, 2, 3]],
  ['a Map', new Map()],
  ['a symbol', Symbol('x')],
  ['a function', () => 'x'],
  ['a Proxy of bytes', new Proxy(new Uint8Array(3), {})],
  ['bytes that were transferred away', detached()],
  ['half a character', '\ud800'],
]

describe('data', () => {
  test.each(notData)('%s is a TypeError of create, set, update and both operations', async (_, value) => {
    const data = value as string
    const calls = [
      () => zk.create('/x', data),
      () => zk.set('/here', data),
      () => op.create('/x', data),
      () => op.set('/here', data),
      // Reads before it asks for data.
      () => zk.update('/here', () => data),
    ]
    for (const [i, call] of calls.entries()) {
      const error = await refused(call, i === 4 ? 1 : 0)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^(create|set|update|op\.create|op\.set): /)
    }
    expect(await zk.exists('/x')).toBeUndefined()
  })

  test('says what came and what is expected', async () => {
    expect((await refused(() => zk.create('/x', { a: 1 } as never))).message).toBe(
      'create: data must be a string, a Uint8Array or null (a value: zk.node(path, json()) writes it), not { a }',
    )
    expect((await refused(() => zk.set('/here', undefined as never))).message).toContain('not undefined')
  })

  test('the stack shows who called', async () => {
    const wrongCaller = () => zk.set('/here', 5 as never)
    expect((await refused(wrongCaller)).stack).toContain('wrongCaller')
  })

  test('of memory that others can change, what is there at the call is written', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(1)
    const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(4, { maxByteLength: 8 })
    const growing = new Uint8Array(resizable).fill(2)
    const writes = [zk.create('/shared', shared), zk.create('/resizable', growing)]
    shared.fill(9)
    ;(resizable as ArrayBuffer & { resize(length: number): void }).resize(8)
    await Promise.all(writes)
    expect([...(await zk.get('/shared')).data]).toEqual([1, 1, 1, 1])
    expect([...(await zk.get('/resizable')).data]).toEqual([2, 2, 2, 2])
  })

  test('bytes with a length of their own are written as long as they are', async () => {
    const lying = Object.defineProperty(new Uint8Array([1, 2, 3]), 'length', { value: 1_000_000 })
    await zk.create('/lying', lying)
    expect([...(await zk.get('/lying')).data]).toEqual([1, 2, 3])
  })

  test('what is transferred away while it waits for a connection fails alone, and no empty znode is written', async () => {
    const { connectString } = await free()
    const waiter = await connect(connectString, { lazy: true })
    const bytes = new Uint8Array(100)
    const waiting = waiter.create('/transferred', bytes).catch((error: unknown) => error)
    const inTransaction = waiter.transaction(op.create('/transferred', bytes)).catch((error: unknown) => error)
    const beside = waiter.create('/beside', 'x')
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    await using _ = await startServer({ port: Number(connectString.split(':')[1]), host: '127.0.0.1' })
    for (const error of await Promise.all([waiting, inTransaction])) {
      expect(String(error)).toBe('TypeError: the data of this call was transferred away before it was sent')
    }
    expect((await beside).path).toBe('/beside')
    expect(await waiter.exists('/transferred')).toBeUndefined()
    await waiter.close()
  })

  test('data larger than any request is refused before it is copied', async () => {
    const error = await refused(() => zk.set('/here', new Uint8Array(64 << 20)))
    expect(KeeperError.is(error, 'FRAME_TOO_LARGE') && error.outcome).toBe('not-sent')
  })
})

describe('ways to create', () => {
  test.each([
    ['EPHEMERAL_SEQUENTIAL'],
    ['ephemeralSequential'],
    ['EPHEMERAL'],
    [1],
    [3],
    [null],
    [{}],
    [{ ttl: '5s' }],
    [{ ttl: 5, unit: 's' }],
  ])('mode %j is a TypeError, and no znode is made', async (mode) => {
    const error = await refused(() => zk.create('/mode', '', { mode: mode as never }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('create: options.mode')
    expect(() => op.create('/mode', '', { mode: mode as never })).toThrow(TypeError)
    expect(await zk.exists('/mode')).toBeUndefined()
  })

  test.each([0, -1, 0.5, Number.NaN, 2 ** 40])('a TTL of %d is a RangeError', async (ttl) => {
    expect(await refused(() => zk.create('/ttl', '', { mode: { ttl } }))).toBeInstanceOf(RangeError)
  })

  test('there are no sequential containers', async () => {
    const error = await refused(() => zk.create('/c-', '', { mode: 'container', sequential: true }))
    expect(error.message).toContain('options.sequential must be false for a container')
  })
})

describe('ACLs', () => {
  test.each([
    ['the form of node-zookeeper-client', [{ permission: 31, scheme: 'world', id: 'anyone' }]],
    ['a row', [[31, 'world', 'anyone']]],
    ['one entry', { perms: 31, id: { scheme: 'world', id: 'anyone' } }],
    ['a name', 'world:anyone:cdrwa'],
    ['a number', 31],
    ['perms in letters', [{ perms: 'cdrwa', id: { scheme: 'world', id: 'anyone' } }]],
    ['an id alone', [{ perms: 31, id: 'anyone' }]],
  ])('%s is a TypeError', async (_, acl) => {
    for (const call of [() => zk.setAcl('/here', acl as never), () => zk.create('/acl', '', { acl: acl as never })]) {
      const error = await refused(call)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain('{ perms, id: { scheme, id } }')
    }
    expect(await zk.exists('/acl')).toBeUndefined()
  })

  test('perms that are no permissions are a RangeError', async () => {
    const acl = [{ perms: 32, id: { scheme: 'world', id: 'anyone' } }]
    expect((await refused(() => zk.setAcl('/here', acl))).message).toBe(
      'setAcl: acl[0].perms must be a sum of permission bits, 0 to 31, not 32',
    )
  })
})

describe('options', () => {
  test.each<[string, () => unknown, string]>([
    [
      'a misspelt name',
      () => zk.get('/here', { timout: 5 } as never),
      'get: options has no "timout": did you mean timeout?',
    ],
    ['another spelling', () => zk.get('/here', { time_out: 5 } as never), 'did you mean timeout?'],
    ['a name from nowhere', () => zk.get('/here', { colour: 1 } as never), 'it has signal, timeout, atLeast, watch'],
    ['exists with a watch', () => zk.exists('/here', { watch: true } as never), 'existence(path, { watch: true })'],
    ['a text', () => zk.get('/here', 'watch' as never), 'get: options must be an object, not the string "watch"'],
    ['a callback', () => zk.get('/here', (() => {}) as never), 'get: options must be an object, not a function'],
    ['null', () => zk.get('/here', null as never), 'get: options must be an object, not null'],
    ['a version of another type', () => zk.set('/here', 'x', { version: '3' as never }), 'options.version must be'],
    ['a bigint for a version', () => zk.delete('/here', { version: 3n as never }), 'not 3n'],
    ['a number for a zxid', () => zk.get('/here', { atLeast: 5 as never }), 'a zxid, which is a bigint'],
    ['a signal that is none', () => zk.get('/here', { signal: { aborted: false } as never }), 'an AbortSignal'],
    ['its controller', () => zk.get('/here', { signal: new AbortController() as never }), 'an AbortSignal'],
    [
      'a stream of children and of everything below',
      () => zk.watch('/here', { recursive: true, children: true }),
      'watch: options.recursive and options.children cannot both be true',
    ],
    ['1 for true', () => zk.get('/here', { watch: 1 as never }), 'true or false, not 1'],
    [
      'a listener for a watch',
      () => zk.children('/here', { watch: (() => {}) as never }),
      'true or false, not a function',
    ],
  ])('%s is a TypeError with words', async (_, call, words) => {
    const error = await refused(call)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(words)
  })

  test.each([0, -1, Number.NaN, Number.NEGATIVE_INFINITY])('a timeout of %d is a RangeError', async (timeout) => {
    expect((await refused(() => zk.get('/here', { timeout }))).message).toContain('more than 0 milliseconds')
  })

  test.each([2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN])('version %d is a RangeError', async (version) => {
    expect(await refused(() => zk.set('/here', 'x', { version }))).toBeInstanceOf(RangeError)
    expect(() => op.check('/here', version)).toThrow(RangeError)
  })

  test('each is read once, and what a getter throws is the cause of a TypeError', async () => {
    let reads = 0
    const counting = {
      get timeout() {
        reads++
        return reads === 1 ? 5_000 : ('later' as never)
      },
    }
    expect((await zk.get('/here', counting)).data.length).toBeGreaterThan(0)
    expect(reads).toBe(1)
    const throwing = {
      get timeout(): number {
        throw 'no Error at all'
      },
    }
    const error = await refused(() => zk.get('/here', throwing))
    expect([error instanceof TypeError, error.message, error.cause]).toEqual([
      true,
      'get: options cannot be read',
      'no Error at all',
    ])
  })

  test('undefined is the default', async () => {
    const options = { signal: undefined, timeout: undefined, watch: undefined, unknown: undefined }
    expect((await zk.get('/here', options as never)).stat.version).toBeGreaterThanOrEqual(0)
  })
})

describe('paths', () => {
  test.each([undefined, null, 7, {}, ['/a'], Symbol('x')])('%o is a TypeError', async (path) => {
    for (const call of [
      () => zk.get(path as never),
      () => zk.create(path as never),
      () => zk.delete(path as never),
      () => zk.watch(path as never),
      () => op.check(path as never),
      () => zk.move('/here', path as never),
    ]) {
      expect(await refused(call)).toBeInstanceOf(TypeError)
    }
  })

  test.each(['', 'here', '/a//b', '/a/', '/\0', '/\ud800', `/${'x'.repeat(2 << 20)}`])(
    '%j is BAD_ARGUMENTS',
    async (path) => {
      const error = await refused(() => zk.get(path as never))
      expect(KeeperError.is(error, 'BAD_ARGUMENTS') && error.outcome).toBe('not-sent')
      expect(error.message.length).toBeLessThan(1_000)
    },
  )
})

describe('lists', () => {
  test.each<[string, () => unknown]>([
    ['no list', () => zk.transactionOf({ length: 2 } as never)],
    ['holes', () => zk.transactionOf(new Array(2 ** 32 - 1) as never)],
    ['what is no operation', () => zk.transaction({ path: '/x', encode() {}, decode() {}, lost: {} } as never)],
    ['a path for a read', () => zk.readMany(['/here'] as never)],
    ['two reads in one', () => zk.readMany([{ get: '/here', children: '/here' }] as never)],
  ])('%s is a TypeError or a RangeError', async (_, call) => {
    const error = await refused(call)
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
  })
})

describe('connect', () => {
  test.each<[string, object, string]>([
    [
      'a time as text',
      { connectTimeout: '5s' },
      'connect: options.connectTimeout must be a number of milliseconds, not the string "5s"',
    ],
    ['no time', { connectTimeout: 0 }, 'more than 0 milliseconds, not 0'],
    ['NaN', { requestTimeout: Number.NaN }, 'more than 0 milliseconds, not NaN'],
    ['a session of no time', { sessionTimeout: 0 }, 'options.sessionTimeout'],
    ['a session for ever', { sessionTimeout: Number.POSITIVE_INFINITY }, 'from 1 to 2147483647'],
    ['a misspelt name', { sessionTimout: 5 }, 'did you mean sessionTimeout?'],
    ['a name of Java', { session_timeout_ms: 5 }, 'did you mean sessionTimeout?'],
    ['identities that are no list', { auth: { scheme: 'digest', credentials: 'a:b' } }, 'options.auth must be a list'],
    [
      'an identity without credentials',
      { auth: [{ scheme: 'digest' }] },
      'options.auth[0] must be { scheme, credentials }',
    ],
    ['an identity in other words', { auth: [{ scheme: 'digest', auth: 'a:b' }] }, 'options.auth[0] has no "auth"'],
    ['onExpired as a function', { onExpired: () => {} }, "'renew' or 'close'"],
    ['a mechanism by name', { sasl: 'DIGEST-MD5' }, 'such as digestMd5()'],
    ['TLS by a file', { tls: '/etc/ca.pem' }, 'options of node:tls'],
    ['a token that is an object', { attach: {} }, 'options.attach must be a string'],
  ])('%s is refused before anything is opened', async (_, options, words) => {
    const { attempts } = zk.stats().connections
    const error = await connect(server, options as ConnectOptions).then(
      () => new Error('not refused'),
      (reason: Error) => reason,
    )
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    expect(error.message).toContain(words)
    expect(zk.stats().connections.attempts).toBe(attempts)
  })

  test('no secret is in what is thrown', async () => {
    for (const auth of [
      [{ scheme: 'digest', credentials: ['me:secret'] }],
      [{ scheme: 'digest', credentials: 'secret\ud800' }],
    ]) {
      const error = await connect(server, { auth: auth as never }).catch((reason: unknown) => reason as Error)
      expect([error instanceof TypeError, String(error).includes('secret')]).toEqual([true, false])
    }
    const adding = await refused(() => zk.addAuth('digest', { secret: 'secret' } as never))
    expect(adding.message).toContain('credentials must be')
  })

  test('undefined is the default of every option', async () => {
    await using own = await connect(server, { sessionTimeout: undefined, connectTimeout: undefined } as never)
    expect(own.state.kind === 'connected' && own.state.sessionTimeout).toBe(30_000)
  })
})

describe('handles', () => {
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'object' && value !== null && typeof (value as { n?: unknown }).n === 'number'
          ? { value: value as { n: number } }
          : { issues: [{ message: 'n must be a number', path: ['n'] }] },
    },
  } as const

  test('a schema is asked before a value is written', async () => {
    await zk.create('/checked')
    const node = zk.node('/checked', json(schema))
    for (const call of [
      () => node.set({ n: 'x' } as never),
      // As JSON has it: NaN becomes null, which nobody could read again.
      () => node.set({ n: Number.NaN }),
    ]) {
      const error = await refused(call)
      expect([error.name, error.message]).toEqual(['SchemaError', 'n: n must be a number'])
      expect(error).toBeInstanceOf(TypeError)
    }
    await node.set({ n: 1 })
    expect((await refused(() => node.update(() => ({}) as never), 1)).name).toBe('SchemaError')
    expect((await node.get()).value).toEqual({ n: 1 })
  })

  test('so is a schema that takes its time', async () => {
    const slow = {
      '~standard': { ...schema['~standard'], validate: async (value: unknown) => schema['~standard'].validate(value) },
    }
    const node = zk.node('/checked', json(slow))
    expect((await refused(() => node.set({} as never))).name).toBe('SchemaError')
    await node.set({ n: 2 })
    expect((await node.get()).value).toEqual({ n: 2 })
  })

  test('a codec without methods, and one that gives no bytes, are TypeErrors', async () => {
    expect(() => zk.node('/checked', {} as never)).toThrow('a codec with encode() and decode()')
    expect(() => json({} as never)).toThrow('a Standard Schema')
    const node = zk.node('/checked', { encode: () => 'text' as never, decode: () => '' })
    expect((await refused(() => node.set('x'))).message).toBe(
      'set: the result of the codec must be a Uint8Array, not the string "text"',
    )
  })
})
