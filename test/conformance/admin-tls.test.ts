/** The admin pages with TLS: who gets them, and what they say about clients that came with TLS (JettyAdminServer.java, Commands.java). */
import { request as requestPlain } from 'node:http'
import { type RequestOptions, request as requestSecure } from 'node:https'
import { Authority, type ClientCertificates } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type AdminTarget, missingAdminTarget, startAdminTarget } from '../support/admin-target.ts'
import { targetName } from '../support/target.ts'
import { tlsStores } from '../support/tls-stores.ts'
import { fact } from './fact.ts'
import { Wire } from './wire.ts'

const { keys, stranger, holder } = tlsStores()
// The admin port of Apache uses the stores of the ports between servers.
const stores = keys('ssl.quorum.')
const alice = holder({ name: 'alice' })
const bob = holder({ name: 'bob' })
const mallory = { ...stranger, ...new Authority('Another Authority').issue({ name: 'mallory' }) }

const missing = missingAdminTarget()
if (missing !== undefined) console.log(`admin pages with TLS on ${targetName}: skipped, because ${missing}`)

interface Answered {
  readonly status: number
  readonly strict: string | undefined
  readonly page: Readonly<Record<string, unknown>>
}

function chapter(
  title: string,
  more: Readonly<Record<string, string>>,
  body: (target: () => AdminTarget) => void,
): void {
  describe.skipIf(missing !== undefined)(`${title} [${targetName}]`, () => {
    let target: AdminTarget | undefined
    beforeAll(async () => {
      target = await startAdminTarget('pages', more)
    })
    afterAll(() => target?.[Symbol.asyncDispose]())
    body(() => target as AdminTarget)
  })
}

/** Asks for a page, with TLS where there are certificates; undefined where the connection ended without an answer. */
function ask(
  target: AdminTarget,
  name: string,
  certificates?: ClientCertificates,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered | undefined> {
  const { port } = new URL(target.url)
  const options: RequestOptions = {
    host: '127.0.0.1',
    port,
    path: `/commands/${name}`,
    headers: { host: `localhost:${port}`, ...headers },
    agent: false,
    servername: 'localhost',
    ...certificates,
  }
  return new Promise((resolve) => {
    const asked = (certificates === undefined ? requestPlain : requestSecure)(options, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        const strict = response.headers['strict-transport-security']
        const page = response.statusCode === 200 ? (JSON.parse(text) as Answered['page']) : {}
        resolve({ status: response.statusCode ?? 0, strict, page })
      })
    })
    asked.on('error', () => resolve(undefined))
    asked.end()
  })
}

chapter('an admin port for TLS alone', { ...stores, 'admin.forceHttps': 'true' }, (target) => {
  fact('pages are answered over TLS, and browsers are told to come back with it', async () => {
    expect(await ask(target(), 'ruok', stranger)).toEqual({
      status: 200,
      strict: 'max-age=86400; includeSubDomains',
      page: { command: 'ruok', error: null },
    })
  })
  fact('nothing is answered without TLS', async () => {
    expect(await ask(target(), 'ruok')).toBeUndefined()
  })
})

chapter('an admin port with TLS and without', { ...stores, 'admin.portUnification': 'true' }, (target) => {
  fact('pages are answered both ways', async () => {
    expect(await ask(target(), 'ruok', stranger)).toMatchObject({ status: 200 })
    expect(await ask(target(), 'ruok')).toEqual({
      status: 200,
      strict: undefined,
      page: { command: 'ruok', error: null },
    })
  })
})

const both = {
  ...stores,
  'authProvider.x509': 'org.apache.zookeeper.server.auth.X509AuthenticationProvider',
  'admin.forceHttps': 'true',
  'admin.portUnification': 'true',
  'admin.needClientAuth': 'true',
}
chapter('an admin port for clients with certificates', both, (target) => {
  fact('force counts more than both on one port', async () => {
    expect(await ask(target(), 'ruok')).toBeUndefined()
  })
  fact('a client with a certificate that is trusted gets pages, and no other', async () => {
    expect(await ask(target(), 'ruok', alice)).toMatchObject({ status: 200 })
    expect(await ask(target(), 'ruok', stranger)).toBeUndefined()
    expect(await ask(target(), 'ruok', mallory)).toBeUndefined()
  })
  fact('a certificate proves an identity that may ask for a snapshot', async () => {
    const wire = await Wire.connect(target().port)
    const { code } = await wire.setAcl('/', [{ perms: 31, id: { scheme: 'x509', id: 'CN=alice' } }])
    expect(code).toBe('OK')
    const asked = async (who: ClientCertificates, authorization: string): Promise<number | undefined> =>
      (await ask(target(), 'snapshot?streaming=false', who, { authorization }))?.status
    expect(await asked(bob, 'x509 CN=alice')).toBe(403)
    expect(await asked(alice, 'digest alice:x')).toBe(403)
    expect(await asked(alice, 'x509 me')).toBe(200)
    wire.destroy()
  })
})

chapter('a server with a port for TLS', { ...keys(), 'ssl.clientAuth': 'none' }, (target) => {
  fact('connections of the port for TLS have a list of their own', async () => {
    const plain = await Wire.connect(target().port)
    const secure = await Wire.secure(target().securePort, stranger)
    await secure.handshake()
    for (const name of ['connections', 'stats']) {
      const { page } = (await ask(target(), name)) as Answered
      const lists = [page['connections'], page['secure_connections']] as { remote_socket_address: string }[][]
      expect(lists.map((list) => list.length)).toEqual([1, 1])
    }
    plain.destroy()
    secure.destroy()
  })
})
