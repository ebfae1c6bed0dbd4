/** An authority, the certificate of a server that it signed, and both in files as the keys of a configuration name them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority, type ClientCertificates } from '@lightkeeper/testing'
import { afterAll, beforeAll } from 'vitest'

export interface TlsStores {
  readonly authority: Authority
  /** `ssl.keyStore.location` and `ssl.trustStore.location`, behind another prefix where one is asked for. */
  keys(prefix?: string): Readonly<Record<string, string>>
  /** A client that trusts the server and shows nothing. */
  readonly stranger: ClientCertificates
  /** A client with a certificate of the authority. */
  holder(options: Parameters<Authority['issue']>[0]): ClientCertificates
}

/** The files go when the tests of the file have ended. */
export function tlsStores(): TlsStores {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-stores-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const authority = new Authority()
  const own = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
  const server = join(directory, 'server.pem')
  const trusted = join(directory, 'authority.pem')
  // Not at once: where every test of the file is skipped, nothing removes them.
  beforeAll(() => {
    writeFileSync(server, own.key + own.cert)
    writeFileSync(trusted, authority.cert)
  })
  const stranger = { ca: authority.cert }
  return {
    authority,
    keys: (prefix = 'ssl.') => ({
      [`${prefix}keyStore.location`]: server,
      [`${prefix}trustStore.location`]: trusted,
    }),
    stranger,
    holder: (options) => ({ ...stranger, ...authority.issue(options) }),
  }
}
