import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { records } from '../spec/records.mjs'
import { recordCodecs } from './codecs.gen.ts'
import { describeReply, describeRequest } from './describe.ts'
import { Framer } from './framer.ts'
import { MalformedFrameError } from './malformed-frame-error.ts'
import { type MultiOperation, readMultiRequest, readMultiResponse, writeMultiRequest } from './multi.ts'
import { operations } from './operations.gen.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const ustring = fc.string({ unit: 'grapheme', maxLength: 12 })
const buffer = fc.uint8Array({ maxLength: 24 })

function arbitraryOf(type: string): fc.Arbitrary<unknown> {
  const filled = type.endsWith('!')
  const bare = type.replace(/[?!]$/, '')
  if (type.endsWith('?')) return fc.option(fc.boolean(), { nil: undefined })
  if (bare.startsWith('[]')) {
    const item = bare.slice(2)
    const vector = fc.array(item === 'ustring' ? ustring : arbitraryOf(item), { maxLength: 4 })
    return filled ? vector : fc.option(vector)
  }
  if (bare === 'boolean') return fc.boolean()
  if (bare === 'int') return int
  if (bare === 'long') return long
  if (bare === 'ustring') return filled ? ustring : fc.option(ustring)
  if (bare === 'buffer') return fc.option(buffer)
  return record(bare)
}

function record(name: string): fc.Arbitrary<Record<string, unknown>> {
  const spec = records.find((each) => each.name === name)
  if (spec === undefined) throw new Error(`no record ${name}`)
  return fc.record(Object.fromEntries(spec.fields.map(([field, type]) => [field, arbitraryOf(type)])))
}

interface Codec {
  read(reader: Reader): unknown
  write(writer: Writer, value: unknown): void
}
const codecs = Object.entries(recordCodecs) as unknown as [string, Codec][]

function encode(codec: Codec, value: unknown): Uint8Array {
  const writer = new Writer(8)
  codec.write(writer, value)
  return writer.written().slice()
}

describe.each(codecs)('%s', (name, codec) => {
  test('decodes what was encoded to the same value', () => {
    fc.assert(
      fc.property(record(name), (value) => {
        const bytes = encode(codec, value)
        const reader = new Reader(bytes)
        expect(codec.read(reader)).toEqual(value)
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('refuses every prefix of a valid frame as malformed, and in no other way', () => {
    const isOptional =
      records
        .find((each) => each.name === name)
        ?.fields.at(-1)?.[1]
        .endsWith('?') ?? false
    fc.assert(
      fc.property(record(name), (value) => {
        const bytes = encode(codec, value)
        const shortest = isOptional ? bytes.length - 1 : bytes.length
        for (let end = 0; end < shortest; end++) {
          expect(() => codec.read(new Reader(bytes, 0, end))).toThrow(MalformedFrameError)
        }
      }),
      { numRuns: 15 },
    )
  })

  test('reads arbitrary bytes or calls them malformed, holding no more than the bytes could', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const value = codec.read(new Reader(bytes))
          // Every element of a vector takes a byte at the least.
          expect(
            JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? 0 : item)).length,
          ).toBeLessThan(20_000)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedFrameError)
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('multi', () => {
  const operation = fc.oneof(
    fc.tuple(fc.constantFrom(1, 15, 19), record('CreateRequest')),
    fc.tuple(fc.constant(21), record('CreateTTLRequest')),
    fc.tuple(fc.constant(2), record('DeleteRequest')),
    fc.tuple(fc.constant(5), record('SetDataRequest')),
    fc.tuple(fc.constant(13), record('CheckVersionRequest')),
    fc.tuple(fc.constantFrom(4, 8), record('PathWatchRequest')),
  )
  const request = fc.array(
    operation.map(([type, body]) => ({ type, ...body }) as unknown as MultiOperation),
    { maxLength: 5 },
  )

  test('decodes what was encoded, and refuses every prefix', () => {
    fc.assert(
      fc.property(request, (value) => {
        const writer = new Writer()
        writeMultiRequest(writer, value)
        const bytes = writer.written()
        expect(readMultiRequest(new Reader(bytes))).toEqual(value)
        for (let end = 0; end < bytes.length; end++) {
          expect(() => readMultiRequest(new Reader(bytes, 0, end))).toThrow(MalformedFrameError)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('reads arbitrary bytes or calls them malformed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(readMultiRequest, readMultiResponse),
        (bytes, read) => {
          try {
            read(new Reader(bytes))
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedFrameError)
          }
        },
      ),
    )
  })
})

test('describes any bytes as one line', () => {
  const code = fc.constantFrom(...operations.map((each) => each.code), 999)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), code, (bytes, type) => {
      expect(describeRequest(bytes)).not.toContain('\n')
      expect(describeReply(bytes, type)).not.toContain('\n')
    }),
  )
})

test('raw bytes arrive whole where the writer has to grow for them', () => {
  const writer = new Writer(8)
  writer.int(1)
  writer.raw(new Uint8Array(5000).fill(7))
  expect(writer.written()).toEqual(Uint8Array.of(0, 0, 0, 1, ...new Uint8Array(5000).fill(7)))
})

describe('framer', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 })
  const stream = (bodies: readonly Uint8Array[]): Uint8Array => {
    const writer = new Writer()
    for (const body of bodies) {
      const mark = writer.beginFrame()
      writer.raw(body)
      writer.endFrame(mark)
    }
    return writer.written().slice()
  }
  const drain = (framer: Framer, into: Uint8Array[]): void => {
    for (let reader = framer.next(); reader !== undefined; reader = framer.next()) {
      into.push(reader.bytes.slice(reader.pos, reader.end))
    }
  }

  test('finds the same frames however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(300), { maxLength: 20 }), (bodies, cuts) => {
        const bytes = stream(bodies)
        const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const framer = new Framer()
        const found: Uint8Array[] = []
        for (let i = 1; i < edges.length; i++) {
          framer.push(bytes.slice(edges[i - 1], edges[i]))
          drain(framer, found)
        }
        expect(found).toEqual(bodies)
      }),
    )
  })

  test('finds them byte by byte', () => {
    const bodies = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(9)]
    const framer = new Framer()
    const found: Uint8Array[] = []
    for (const byte of stream(bodies)) {
      framer.push(Uint8Array.of(byte))
      drain(framer, found)
    }
    expect(found).toEqual(bodies)
  })

  test('accepts a frame of exactly the limit and refuses one byte more, and negative lengths, before holding them', () => {
    const framer = new Framer(1000)
    framer.push(Uint8Array.of(0, 0, 3, 0xe8))
    expect(framer.next()).toBeUndefined()
    const over = new Framer(1000)
    over.push(Uint8Array.of(0, 0, 3, 0xe9))
    expect(() => over.next()).toThrow(MalformedFrameError)
    const negative = new Framer(1000)
    negative.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    expect(() => negative.next()).toThrow('frame of -1 bytes')
  })
})
