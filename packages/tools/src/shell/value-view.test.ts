import { deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { hexDump, viewValue } from './value-view.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each([
  ['nothing', new Uint8Array(0), { kind: 'empty' }],
  ['text', bytes('größe\n\tja\r\n'), { kind: 'text', text: 'größe\n\tja\r\n' }],
  ['a byte order mark', bytes('\uFEFFx'), { kind: 'text', text: '\uFEFFx' }],
  ['an escape sequence of a terminal', bytes('a\u001b[2J'), { kind: 'binary' }],
  ['no UTF-8', Uint8Array.of(0xff, 0x41), { kind: 'binary' }],
  ['zeros', new Uint8Array(8), { kind: 'binary' }],
  ['gzip', gzipSync('hello hello'), { kind: 'compressed', format: 'gzip' }],
  ['zlib', deflateSync('hello hello hello hello'), { kind: 'compressed', format: 'zlib' }],
  ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0), { kind: 'compressed', format: 'zstd' }],
  ['lz4', Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x80), { kind: 'compressed', format: 'lz4' }],
  [
    'snappy',
    Uint8Array.of(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59),
    { kind: 'compressed', format: 'snappy' },
  ],
])('%s', (_, data, view) => {
  expect(viewValue(data)).toEqual(view)
})

test('bytes in hexadecimal look as those of zkCli', () => {
  expect(hexDump(bytes('0123456789abcdef\u0000ü')).split('\n')).toEqual([
    '         +-------------------------------------------------+',
    '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
    '+--------+-------------------------------------------------+----------------+',
    '|00000000| 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|',
    '|00000010| 00 c3 bc                                        |...             |',
    '+--------+-------------------------------------------------+----------------+',
  ])
  expect(hexDump(new Uint8Array(0))).toBe('')
})
