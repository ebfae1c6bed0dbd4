import { sessionPassword } from '@lightkeeper/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SessionKeys, secretBytes } from './session-keys.ts'

const secret = fc.uint8Array({ minLength: secretBytes, maxLength: secretBytes })
const number = fc.nat(2 ** 40 - 1)
const keys = new SessionKeys(new Uint8Array(secretBytes).fill(7))

test('ids carry the server in their first byte, are above 0, and are ours', () => {
  fc.assert(
    fc.property(secret, number, fc.integer({ min: 1, max: 126 }), (bytes, sequence, server) => {
      const own = new SessionKeys(bytes)
      const id = own.idOf(server, sequence)
      expect([id > 0n, id >> 56n, own.isOurs(id)]).toEqual([true, BigInt(server), true])
    }),
  )
})

test('no two numbers have one id', () => {
  const sequences = [0, 1, 2, 4095, 4096, 2 ** 28, 2 ** 39, 2 ** 40 - 1]
  for (let i = 0; i < 5000; i++) sequences.push(1_700_000_000 + i)
  expect(new Set(sequences.map((sequence) => keys.idOf(1, sequence))).size).toBe(sequences.length)
})

test('ids of consecutive numbers have about half of their 56 bits different', () => {
  let different = 0
  for (let i = 0; i < 1000; i++) {
    let bits = keys.idOf(1, i) ^ keys.idOf(1, i + 1)
    for (; bits > 0n; bits >>= 1n) different += Number(bits & 1n)
  }
  expect(different / 1000).toBeGreaterThan(27)
  expect(different / 1000).toBeLessThan(29)
})

test('few of the ids that others made look like ours', () => {
  let ours = 0
  for (let i = 0n; i < 20_000n; i++) if (keys.isOurs(0x0100_0191_0000_0000n + i)) ours++
  expect(ours).toBeLessThan(8)
})

test('the password of ours is another with another secret, and never the one that Apache computes', () => {
  const other = new SessionKeys(new Uint8Array(secretBytes).fill(8))
  const id = keys.idOf(1, 5)
  expect(keys.passwordOf(id)).toHaveLength(16)
  expect(keys.passwordOf(id)).not.toEqual(sessionPassword(id))
  expect(keys.isPasswordOf(id, keys.passwordOf(id))).toBe(true)
  expect(keys.isPasswordOf(id, sessionPassword(id))).toBe(false)
  expect(keys.isPasswordOf(id, other.passwordOf(id))).toBe(false)
  expect(keys.isPasswordOf(id, keys.passwordOf(keys.idOf(1, 6)))).toBe(false)
})

test.each([[null], [new Uint8Array(0)], [new Uint8Array(15)], [new Uint8Array(17)]])(
  'a password of another length is none: %o',
  (password) => {
    expect(keys.isPasswordOf(keys.idOf(1, 5), password)).toBe(false)
  },
)

test('a session that Apache made keeps its password', () => {
  const id = 0x1000_0191_ea53_0000n
  expect(keys.isOurs(id)).toBe(false)
  expect(keys.passwordOf(id)).toEqual(sessionPassword(id))
})
