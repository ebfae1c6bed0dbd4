import { expect, test } from 'vitest'
import { RateLimit, refusalOf } from './gate.ts'

function asked(headers: Readonly<Record<string, string>>): Parameters<typeof refusalOf>[0] {
  return {
    method: 'GET',
    target: '/',
    remoteHost: '127.0.0.1',
    isSecure: false,
    peerCertificate: undefined,
    header: (name) => headers[name],
    body: (async function* () {})(),
  }
}

test('a request without a Host is refused, and any name is taken where all are allowed', () => {
  expect(refusalOf(asked({}), new Set(['localhost']))).toMatch(/missing/)
  expect(refusalOf(asked({ host: 'a.example' }), new Set(['*']))).toBe(undefined)
})

test('a refusal says which key allows the name', () => {
  expect(refusalOf(asked({ host: 'zk.example' }), new Set(['localhost']))).toMatch(/"zk\.example".*admin\.allowedHosts/)
})

test('one in an interval, and one more when it is over', () => {
  const limit = new RateLimit(1, 1000)
  expect([0, 1, 999, 1000, 1001, 2500].map((now) => limit.allows(now))).toEqual([true, false, false, true, false, true])
})

test('an interval of nothing refuses nobody', () => {
  const limit = new RateLimit(1, 0)
  expect([5, 5, 5].map((now) => limit.allows(now))).toEqual([true, true, true])
})
