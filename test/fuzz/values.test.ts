/**
 * Values from users: every public call of the client with any value of JavaScript. No call may disturb a request of
 * another caller on the same connection, hang, or fail with anything but what is documented. The calls are read off the
 * objects themselves, so that one that is added is called too.
 */
import * as client from '@lightkeeper/client'
import { type Client, connect, json, KeeperError, op } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuzzParameters } from './parameters.ts'

/** Thrown by the hostile values themselves: of their own code nothing may come out as it is, but from where it belongs. */
class Hostile extends Error {}

function hostile(): never {
  throw new Hostile('from a value')
}

/** What ends a client or takes it elsewhere is called on one of its own. */
const ending = /^zk\.(close|detach|addAuth|updateServers|asyncDispose)$/
/** A whole tree would go, and with it what the other callers write; or nobody could write it any more. */
const notOnRoot = /^(zk\.(delete|move|setAcl)|node\.delete)$/

type Target = readonly [name: string, call: (zk: Client, args: readonly unknown[]) => unknown]

/** Methods of what `objectOf` gives, by the names on its prototypes. */
function methodsOf<O extends object>(owner: string, prototype: object, objectOf: (zk: Client) => O): Target[] {
  return Reflect.ownKeys(prototype)
    .filter(
      (key) => key !== 'constructor' && typeof Object.getOwnPropertyDescriptor(prototype, key)?.value === 'function',
    )
    .map((key) => [
      `${owner}.${nameOf(key)}`,
      (zk, args) => {
        const object = objectOf(zk) as Record<PropertyKey, (...args: readonly unknown[]) => unknown>
        return object[key]?.(...args)
      },
    ])
}

/** What symbols are called differs between versions of Node. */
function nameOf(key: PropertyKey): string {
  return key === Symbol.asyncDispose ? 'asyncDispose' : key === Symbol.dispose ? 'dispose' : String(key)
}

/** Constructors that users do not call, and why; of the others both ways in are tried. */
const made = new Set<unknown>([
  client.Client, // by connect()
  client.Lease, // by zk.lease()
  client.ZnodeHandle, // by zk.node()
  client.ZnodeStat, // by replies
  client.SchemaError, // by json()
  KeeperError, // its static methods are below
])

function targets(): Target[] {
  const all: Target[] = []
  for (const [name, value] of Object.entries(client)) {
    if (typeof value !== 'function') continue
    if (/^class\s/.test(Function.prototype.toString.call(value))) {
      for (const key of Object.getOwnPropertyNames(value)) {
        const method: unknown = (value as unknown as Record<string, unknown>)[key]
        if (typeof method === 'function' && key !== 'prototype')
          all.push([`${name}.${key}`, (_, args) => Reflect.apply(method, value, args) as unknown])
      }
      if (!made.has(value)) all.push([`new ${name}`, (_, args) => Reflect.construct(value as never, args) as unknown])
    } else if (name !== 'connect') all.push([name, (_, args) => Reflect.apply(value, undefined, args) as unknown])
  }
  for (const [name, make] of Object.entries(op)) all.push([`op.${name}`, (_, args) => Reflect.apply(make, op, args)])
  for (const [name, codec] of Object.entries({ bytes: client.bytes, text: client.text, json: json() })) {
    for (const [key, method] of Object.entries(codec))
      all.push([`${name}.${key}`, (_, args) => Reflect.apply(method as () => unknown, codec, args)])
  }
  all.push(...methodsOf('zk', client.Client.prototype, (zk) => zk))
  all.push(...methodsOf('node', client.ZnodeHandle.prototype, (zk) => zk.node('/fuzz/node', json())))
  all.push(...methodsOf('lease', client.Lease.prototype, (zk) => zk.lease()))
  all.push(...methodsOf('ready', client.ReadyRequest.prototype, () => new client.ReadyRequest()))
  // Operations that went through are sent, among others that did not.
  all.push([
    'zk.transaction of op',
    (zk, [path, data, options, version]) =>
      zk.transaction(
        op.create(path as '/', data as string, options as object),
        op.set(path as '/', data as string, { version: version as number }),
      ),
  ])
  return all
}

// -- values -------------------------------------------------------------------------------------------------------------

