/**
 * Logins between members, of ours with one of Apache, and how they are switched on one server after the other. Apache's learner speaks
 * DIGEST-MD5 only without `zookeeper.fips-mode`, which is on by default in 3.9: with it, it says its number on the election port and then
 * nothing, and keeps the connection (observed).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as dialTls } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { tlsStores } from '../../support/tls-stores.ts'
import { missingVersion } from './trio.ts'
import { type Kind, Load, type Voter, Voters } from './voters.ts'

const isLong = process.env['INTEROP_LONG'] !== undefined
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

/** Resolves when the server closes the connection. Rejects for a byte of an answer. */
function closes(port: number, bytes: string, tls?: ConnectionOptions): Promise<void> {
  const socket = tls === undefined ? dial(port, '127.0.0.1') : dialTls({ ...tls, port, host: '127.0.0.1' })
  socket.write(Buffer.from(bytes, 'hex'))
  return new Promise((resolve, reject) => {
    socket.on('error', () => {})
    socket.once('data', () => reject(new Error('the server answered')))
    socket.once('close', () => resolve())
  })
}

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
      await using voters = await Voters.start('3.9', ['apache', 'ours', 'ours'], {
        settingsOf: () => ({ ...all, ...keys }),
        jvm,
      })
      await using load = await Load.start(voters)
      const [theirs, ours] = voters.all as [Voter, Voter, Voter]
      await voters.lead(theirs, load.goesOn)
      await load.goesOn()
      await voters.lead(ours, load.goesOn)
      await load.goesOn()
      // FOLLOWERINFO of server 2, and its notification on the other port, without a login.
      await closes(
        ours.quorumPort,
        '0000000b00000000000000000000001400000000000000020001000000000000000000 00ffffffff'.replace(' ', ''),
        tls,
      )
      await closes(ours.electionPort, 'ffffffffffff000000000000000000030000000b3132372e302e302e313a310000002c', tls)
      await load.goesOn()
      await load.stop()
      await load.check()
      await voters.areEqual()
    },
  )

  // CI has no time for nine restarts.
  const kinds: (readonly [Kind, Kind, Kind])[] = [
    ['ours', 'ours', 'ours'],
    ['ours', 'apache', 'ours'],
  ]
  test.each(isLong ? kinds : [])('%s, %s and %s switch it on one after the other', async (...each) => {
    await using voters = await Voters.start('3.9', each, { settingsOf: () => ({}), jvm })
    await using load = await Load.start(voters)
    for (const step of steps) {
      for (const voter of voters.all) {
        await voter.end('SIGTERM')
        voter.config = { ...step, [key]: jaas }
        await voter.start()
        await load.goesOn()
      }
    }
    await load.stop()
    await load.check()
    await voters.areEqual()
    expect(voters.all.every(({ isRunning }) => isRunning)).toBe(true)
  })
})
