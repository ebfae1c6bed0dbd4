/** A wrong value that a writer gets never reaches the bytes. */
import { describe, expect, test } from 'vitest'
import { recordCodecs } from './codecs.gen.ts'
import { writeMultiRequest } from './multi.ts'
import { Writer } from './writer.ts'

const primitives: readonly [keyof Writer, readonly unknown[]][] = [
  ['boolean', [0, 1, 'true', null, undefined, {}]],
  ['int', ['5', 1.5, Number.NaN, 2 ** 31, -(2 ** 31) - 1, Number.POSITIVE_INFINITY, null, undefined, true, {}, []]],
  ['long', [5, '5', true, null, undefined, {}]],
  ['ustring', [5, undefined, true, {}, [], Symbol('x')]],
  ['buffer', [5, undefined, 'text', {}, [1, 2], new ArrayBuffer(4), new Uint16Array(2), { length: 4 }]],
  ['raw', [null, 'text', { length: 4 }]],
  ['vector', [5, undefined, 'text', { length: 4 }]],
]

describe.each(primitives)('%s', (name, values) => {
  test.each(values.map((value) => [value]))('refuses %o before a byte is written', (value) => {
    const writer = new Writer(16)
    writer.int(7)
    const write = writer[name] as (value: unknown, element: () => void) => void
    expect(() => write.call(writer, value, () => {})).toThrow(TypeError)
    expect(writer.written()).toEqual(Uint8Array.of(0, 0, 0, 7))
  })
})

test('a bigint for an int is a TypeError too', () => {
  expect(() => new Writer().int(5n as never)).toThrow(TypeError)
})

test('a frame that cannot be finished is taken back as a whole, whichever record breaks it', () => {
  const writer = new Writer(16)
  writer.ustring('before')
  const before = writer.written().slice()
  for (const { write } of Object.values(recordCodecs)) {
    const mark = writer.beginFrame()
    expect(() => {
      // Fields of the wrong type, a vector among them.
      const broken = new Proxy({}, { get: () => ({ length: 3 }) })
      write(writer, broken as never)
    }).toThrow(TypeError)
    writer.truncate(mark)
    expect(writer.written()).toEqual(before)
  }
})

test('a multi with an operation that is none is refused', () => {
  expect(() => writeMultiRequest(new Writer(), [{ type: 99 } as never])).toThrow('a multi has no such operation')
})
