/** Files of certificates that change under a running server. Their content is real; disk, clock and host are not. */
import type { LogFact, TlsContext, TlsServerOptions } from '@lightkeeper/runtime'
import { beforeEach, describe, expect, test } from 'vitest'
import { keyStores } from '../../../../test/support/key-stores.ts'
import { ConfigError } from '../config/config-error.ts'
import { HandClock } from '../server.harness.ts'
import { Credentials } from './credentials.ts'
import { resolveTls } from './options.ts'

let clock: HandClock
let files: Map<string, Uint8Array>
let lines: [level: string, message: string, facts: Readonly<Record<string, LogFact>> | undefined][]
let refuses: (options: TlsServerOptions) => boolean

beforeEach(() => {
  clock = new HandClock()
  lines = []
  refuses = () => false
  files = new Map([
    ['/k.jks', keyStores.serverJks],
    ['/t.p12', keyStores.trustP12],
    ['/password', new TextEncoder().encode('changeit\n')],
  ])
})

const optionsOf = (context: TlsContext): TlsServerOptions => context as unknown as TlsServerOptions

const load = (more: object = {}): Promise<Credentials> =>
  Credentials.load(
    resolveTls({
      keyStoreLocation: '/k.jks',
      keyStorePassword: 'changeit',
      trustStoreLocation: '/t.p12',
      trustStorePassword: 'changeit',
      ...more,
    }),
    {
      clock,
      log: (level, message, facts) => void lines.push([level, message, facts]),
      disk: {
        async open(path) {
          const content = files.get(path)
          if (content === undefined) throw new Error(`ENOENT: no such file, open '${path}'`)
          return {
            size: async () => content.length,
            read: async (at: number, target: Uint8Array) => {
              target.set(content.subarray(at))
              return content.length - at
            },
            close: async () => {},
          } as never
        },
      },
      tlsContext(options) {
        if (refuses(options)) throw new Error('key values mismatch')
        return options as unknown as TlsContext
      },
    },
  )

/** Lets the time pass after which files are looked at, and all that follows. */
async function look(): Promise<void> {
  clock.advance(5_000)
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

test('a key store and a trust store become a key with its chain, and authorities', async () => {
  const { keys, ca, clientCertificate } = optionsOf((await load()).context)
  expect(keys).toHaveLength(1)
  expect(keys[0]?.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  expect(keys[0]?.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(ca.map((pem) => pem.replaceAll('\n', ''))).toEqual([keyStores.authorityPem.replaceAll('\n', '')])
  expect(clientCertificate).toBe('need')
})

test('a password may come from a file, which counts more, without the end of its line', async () => {
  const credentials = await load({ keyStorePassword: 'wrong', keyStorePasswordPath: '/password' })
  expect(optionsOf(credentials.context).keys).toHaveLength(1)
})

describe('at the start a file is refused, by its name and without a secret,', () => {
  test.each([
    [
      'that is missing',
      { keyStoreLocation: '/other.jks' },
      /^tls\.keyStoreLocation \(\/other\.jks\) cannot be read: ENOENT/,
    ],
    [
      'under another password',
      { keyStorePassword: 'guess' },
      /^tls\.keyStoreLocation \(\/k\.jks\) was not written under this password/,
    ],
    [
      'whose password is missing',
      { trustStorePassword: '' },
      /^tls\.trustStoreLocation \(\/t\.p12\) needs a password, and none is given/,
    ],
    ['without a key', { keyStoreLocation: '/t.p12' }, /\(\/t\.p12\) holds no key with its certificate/],
    [
      'in another format',
      { keyStoreLocation: '/password', keyStoreType: 'JKS' },
      /\(\/password\) is neither JKS nor PKCS#12/,
    ],
    [
      'of trust that has no trusted certificate',
      { trustStoreLocation: '/o.p12' },
      /\(\/o\.p12\) holds no trusted certificate; keytool/,
    ],
  ])('%s', async (_, options, why) => {
    files.set('/o.p12', keyStores.trustOpensslP12)
    const error: unknown = await load(options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toMatch(why)
    expect((error as Error).message).not.toMatch(/guess|changeit/)
  })

  test('that the host cannot use', async () => {
    refuses = () => true
    await expect(load()).rejects.toThrow('(/k.jks) cannot be used: key values mismatch')
  })
})

describe('while the server runs', () => {
  test('new files are used from the next look on', async () => {
    const credentials = await load()
    credentials.watch()
    const before = credentials.context
    await look()
    expect(credentials.context).toBe(before)
    files.set('/k.jks', keyStores.serverP12)
    await look()
    expect(credentials.context).not.toBe(before)
    expect(lines).toEqual([
      [
        'info',
        'new certificates were read; new connections use them',
        { certificate: expect.stringMatching(/^(..:){31}..$/) },
      ],
    ])
  })

  test.each([
    ['half a file', () => files.set('/k.jks', keyStores.serverJks.subarray(0, 500))],
    ['no file', () => files.delete('/k.jks')],
    [
      'a certificate of another key',
      () => {
        refuses = () => true
        files.set('/k.jks', keyStores.serverP12)
      },
    ],
  ])('%s changes nothing and is said once; a good file after it is used', async (_, spoil) => {
    const credentials = await load()
    credentials.watch()
    const before = credentials.context
    spoil()
    for (let i = 0; i < 3; i++) await look()
    expect(credentials.context).toBe(before)
    expect(lines.map(([level, message]) => [level, message])).toEqual([
      ['error', 'new certificates cannot be used; the ones from before stay in use'],
    ])
    refuses = () => false
    files.set('/k.jks', keyStores.serverJdk8P12)
    await look()
    expect(credentials.context).not.toBe(before)
  })

  test('files that come back as they were are no news, and may be refused anew', async () => {
    const credentials = await load()
    credentials.watch()
    const before = credentials.context
    for (let i = 0; i < 2; i++) {
      files.delete('/k.jks')
      await look()
      files.set('/k.jks', keyStores.serverJks)
      await look()
    }
    expect(credentials.context).toBe(before)
    expect(lines.map(([level]) => level)).toEqual(['error', 'error'])
  })

  test('nothing is looked at where reloading is off, until it is asked for', async () => {
    const credentials = await load({ certReload: false })
    credentials.watch()
    const before = credentials.context
    files.set('/k.jks', keyStores.serverP12)
    await look()
    expect(credentials.context).toBe(before)
    const prepared = await credentials.prepare()
    expect(credentials.context).toBe(before)
    prepared?.commit()
    expect(credentials.context).not.toBe(before)
    expect(await credentials.prepare()).toBeUndefined()
  })

  test('a reload of the settings fails with a file that cannot be used, and changes nothing', async () => {
    const credentials = await load()
    const before = credentials.context
    files.set('/k.jks', keyStores.serverJks.subarray(0, 500))
    await expect(credentials.prepare()).rejects.toThrow(
      'tls.keyStoreLocation (/k.jks) was not written under this password',
    )
    expect(credentials.context).toBe(before)
  })

  test('nothing is looked at after the stop', async () => {
    const credentials = await load()
    credentials.watch()
    const before = credentials.context
    credentials.stop()
    files.set('/k.jks', keyStores.serverP12)
    await look()
    expect(credentials.context).toBe(before)
  })
})
