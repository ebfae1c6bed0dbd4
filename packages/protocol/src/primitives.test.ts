import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keeperCodes } from './errors.gen.ts'
import { KeeperError, keeperCodeOf } from './keeper-error.ts'
import { operations } from './operations.gen.ts'
import { isWithin, joinPath, lastSlash, nodeName, parentPath, pathProblem, sequenceOf, sequenceSuffix } from './path.ts'
import { Reader } from './reader.ts'
import { sessionPassword } from './session-password.ts'
import { Writer } from './writer.ts'
import { formatHex, makeZxid, zxidCounter, zxidEpoch } from './zxid.ts'

describe('paths', () => {
  test.each(['/', '/a', '/a/b', '/...', '/.b', '/..b', '/a b', '/\u2028', '/\ud7ff', '/\uffef', '/%?*:', '/\u00a0'])(
    '%j is valid',
    (path) => {
      expect(pathProblem(path)).toBeUndefined()
    },
  )
  test.each([
    '',
    'a',
    '/a/',
    '//',
    '/a//b',
    '/.',
    '/a/..',
    '/../b',
    '/\u0000',
    '/\u0001',
    '/\u001f',
    '/\u007f',
    '/\u009f',
    '/\ud800',
    '/\uf8ff',
    '/\ufff0',
    '/\uffff',
    '/😀',
  ])('%j is not', (path) => {
    expect(pathProblem(path)).toBeTypeOf('string')
  })
  test('long or short, have the same problem or none', () => {
    const part = fc.constantFrom('a', '/', '.', '..', '/.', '//', ' ', '~', '\u00a0', '\u007f', '\ud7ff', '\ufff0', '')
    const beginning = `/${'long'.repeat(300)}/`
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const end = parts.join('')
        const problem = pathProblem(`/a/${end}`)
        const of = (text: string | undefined): string | undefined => text?.replace(/\d+/g, '')
        expect(of(pathProblem(`${beginning}${end}`))).toBe(of(problem))
        expect(of(pathProblem(`/a/${end}${beginning}b`)) === undefined).toBe(
          of(pathProblem(`/a/${end}/b`)) === undefined,
        )
      }),
    )
  })
  test('a sequential create may end in a slash, since the counter is appended first', () => {
    expect(pathProblem('/a/', true)).toBeUndefined()
    expect(pathProblem('/a//', true)).toBeTypeOf('string')
  })
  test('of any length and depth end where their last slash says', () => {
    for (const head of [
      '',
      '/',
      '/a',
      '/a/b',
      '/x'.repeat(15),
      '/x'.repeat(16),
      '/x'.repeat(17),
      '/x'.repeat(5_000),
      'a',
    ]) {
      for (const tail of ['', '/', `/${'t'.repeat(2_000)}`, 't'.repeat(2_000)]) {
        expect(lastSlash(head + tail)).toBe((head + tail).lastIndexOf('/'))
      }
    }
  })
  test('come apart and together', () => {
    expect([parentPath('/a/b'), parentPath('/a'), nodeName('/a/b')]).toEqual(['/a', '/', 'b'])
    expect([joinPath('/', 'a'), joinPath('/a', 'b')]).toEqual(['/a', '/a/b'])
    expect([isWithin('/app/x', '/app'), isWithin('/apple', '/app'), isWithin('/x', '/')]).toEqual([true, false, true])
  })
})

describe('sequence numbers', () => {
  test.each([
    [0, '0000000000'],
    [7, '0000000007'],
    [2147483647, '2147483647'],
    [-5, '-000000005'],
    [-2147483648, '-2147483648'],
  ])('%i is written %s, and read back behind a dash', (counter, suffix) => {
    expect(sequenceSuffix(counter)).toBe(suffix)
    expect(sequenceOf(`lock-${suffix}`)).toBe(counter)
  })
  test('are absent from other names', () => {
    expect([sequenceOf('lock'), sequenceOf('lock-12345678'), sequenceOf('')]).toEqual([undefined, undefined, undefined])
  })
})

