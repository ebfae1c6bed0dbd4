import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { md5 } from './md5.ts'

test('MD5 is that of node:crypto at every length around its blocks', () => {
  for (let length = 0; length < 300; length++) {
    const text = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff)
    expect(Buffer.from(md5(text)).toString('hex')).toBe(createHash('md5').update(text).digest('hex'))
  }
})
