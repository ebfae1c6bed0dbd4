/** What is secret in a configuration, or in what clients send, appears in no log, no answer, no error and no audit line. */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { opCode, writeAuthPacket, writeSetACLRequest } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { ourProcess } from '../support/our-process.ts'
import { RawClient } from '../support/raw-client.ts'

const folder = temporaryFolders('secrets')
const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))

const password = 'Tr0ub4dor-and-3'
const hash = createHash('sha1').update(`super:${password}`).digest('base64')
const secrets = [password, hash]

/** Keys of Apache's files that hold a password or a hash of one, each with a secret. */
const secretKeys = [
  `DigestAuthenticationProvider.superDigest=super:${hash}`,
  `ssl.keyStore.password=${password}`,
  `ssl.trustStore.password=${password}`,
  `ssl.keyStore.passwordPath=/nowhere/${password}`,
  `ssl.quorum.keyStore.password=${password}`,
  `ssl.quorum.trustStore.password=${password}`,
  `SASLAuthenticationProvider.superPassword=${password}`,
  `metricsProvider.password=${password}`,
  `superPassword=${password}`,
]

function expectNoSecrets(text: string): void {
  for (const secret of secrets) expect(text).not.toContain(secret)
}

function word(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = createConnection(port, '127.0.0.1', () => socket.end(text))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

test.each(secretKeys)('a file with %s, right or wrong, is read without showing it', (line) => {
  const file = join(folder(), 'zoo.cfg')
  const [key = ''] = line.split('=', 1)
  for (const content of [
    `${line}\ntickTime=no\n`,
    `${key}=${password}:::\n${line}\nclientPort=0\n`,
    `${key} ${password}`,
  ]) {
    writeFileSync(file, content)
    for (const args of [
      [file, '--data-dir', folder(), '--port', '99999'],
      [file, '--check'],
    ]) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [bin, 'server', ...args], { encoding: 'utf8' })
      expectNoSecrets(stdout + stderr)
      expect(status).not.toBe(null)
    }
  }
})

test('a server shows nobody what is secret, whatever clients send and ask', async () => {
  const data = folder()
  const audit = join(folder(), 'audit.log')
  const settings = [
    `DigestAuthenticationProvider.superDigest=super:${hash}`,
    '4lw.commands.whitelist=*',
    'audit.enable=true',
    `audit.file=${audit}`,
  ]
  await using server = await ourProcess([
    ...['--port', '0', '--data-dir', data, '--verbose'],
    ...settings.flatMap((setting) => ['--set', setting]),
  ])
  const auth = (scheme: string, credentials: string) => async (client: RawClient) => {
    client.raw((writer) => {
      writer.int(-4)
      writer.int(opCode.auth)
      writeAuthPacket(writer, { type: 0, scheme, auth: new TextEncoder().encode(credentials) })
    })
  }
  const attempts = [
    auth('digest', `super:${password}`),
    auth('digest', `alice:${password}`),
    auth('ip', password),
    auth('sasl', password),
    auth('nothing', `alice:${password}`),
    auth('super', password),
    // A frame that breaks off behind the password.
    async (client: RawClient) =>
      client.raw((writer) => {
        writer.int(-4)
        writer.int(opCode.auth)
        writer.int(0)
        writer.ustring('digest')
        writer.int(1_000)
        writer.ustring(password)
      }),
  ]
  for (const attempt of attempts) {
    const client = await RawClient.open(server.port)
    await attempt(client)
    const acl = [{ perms: 31, id: { scheme: 'digest', id: `super:${hash}` } }]
    await client
      .call(opCode.exists, (writer) => {
        writer.ustring('/')
        writer.boolean(false)
      })
      .catch(() => {})
    await client.create('/guarded').catch(() => {})
    await client
      .call(opCode.setACL, (writer) => writeSetACLRequest(writer, { path: '/guarded', acl, version: -1 }))
      .catch(() => {})
    client.socket.destroy()
  }
  let answers = ''
  for (const name of ['conf', 'cons', 'crst', 'dirs', 'dump', 'envi', 'gtmk', 'hash', 'isro', 'mntr', 'ruok', 'srst']) {
    answers += await word(server.port, name)
  }
  for (const name of ['srvr', 'stat', 'wchc', 'wchp', 'wchs', 'icfg', 'sysp']) answers += await word(server.port, name)
  expect(answers).toContain('clientPort')
  await server.end('SIGTERM')
  const events = readFileSync(audit, 'utf8')
  expect(events).toContain('operation=setAcl')
  expectNoSecrets(answers + server.errors() + events)
})
