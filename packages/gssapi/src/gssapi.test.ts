/** With a stand-in for the package `kerberos`; test/interop/gssapi has the real one, a real KDC and a real server. */
import { KeeperError } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { gssapi, type KerberosClient, type KerberosModule } from './index.ts'

const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length) }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (token: Uint8Array | undefined): string => Buffer.from(token ?? []).toString()
const base64 = (plain: string | Uint8Array): string => Buffer.from(plain).toString('base64')

/** Complete after two steps; wrapping turns a text around. */
function standIn(offer: Uint8Array): KerberosModule & { asked: unknown[]; wrapped: string[] } {
  const asked: unknown[] = []
  const wrapped: string[] = []
  return {
    asked,
    wrapped,
    initializeClient(...args): Promise<KerberosClient> {
      asked.push(args)
      let steps = 0
      return Promise.resolve({
        get contextComplete() {
          return steps === 2
        },
        step: (challenge) => {
          steps++
          return Promise.resolve(steps === 1 ? base64(`ticket${challenge}`) : null)
        },
        unwrap: () => Promise.resolve(base64(offer)),
        wrap: (plain) => {
          wrapped.push(Buffer.from(plain, 'base64').toString('latin1'))
          return Promise.resolve(base64('sealed'))
        },
      })
    },
  }
}

test('shows a ticket, checks the proof of the server, and chooses no layer', async () => {
  const kerberos = standIn(Uint8Array.of(7, 0, 255, 255))
  const exchange = await gssapi({ kerberos, authzid: 'me', principal: 'me@R' }).start({ host: 'zk1', random })
  expect(kerberos.asked).toEqual([['zookeeper@zk1', { flags: 42, principal: 'me@R' }]])
  expect(text(exchange.first)).toBe('ticket')
  expect(await exchange.respond(bytes('proof'))).toEqual({ token: new Uint8Array(0), isDone: false })
  const last = await exchange.respond(bytes('offer'))
  expect([text(last.token), last.isDone, kerberos.wrapped]).toEqual(['sealed', true, ['\x01\0\0\0me']])
})

test('names the service and the host by its options', async () => {
  const kerberos = standIn(Uint8Array.of(1, 0, 0, 0))
  await gssapi({ kerberos, service: 'zk', host: (host) => `${host}.example.com` }).start({ host: 'a', random })
  await gssapi({ kerberos, host: 'fixed' }).start({ host: 'a', random })
  expect(kerberos.asked.map((args) => (args as string[])[0])).toEqual(['zk@a.example.com', 'zookeeper@fixed'])
})

test.each([
  [Uint8Array.of(6, 0, 0, 0), 'insists on a security layer'],
  [Uint8Array.of(1), 'cannot be read'],
])('ends where the server offers %s', async (offer, why) => {
  const exchange = await gssapi({ kerberos: standIn(offer) }).start({ host: 'a', random })
  await exchange.respond(bytes('proof'))
  const error: unknown = await Promise.resolve(exchange.respond(bytes('offer'))).catch((reason: unknown) => reason)
  expect(KeeperError.is(error, 'AUTH_FAILED') && error.message).toContain(why)
})

test.each([
  ['a service that is no text', { service: 7 }, 'options.service must be a string that is not empty, not 7'],
  ['an empty host', { host: '' }, 'options.host must be a string that is not empty'],
  ['a principal that is an object', { principal: { name: 'me' } }, 'options.principal'],
  ['an authzid that is half a character', { authzid: '\ud800' }, 'options.authzid must be well-formed text'],
  ['another package', { kerberos: {} }, 'options.kerberos must be the package kerberos, with initializeClient()'],
  ['a misspelt option', { pricipal: 'me@R' }, 'options has no "pricipal": did you mean principal?'],
  ['no object', 'me@R', 'options must be an object'],
])('%s is refused at once, by name', (_, options, message) => {
  expect(() => gssapi(options as object)).toThrow(new RegExp(`^gssapi: .*${message.replaceAll(/[.()?]/g, '\\$&')}`))
  expect(() => gssapi(options as object)).toThrow(TypeError)
})

test('a host that the function of the user gives must be text', async () => {
  const login = gssapi({ kerberos: standIn(Uint8Array.of(1, 0, 0, 0)), host: () => 7 as unknown as string })
  const start = async (): Promise<unknown> => login.start({ host: 'a', random })
  await expect(start()).rejects.toThrow('what options.host gives must be a string')
})
