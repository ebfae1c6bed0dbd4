/** Values that a program may hand over by mistake, or that want to do harm. */
import fc from 'fast-check'

/** What code of a hostile value throws: an error of the user's own, which may reach the user again. */
export class Mine extends Error {
  override readonly name = 'Mine'
}

const boom = (): never => {
  throw new Mine('boom')
}
const trap = new Proxy(
  {},
  {
    get: boom,
    has: boom,
    ownKeys: boom,
    getPrototypeOf: boom,
    getOwnPropertyDescriptor: boom,
    set: boom,
  },
)

/** Each is made anew, since a call may change it. */
const makers: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 0,
  () => -0,
  () => -1,
  () => 1.5,
  () => 0x8000_0000,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => Number.MAX_VALUE,
  () => 1n,
  () => -(1n << 70n),
  () => 1n << 20_000n,
  () => '',
  () => 'a',
  () => 'a/b',
  () => '/',
  () => '//',
  () => '/a/',
  () => '/a/./b',
  () => '/a\u0000b',
  () => '/\ud800',
  () => '..',
  () => '\udc00 half',
  () => '5s',
  () => 'EPHEMERAL_SEQUENTIAL',
  () => '__proto__',
  () => `/${'x'.repeat(100_000)}`,
  () => Symbol('s'),
  () => Symbol.iterator,
  () => [],
  () => [undefined],
  () => ['/a', '/a'],
  () => Object.assign([], { length: 0xffff_ffff }),
  () => ({}),
  () => Object.create(null) as object,
  () => ({ timeout: '5s' }),
  () => ({ timeout: 0 }),
  () => ({ timeout: -1 }),
  () => ({ signal: {} }),
  () => ({ signal: { aborted: true, throwIfAborted() {} } }),
  () => ({ unknown: 1 }),
  () => ({ acl: [{ id: { scheme: 'world', id: 'anyone' }, permission: 31 }] }),
  () => ({ acl: 'world:anyone:cdrwa' }),
  () => ({ toString: boom, valueOf: boom, toJSON: boom, [Symbol.toPrimitive]: boom }),
  () => Object.defineProperty({}, 'timeout', { get: boom, enumerable: true }),
  () => Object.defineProperty({}, 'name', { get: boom, enumerable: true }),
  () => Object.fromEntries(new Map([['then', boom]])),
  () => trap,
  () => new Proxy(function hidden() {}, { get: boom, apply: boom }),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  () => new Date(Number.NaN),
  () => new Date(0),
  () => new Map([['a', 1]]),
  () => new Set(['a']),
  () => new Error('given'),
  () => /x/,
  () => Promise.resolve(1),
  () => new Uint8Array(3),
  () => new Uint8Array(new SharedArrayBuffer(4)),
  // A resizable buffer, younger than the types this is compiled against.
  () => new Uint8Array(Reflect.construct(ArrayBuffer, [4, { maxByteLength: 8 }]) as ArrayBuffer),
  () => {
    const bytes = new Uint8Array(4)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    return bytes
  },
  () => new Float64Array(2),
  () => new DataView(new ArrayBuffer(2)),
  () => new ArrayBuffer(2),
  () => boom,
  () => () => undefined,
  () => () => 'text',
  () => () => ({}),
  () => async () => boom(),
  () => class Made {},
  () => AbortSignal.abort(new Mine('aborted')),
]

/** Functions that make one: a generator that looked at what it makes would run into it. */
export const hostile: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...makers) },
  {
    weight: 1,
    arbitrary: fc
      .anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
      .map((value) => () => value),
  },
)
