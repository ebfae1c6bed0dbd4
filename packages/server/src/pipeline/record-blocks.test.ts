import { expect, test } from 'vitest'
import { RecordBlocks } from './record-blocks.ts'

const record = (blocks: RecordBlocks, bytes: Uint8Array): Uint8Array => {
  blocks.begin().raw(bytes)
  return blocks.end()
}

test('records keep their bytes, however many follow, and however long one of them is', () => {
  const blocks = new RecordBlocks()
  const sizes = Array.from({ length: 2_000 }, (_, i) => (i % 400 === 399 ? 100_000 : (i * 37) % 300))
  const records = sizes.map((size, i) => record(blocks, new Uint8Array(size).fill(i)))
  records.forEach((each, i) => expect(each).toEqual(new Uint8Array(sizes[i] as number).fill(i)))
})

test('short records share their memory', () => {
  const blocks = new RecordBlocks()
  const [first, second] = [record(blocks, Uint8Array.of(1, 2)), record(blocks, Uint8Array.of(3))]
  expect(second.buffer).toBe(first.buffer)
})

test('what a record that could not be encoded has left is no part of the next one', () => {
  const blocks = new RecordBlocks()
  expect(() => {
    const writer = blocks.begin()
    writer.int(7)
    writer.int(1.5)
  }).toThrow(TypeError)
  expect(record(blocks, Uint8Array.of(9))).toEqual(Uint8Array.of(9))
})
