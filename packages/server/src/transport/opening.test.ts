/** The first bytes of a connection, however they are cut. */
import { expect, test } from 'vitest'
import { Opening } from './opening.ts'

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
/** `ruok` has no argument, `stmk` one of eight bytes. */
const words = {
  length(given: Uint8Array): number {
    const word = String.fromCharCode(...given.subarray(0, 4))
    return word === 'ruok' ? 4 : word === 'stmk' ? 12 : 0
  },
  answer: () => '',
}

test.each([
  ['ruok', { isWord: true, bytes: bytes('ruok') }],
  ['ruok and more', { isWord: true, bytes: bytes('ruok') }],
  ['stmk12345678', { isWord: true, bytes: bytes('stmk12345678') }],
  ['none of them', { isWord: false, bytes: bytes('none of them') }],
])('%s is known, cut after each byte or not at all', (text, expected) => {
  expect(new Opening(words).add(bytes(text))).toEqual(expected)
  for (let cut = 1; cut < 4; cut++) {
    const opening = new Opening(words)
    expect(opening.add(bytes(text.slice(0, cut)))).toBeUndefined()
    expect(opening.add(bytes(text.slice(cut)))).toEqual(expected)
  }
})

test.each(['', 'r', 'ruo', 'stmk', 'stmk1234567'])('%j may become a word', (text) => {
  expect(new Opening(words).add(bytes(text))).toBeUndefined()
})