const detached = (() => {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
})()
const resizable = new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(8, { maxByteLength: 64 })
const aborted = AbortSignal.abort(new KeeperError('CLOSED', { message: 'reason of the signal' }))
let changes = 0
const changing = {
  get length() {
    return changes++ % 7
  },
  get timeout() {
    return changes++ % 2 === 0 ? 5 : 'later'
  },
  get version() {
    return changes++ % 2 === 0 ? 1 : 2 ** 40
  },
  get mode() {
    return changes++ % 2 === 0 ? 'ephemeral' : 'EPHEMERAL'
  },
}
const throwing = Object.defineProperties(
  {},
  Object.fromEntries(
    ['timeout', 'signal', 'length', 'then', 'acl', 'mode', 'path', 'toString', 'toJSON', 'get', 'codec', 'scheme'].map(
      (name) => [name, { get: hostile, enumerable: true }],
    ),
  ),
)
const traps = Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'apply'].map((trap) => [trap, hostile]),
)
const revoked = (() => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
})()

/** One of each kind that the others make too seldom. */
const odds: readonly unknown[] = [
  detached,
  new Uint8Array(resizable),
  new Uint8Array(new SharedArrayBuffer(8)),
  Object.defineProperty(new Uint8Array(4), 'length', { get: () => changing.length * 1_000_000 }),
  new (class extends Uint8Array {
    override get length(): number {
      return 1e9
    }
  })(4),
  new Proxy(new Uint8Array(4), {}),
  new Proxy({}, traps),
  new Proxy(() => {}, traps),
  new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 53 : '/x') }),
  revoked,
  throwing,
  changing,
  new ArrayBuffer(8),
  new SharedArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Float64Array(8),
  new BigInt64Array(8),
  new Array(2 ** 32 - 1),
  Object.freeze([]),
  new Date(Number.NaN),
  /x/g,
  new Map([['timeout', 5]]),
  new Set(),
  new WeakMap(),
  Promise.resolve('/x'),
  new Error('a value'),
  Symbol('x'),
  Symbol.iterator,
  () => {},
  () => 'x',
  async () => 'x',
  hostile,
  class {},
  globalThis.process,
  new AbortController(),
  aborted,
  AbortSignal.timeout(1_000_000),
  Object.create(null),
  '\ud800',
  '/\udfff',
  '/a\0b',
  '\u202e',
  'x'.repeat(70_000),
  `/${'x'.repeat(300)}`,
  new String('/x'),
  Object(1n),
  1n << 70n,
  -1n,
  2 ** 31,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  5e-324,
]

/** Stands for one of them until the call: a test library that looks into values, to print or shrink them, would fall over these. */
class Odd {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}
const odd = fc.nat(odds.length - 1).map((index) => new Odd(index))

function real(value: unknown): unknown {
  if (value instanceof Odd) return odds[value.index]
  if (Array.isArray(value)) return value.map(real)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, real(each)]))
}