describe('strings', () => {
  const roundTrip = (text: string): string | null => {
    const writer = new Writer(4)
    writer.ustring(text)
    return new Reader(writer.written()).ustring()
  }
  test('come back as they were, with any characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(roundTrip(text)).toBe(text)
      }),
    )
  })
  test('are read from the two surrogates Java writes for one supplementary character', () => {
    const cesu = Uint8Array.of(0, 0, 0, 8, 0x61, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, 0x62)
    expect(new Reader(cesu).ustring()).toBe('a😀b')
  })
  test('of any length are read in the same way, whatever follows them', () => {
    for (const length of [500, 511, 512, 513, 514, 2000]) {
      for (const end of ['', 'z', 'é', '漢', '😀', '\ufeff']) {
        const text = `${'x'.repeat(length)}${end}`
        expect(roundTrip(text)).toBe(text)
        expect(roundTrip(`${end}${text}`)).toBe(`${end}${text}`)
      }
    }
    const cesu = new Uint8Array(4 + 1000).fill(0x61)
    cesu.set([0, 0, 0x03, 0xe8])
    cesu.set([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 600)
    expect(new Reader(cesu).ustring()).toBe(`${'a'.repeat(596)}😀${'a'.repeat(398)}`)
  })
  test('of any length are written as the host encodes them, between what stands before and after', () => {
    const piece = fc.tuple(fc.constantFrom('x', 'é', '漢', '😀', '\ud83d', '\ude00'), fc.integer({ min: 0, max: 700 }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), fc.integer({ min: 4, max: 4000 }), (pieces, capacity) => {
        const text = pieces.map(([unit, count]) => unit.repeat(count)).join('')
        const expected = new TextEncoder().encode(text)
        const writer = new Writer(capacity)
        writer.int(7)
        writer.ustring(text)
        writer.int(8)
        const reader = new Reader(writer.written())
        expect([reader.int(), reader.buffer(), reader.int(), reader.remaining]).toEqual([7, expected, 8, 0])
      }),
      { numRuns: 200 },
    )
  })
  test('that are not UTF-8 become replacement characters, never an error', () => {
    expect(new Reader(Uint8Array.of(0, 0, 0, 2, 0xff, 0x41)).ustring()).toBe('\ufffdA')
  })
  test('distinguish null, length -1, from empty, and refuse other negative lengths', () => {
    expect(new Reader(Uint8Array.of(255, 255, 255, 255)).ustring()).toBeNull()
    expect(roundTrip('')).toBe('')
    expect(() => new Reader(Uint8Array.of(255, 255, 255, 254)).ustring()).toThrow('Unreasonable length = -2')
  })
})

test('a long read as a number is what its bigint would be as a number', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const writer = new Writer()
      writer.long(value)
      expect(new Reader(writer.written()).longAsNumber()).toBe(Number(value))
    }),
  )
})

test('a copied buffer stays what it was when the received bytes are overwritten; null stays null', () => {
  const bytes = Uint8Array.of(0, 0, 0, 2, 7, 8, 255, 255, 255, 255)
  const reader = new Reader(bytes)
  const copy = reader.bufferCopy()
  bytes.fill(0, 0, 6)
  expect([copy, reader.bufferCopy(), reader.remaining]).toEqual([Uint8Array.of(7, 8), null, 0])
})

test('a vector that could not fit into the frame is refused before anything is allocated', () => {
  const huge = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0)
  expect(() => new Reader(huge).vector(4, (reader) => reader.int())).toThrow('vector of 2147483647 elements')
})

test('the session password is the one Apache derives from the id', () => {
  const hex = Buffer.from(sessionPassword(0x01000037ea530000n)).toString('hex')
  expect(hex).toBe('6f255264d0db84156543cf3299b88a25')
})

test('zxids come apart into epoch and counter', () => {
  const zxid = makeZxid(5, 77)
  expect([zxidEpoch(zxid), zxidCounter(zxid), formatHex(zxid)]).toEqual([5, 77, '0x50000004d'])
  expect(formatHex(-1n)).toBe('0xffffffffffffffff')
})

describe('errors', () => {
  test('are recognised by code, also when they come from another copy of the package', () => {
    const error = new KeeperError('BAD_VERSION', { path: '/a', operation: 'set' })
    expect(KeeperError.is(error, 'BAD_VERSION')).toBe(true)
    expect(KeeperError.is(error, 'NO_NODE')).toBe(false)
    const foreign = Object.assign(new Error('x'), { code: 'NO_NODE', [Symbol.for('lightkeeper.KeeperError')]: true })
    expect(KeeperError.is(foreign, 'NO_NODE')).toBe(true)
    expect([KeeperError.is(new Error('x')), KeeperError.is(null), KeeperError.is('x')]).toEqual([false, false, false])
    expect(error.message).toBe('BAD_VERSION: The version is not the expected one (set /a)')
  })
  test('with unknown numbers are errors too', () => {
    expect(KeeperError.fromNumber(-999)).toMatchObject({ code: 'UNKNOWN_CODE', number: -999 })
    expect(keeperCodeOf(-101)).toBe('NO_NODE')
  })
  test('have every number of KeeperException.java and of the C client', () => {
    const numbers = [
      -1, -2, -3, -4, -5, -6, -7, -8, -9, -12, -13, -14, -15, -100, -101, -102, -103, -108, -110, -111, -112, -113,
    ]
    const more = [-114, -115, -116, -117, -118, -119, -120, -121, -122, -123, -124, -125, -127]
    expect(Object.values(keeperCodes).map(({ number }) => number)).toEqual([...numbers, ...more])
  })
})

test('the opcode table has every number of ZooDefs.java, once', () => {
  const codes = operations.map(({ code }) => code)
  const expected = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 100, 101, 102, 103, 104, 105, 106,
    107, -10, -11, -1,
  ]
  expect(codes).toEqual(expected)
  expect(new Set(codes).size).toBe(codes.length)
})
