import { expect, test } from 'vitest'
import { oldLimit } from './memory.ts'

const megabyte = 1024 * 1024

/** What Node 20 says of its heap with these flags, and how much of it is for long-lived objects; megabytes. */
test.each([
  ['', 4144, 4096],
  ['--max-semi-space-size=4', 4108, 4096],
  ['--trace-warnings --max_semi_space_size=8', 4120, 4096],
  ['--max-old-space-size=48', 96, 48],
  ['--max-old-space-size=100 --max-semi-space-size=64  --max_old_space_size 48', 240, 48],
])('with the flags "%s" a heap of %d MB has %d MB for long-lived objects', (flags, whole, old) => {
  expect(oldLimit(flags, whole * megabyte)).toBe(old * megabyte)
})
