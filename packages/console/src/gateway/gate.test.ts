/** Requests and whether the gate lets them through. */
import { expect, test } from 'vitest'
import { refusalOf } from './gate.ts'

const open = { hostNames: new Set<string>(), token: undefined }

function asking(headers: Record<string, string>, method = 'GET', path = '/api/about') {
  return { method, path, header: (name: string) => headers[name] }
}

test.each([
  [{ host: '127.0.0.1:4000' }],
  [{ host: 'localhost' }],
  [{ host: '[::1]:4000', origin: 'http://[::1]:4000', 'sec-fetch-site': 'same-origin' }],
])('serves a request of its own page: %o', (headers) => {
  expect(refusalOf(asking(headers), open)).toBeUndefined()
})

test.each([
  [{}, 'the Host header is missing'],
  [{ host: 'evil.example' }, 'no name of this console'],
  [{ host: '127.0.0.1.evil.example:80' }, 'no name of this console'],
  [{ host: 'localhost:4000', origin: 'http://evil.example' }, 'names another site'],
  [{ host: 'localhost:4000', origin: 'null' }, 'names another site'],
  [{ host: 'localhost:4000', origin: 'http://localhost:4001' }, 'names another site'],
  [{ host: 'localhost:4000', 'sec-fetch-site': 'cross-site' }, 'another site'],
])('refuses what comes from elsewhere: %o', (headers, message) => {
  expect(refusalOf(asking(headers), open)).toMatchObject({ status: 403, message: expect.stringContaining(message) })
})

test('a link on another page leads to the console, and its scripts do not', () => {
  const link = { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  expect(refusalOf(asking(link, 'GET', '/'), open)).toBeUndefined()
  expect(refusalOf(asking(link, 'GET', '/api/about'), open)).toBeDefined()
  expect(refusalOf(asking({ ...link, 'sec-fetch-mode': 'cors' }, 'GET', '/'), open)).toBeDefined()
})

test('a name that the operator allows is served', () => {
  const names = { hostNames: new Set(['console.internal']), token: undefined }
  expect(refusalOf(asking({ host: 'Console.Internal:80' }), names)).toBeUndefined()
})

test('a write must be JSON, which a form of another site cannot send', () => {
  const host = { host: 'localhost' }
  expect(refusalOf(asking({ ...host, 'content-type': 'text/plain' }, 'PUT'), open)).toMatchObject({ status: 403 })
  expect(refusalOf(asking(host, 'DELETE'), open)).toMatchObject({ status: 403 })
  expect(refusalOf(asking({ ...host, 'content-type': 'application/json; charset=utf-8' }, 'PUT'), open)).toBeUndefined()
})

test('where a token is required, the page is served without it and the API only with it', () => {
  const closed = { hostNames: new Set<string>(), token: 'secret-token' }
  const of = (authorization?: string) =>
    refusalOf(asking({ host: 'localhost', ...(authorization !== undefined && { authorization }) }), closed)
  expect(refusalOf(asking({ host: 'localhost' }, 'GET', '/assets/main.js'), closed)).toBeUndefined()
  expect(of()).toMatchObject({ status: 401, message: expect.stringContaining('needs a token') })
  for (const wrong of ['Bearer secret-toke', 'Bearer secret-tokenn', 'Bearer Secret-token', 'Basic secret-token']) {
    expect(of(wrong), wrong).toMatchObject({ status: 401, code: 'TOKEN' })
  }
  expect(of('Bearer secret-token')).toBeUndefined()
})
