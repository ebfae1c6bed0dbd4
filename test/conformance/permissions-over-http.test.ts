/**
 * Who may take a snapshot by HTTP: those who have every permission on the root, by every scheme that the admin port takes
 * (AuthRequest.java). The expectation of each cell is computed from the rule. A restore asks for the same.
 */
import { request } from 'node:https'
import { type Acl, openAcl } from '@lightkeeper/protocol'
import type { ClientCertificates } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type AdminTarget, missingAdminTarget, startAdminTarget, superAuthorization } from '../support/admin-target.ts'
import { targetName } from '../support/target.ts'
import { tlsStores } from '../support/tls-stores.ts'
import { fact } from './fact.ts'
import { aclOf, Wire } from './wire.ts'

const { keys, holder } = tlsStores()
const alice = holder({ name: 'alice' })
/** For those who prove who they are in another way: this port lets nobody in without a certificate. */
const stranger = holder({ name: 'stranger' })
const joe = 'joe:VAXy9ajBTglP5dEFbkRFkF33wJ4='

const missing = missingAdminTarget()
if (missing !== undefined) console.log(`permissions over HTTP on ${targetName}: skipped, because ${missing}`)

/** What a caller shows, and the entries of an ACL that it matches. */
const callers: readonly {
  readonly name: string
  readonly authorization: string
  readonly certificates: ClientCertificates
  readonly matches: readonly string[] | 'everything'
}[] = [
  {
    name: 'joe',
    authorization: 'digest joe:pw',
    certificates: stranger,
    matches: ['world', 'digest'],
  },
  {
    name: 'joe with a wrong password',
    authorization: 'digest joe:wrong',
    certificates: stranger,
    matches: ['world'],
  },
  { name: 'alice', authorization: 'x509 -', certificates: alice, matches: ['world', 'x509'] },
  { name: 'super', authorization: superAuthorization, certificates: stranger, matches: 'everything' },
]
const entries: Readonly<Record<string, (perms: number) => Acl>> = {
  world: (perms) => aclOf(perms, 'world', 'anyone'),
  digest: (perms) => aclOf(perms, 'digest', joe),
  x509: (perms) => aclOf(perms, 'x509', 'CN=alice'),
  'other x509': (perms) => aclOf(perms, 'x509', 'CN=eve'),
  'other ip': (perms) => aclOf(perms, 'ip', '10.0.0.0/8'),
}
/** Few: each refusal counts as a failure of this address, and after thirty of them it is refused everything. */
const permissions = [30, 31]

describe.skipIf(missing !== undefined)(`snapshots by HTTP and permissions [${targetName}]`, () => {
  let target: AdminTarget
  let root: Wire
  beforeAll(async () => {
    target = await startAdminTarget('pages', {
      ...keys('ssl.quorum.'),
      // Apache's provider of x509 asks the trust store of the port for clients, whatever port the certificate came to.
      ...keys('ssl.'),
      'authProvider.x509': 'org.apache.zookeeper.server.auth.X509AuthenticationProvider',
      'admin.forceHttps': 'true',
      'admin.needClientAuth': 'true',
      'admin.rateLimiterIntervalInMS': '0',
    })
    root = await Wire.connect(target.port, { timeOut: 40_000 })
    await root.auth('digest', superAuthorization.slice('digest '.length))
  })
  afterAll(async () => {
    root?.destroy()
    await target?.[Symbol.asyncDispose]()
  })

  const status = (authorization: string | undefined, certificates: ClientCertificates): Promise<number> => {
    const { port } = new URL(target.url)
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          path: '/commands/snapshot?streaming=false',
          headers: { host: `localhost:${port}`, ...(authorization === undefined ? {} : { authorization }) },
          agent: false,
          servername: 'localhost',
          ...certificates,
        },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
        },
      )
      asked.on('error', reject)
      asked.end()
    })
  }

  fact('every permission on the root is asked for, and nothing else', async () => {
    const differing: string[] = []
    for (const [entry, of] of Object.entries(entries)) {
      for (const perms of permissions) {
        expect((await root.setAcl('/', [of(perms)])).code).toBe('OK')
        for (const { name, authorization, certificates, matches } of callers) {
          const isAllowed = matches === 'everything' || (matches.includes(entry) && perms === 31)
          const expected = isAllowed ? 200 : 403
          const got = await status(authorization, certificates)
          if (got !== expected) differing.push(`${entry} ${perms}, ${name}: ${got}, expected ${expected}`)
        }
      }
    }
    expect(differing).toEqual([])
    expect((await root.setAcl('/', openAcl)).code).toBe('OK')
  })

  fact('an open root asks for the header all the same', async () => {
    expect(await status(undefined, stranger)).toBe(401)
    expect(await status('digest joe:pw', stranger)).toBe(200)
  })
})