const path = fc.constantFrom(
  '/',
  '/fuzz',
  '/fuzz/a',
  '/fuzz/node',
  '/fuzz/missing/below',
  'relative',
  '',
  '/fuzz/',
  '/zookeeper',
)
const data = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 100 }), fc.constant(null), odd, fc.anything())
const acl = fc.oneof(
  fc.constantFrom<unknown>(client.openAcl, client.creatorAcl, client.readOnlyAcl, [], [[31, 'world', 'anyone']]),
  fc.array(
    fc.record({
      perms: fc.oneof(fc.nat(40), odd),
      id: fc.oneof(odd, fc.record({ scheme: fc.string(), id: fc.string() })),
    }),
    {
      maxLength: 3,
    },
  ),
)
const mode = fc.oneof(
  fc.constantFrom<unknown>('persistent', 'ephemeral', 'container', 'EPHEMERAL_SEQUENTIAL', 3, { ttl: 60_000 }),
  fc.record({ ttl: fc.oneof(fc.double(), odd) }),
)
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary }, { weight: 1, arbitrary: odd })
const options = fc.record(
  {
    timeout: some(fc.constantFrom(1, 50, 5_000)),
    signal: some(fc.constantFrom(aborted, new AbortController().signal)),
    version: some(fc.integer({ min: -3, max: 3 })),
    watch: some(fc.boolean()),
    atLeast: some(fc.constantFrom(0n, 1n)),
    idempotent: some(fc.boolean()),
    recursive: some(fc.boolean()),
    sequential: some(fc.boolean()),
    protected: some(fc.constantFrom(true, false, 'bare')),
    parents: some(fc.constantFrom(true, false, 'container')),
    marker: some(path),
    ephemerals: some(fc.constantFrom('refuse', 'skip')),
    children: some(fc.boolean()),
    since: some(fc.constant(0n)),
    codec: some(fc.constantFrom(json(), client.text)),
    acl,
    mode,
    create: fc.oneof(odd, fc.record({ mode, acl }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
)
/** A few options at a time: with all of them at once each call would fail over the first. */
const fewOptions = fc
  .tuple(options, fc.nat(3))
  .map(([all, count]) => Object.fromEntries(Object.entries(all).slice(0, count)))
const operations = fc.array(
  fc.oneof(
    odd,
    fc.constantFrom<unknown>(
      op.check('/fuzz'),
      op.set('/fuzz/a', 'x'),
      { path: '/x' },
      { get: '/fuzz' },
      { children: '/' },
    ),
  ),
  { maxLength: 4 },
)
const argument = fc.oneof(
  { weight: 4, arbitrary: path },
  { weight: 2, arbitrary: data },
  { weight: 3, arbitrary: fewOptions },
  { weight: 1, arbitrary: operations },
  { weight: 1, arbitrary: acl },
  { weight: 3, arbitrary: odd },
  {
    weight: 1,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
  },
)
/** As a call takes them, more often than chance would. */
const args = fc.oneof(
  fc.tuple(
    fc.constantFrom('/fuzz', '/fuzz/a', '/fuzz/node', '/fuzz/b'),
    fc.constantFrom<unknown>(undefined, 'data', null),
  ),
  fc.array(argument, { maxLength: 4 }),
  fc.tuple(path, data, fewOptions),
  fc.tuple(path, fewOptions),
  fc.tuple(operations, fewOptions),
)

// -- what may come of it ------------------------------------------------------------------------------------------------

function isDocumented(error: unknown): boolean {
  return (
    KeeperError.is(error) || error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError
  )
}

/** Calls that hand on what a function of the user throws, or his values while a codec reads them, as it is. */
const handOn = /^(zk|node)\.(update|set|create)$|^(json|text|bytes)\.|^zk\.addAuth$|^KeeperError\./

/** Far beyond any limit of time that is given here. */
const hangsMs = 30_000
const hangs = Symbol('hangs')

async function within(work: Promise<unknown>, ms = hangsMs): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise((resolve) => {
    timer = setTimeout(() => resolve(hangs), ms)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

/** Calls that were answered: a target that is refused everything would show little. */
let answered = 0

/** Undefined, or what must not have happened. */
async function problemOf([name, call]: Target, zk: Client, given: readonly unknown[]): Promise<string | undefined> {
  try {
    const result = call(zk, given)
    if (/^(zk|node)\.(watch|states)$/.test(name)) {
      const stream = result as AsyncGenerator<unknown>
      const first = stream.next()
      first.catch(() => {})
      await within(first, 5)
      return (await within(stream.return(undefined))) === hangs ? `${name} cannot be left` : undefined
    }
    if (/^zk\.(lease|hold)$/.test(name)) (result as Disposable)[Symbol.dispose]()
    if (!(result instanceof Promise)) return undefined
    const value = await within(result)
    answered++
    if (value instanceof client.Client) await value.close()
    return value === hangs ? `${name} hangs` : undefined
  } catch (error) {
    if (isDocumented(error) || (error instanceof AggregateError && name === 'connect')) return undefined
    if (error instanceof Hostile && handOn.test(name)) return undefined
    return `${name} failed with ${error instanceof Error ? error.stack : typeof error}`
  }
}

// -- the world ----------------------------------------------------------------------------------------------------------

interface World extends AsyncDisposable {
  readonly zk: Client
  readonly server: Awaited<ReturnType<typeof startServer>>
}

async function open(): Promise<World> {
  const server = await startServer({ port: 0, host: '127.0.0.1' })
  const zk = await connect(server, { requestTimeout: hangsMs })
  for (const path of ['/control', '/fuzz', '/fuzz/a', '/fuzz/node'] as const) await zk.create(path, '{}')
  return {
    zk,
    server,
    async [Symbol.asyncDispose]() {
      await zk.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Another caller on the same connection. */
async function control(zk: Client, round: number): Promise<void> {
  const written = `of round ${round}`
  await zk.set('/control', written)
  expect(Buffer.from((await zk.get('/control')).data).toString()).toBe(written)
}

/** The servers it knows are the one there is, and addresses that are none: a name would be looked up outside. */
const connectArguments = fc.tuple(
  fc.oneof(
    fc.constantFrom<unknown>('server', 'server', 'server/fuzz', '', 'a,b:', ':0', '127.0.0.1:x', '/'),
    odd.filter(({ index }) => typeof odds[index] !== 'string' && typeof odds[index] !== 'object'),
  ),
  fc
    .tuple(
      fc.record(
        {
          sessionTimeout: some(fc.constantFrom(1_000, 60_000)),
          connectTimeout: odd.filter(({ index }) => !(Number(typeof odds[index] === 'number' && odds[index]) > 1_000)),
          lazy: some(fc.boolean()),
          signal: some(fc.constantFrom(aborted, new AbortController().signal)),
          attach: some(fc.string()),
          auth: some(
            fc.array(fc.record({ scheme: some(fc.constant('digest')), credentials: some(fc.constant('a:b')) }), {
              maxLength: 2,
            }),
          ),
          tls: some(fc.boolean()),
          sasl: some(
            fc.constantFrom(
              { name: 'X', start: hostile },
              { name: 'X', start: () => ({}) },
              client.digestMd5({ username: 'a', password: 'b' }),
            ),
          ),
          onExpired: some(fc.constantFrom('renew', 'close')),
          preferred: some(fc.constantFrom(['127.0.0.1:1'], () => true)),
          rebalanceAfter: some(fc.nat()),
          heartbeatThread: odd,
          readOnly: some(fc.boolean()),
          queueLimit: some(fc.nat()),
          requestTimeout: some(fc.constant(1_000)),
          backoff: some(fc.record({ baseMs: some(fc.nat(10)), maxMs: some(fc.nat(10)) })),
          requestBytesMax: some(fc.nat()),
          replyBytesMax: some(fc.nat()),
          runtime: some(fc.record({ log: some(fc.constant(hostile)) })),
        },
        { requiredKeys: [] },
      ),
      fc.nat(3),
    )
    .map(([all, count]) => ({ connectTimeout: 40, ...Object.fromEntries(Object.entries(all).slice(0, count)) })),
)

const all = new Map(targets().map((target) => [target[0], target]))
const callsInRun = 100
const runsInWorld = 20
const calls = fc.array(fc.tuple(fc.constantFrom(...all.keys()), args), { minLength: callsInRun, maxLength: callsInRun })

test('no value of one caller disturbs another, hangs, or comes out as anything but what is documented', async () => {
  expect(all.size).toBeGreaterThan(45)
  let count = 0
  let connects = 0
  let runs = 0
  let world: World | undefined
  const run = async (
    round: readonly (readonly [string, readonly unknown[]])[],
    connecting: readonly [unknown, object],
  ): Promise<void> => {
    if (runs++ % runsInWorld === 0) {
      await world?.[Symbol.asyncDispose]()
      world = await open()
    }
    const { zk, server } = world as World
    const controls: Promise<void>[] = []
    const working: Promise<string | undefined>[] = []
    for (const [i, [name, given]] of round.entries()) {
      const target = all.get(name) as Target
      if (i % 20 === 0) controls.push(i === 0 ? control(zk, runs) : zk.get('/control').then(() => {}))
      const values = given.map(real)
      const own = notOnRoot.test(name) ? values.map((value) => (value === '/' ? '/fuzz/a' : value)) : values
      count++
      if (!ending.test(name)) working.push(problemOf(target, zk, own))
      else {
        working.push(
          (async () => {
            const spare = await connect(server)
            const problem = await problemOf(target, spare, own)
            await spare.close()
            return problem
          })(),
        )
      }
    }
    const [to, options] = connecting.map(real)
    const address = typeof to === 'string' ? to.replace('server', server.connectString) : to
    connects++
    working.push(problemOf(['connect', (_, given) => connect(...(given as [string, object]))], zk, [address, options]))
    const served = Promise.all(controls)
    served.catch(() => {})
    const problems = (await Promise.all(working)).filter((problem) => problem !== undefined)
    expect(problems).toEqual([])
    await served
    await control(zk, -runs)
    expect([zk.state.kind, zk.stats().connections.established, zk.stats().requests.inFlight]).toEqual([
      'connected',
      1,
      0,
    ])
  }
  const given = process.env['FUZZ_CALLS']
  const parameters = fuzzParameters<[readonly (readonly [string, readonly unknown[]])[], readonly [unknown, object]]>(
    given === undefined ? 30 : Math.ceil(Number(given) / callsInRun),
  )
  // A failure is shrunk call by call, each in the world it left behind: the first report is the one to read.
  await fc.assert(fc.asyncProperty(calls, connectArguments, run), { ...parameters, endOnFailure: true })
  await world?.[Symbol.asyncDispose]()
  expect(answered).toBeGreaterThan(count / 20)
  const kinds = `${count} calls of ${all.size} kinds and ${connects} of connect`
  console.log(`${kinds}, ${answered} of them answered, beside a caller who felt none of them`)
})
