/** A client may move between this server and Apache's: ids and passwords are those that Apache makes. */
import { expect, test } from 'vitest'
import { ApacheSessionIds, ApacheSessionKeys } from './apache-sessions.ts'

const none = new Set<bigint>()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('the first byte of an id is the number of the server, the next ones are the time', () => {
  // 0x1000041d6260000 and 0x100003c52920001 are ids of server 1 of Apache's, some seconds after it had started.
  expect(new ApacheSessionIds(1, 0x41d626).next(none)).toBe(0x1000041d6260000n)
  expect(new ApacheSessionIds(4, 0x1a206a1d096).next(none)).toBe(0x04a2_06a1_d096_0000n)
})

test('ids follow each other, and an id that the tree has is left out', () => {
  const ids = new ApacheSessionIds(1, 1)
  expect(ids.next(none)).toBe(0x0100_0000_0001_0000n)
  expect(ids.next(new Set([0x0100_0000_0001_0001n]))).toBe(0x0100_0000_0001_0002n)
})

test('only the low byte of a server number is in its ids', () => {
  expect(new ApacheSessionIds(257, 1).next(none)).toBe(0x0100_0000_0001_0000n)
  expect(new ApacheSessionIds(200, 1).next(none)).toBeLessThan(0n)
})

test('a password is the one of an Apache server', () => {
  const keys = new ApacheSessionKeys()
  expect(hex(keys.passwordOf(0x100003c52920001n))).toBe('2fb3b8bd19dbad0c4fdbcdacbe8b3e27')
  expect(
    keys.isPasswordOf(0x1000041d6260000n, Uint8Array.from(Buffer.from('78c65e92a582df4b16aaa74bf6771d4f', 'hex'))),
  ).toBe(true)
  expect(keys.isPasswordOf(0x1000041d6260000n, new Uint8Array(16))).toBe(false)
})
