/**
 * Logins between members, of ours with one of Apache, and how they are switched on one server after the other. Apache's learner speaks
 * DIGEST-MD5 only without `zookeeper.fips-mode`, which is on by default in 3.9: with it, it says its number on the election port and then
 * nothing, and keeps the connection (observed).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as dialTls } from 'node:tls'
import { afterAll, describe, test } from 'vitest'
import { tlsStores } from '../../support/tls-stores.ts'
import { closes, eachKindLeads, rolledKinds, switchedOn } from './kinds.ts'
import { missingVersion } from './trio.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-logins-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const module_ = 'org.apache.zookeeper.server.auth.DigestLoginModule required'
const file = (password: string): string => {
  const path = join(folder, `${password}.conf`)
  writeFileSync(
    path,
    `QuorumServer { ${module_} user_member="${password}"; };\n` +
      `QuorumLearner { ${module_} username="member" password="${password}"; };\n`,
  )
  return path
}
const jaas = file('secret')
const stores = tlsStores()
const key = 'java.security.auth.login.config'
/** Ours reads the file that its own file names; a JVM, the one that its properties name. */
const jvm = [`-D${key}=${jaas}`, '-Dzookeeper.fips-mode=false']
const steps = [
  { 'quorum.auth.enableSasl': 'true' },
  { 'quorum.auth.enableSasl': 'true', 'quorum.auth.learnerRequireSasl': 'true' },
  {
    'quorum.auth.enableSasl': 'true',
    'quorum.auth.learnerRequireSasl': 'true',
    'quorum.auth.serverRequireSasl': 'true',
  },
]
const all = { ...steps[2], [key]: jaas }

describe.skipIf(missingVersion('3.9') !== undefined)('members that log in to each other', () => {
  test.each([
    ['without TLS', {}, undefined],
    // Who has a certificate of a member is none yet.
    [
      'over TLS',
      { ...stores.keys('ssl.quorum.'), sslQuorum: 'true' },
      stores.holder({ name: 'm', hosts: ['127.0.0.1'] }),
    ],
  ])(
    'one of Apache and two of ours have a leader of either kind, and let no stranger in, %s',
    async (_how, keys, tls) => {
      const host = '127.0.0.1'
      const reach = (port: number): Socket => (tls === undefined ? dial(port, host) : dialTls({ ...tls, port, host }))
      await eachKindLeads({ settingsOf: () => ({ ...all, ...keys }), jvm }, async (ours) => {
        // FOLLOWERINFO of server 2, and its notification on the other port, without a login.
        const followerInfo = '0000000b0000000000000000000000140000000000000002000100000000000000000000ffffffff'
        const notification = 'ffffffffffff000000000000000000030000000b3132372e302e302e313a310000002c'
        await closes(reach(ours.quorumPort), followerInfo)
        await closes(reach(ours.electionPort), notification)
      })
    },
  )

  test.each(rolledKinds)('%s, %s and %s switch it on one after the other', async (...kinds) => {
    await switchedOn(
      kinds,
      steps.map((step) => ({ ...step, [key]: jaas })),
      { jvm },
    )
  })
})
