/**
 * Secrets in logs and status pages were bugs of several releases (CVE-2026-24308 among them). Everything that a server says is searched
 * for credentials that it was given: by its files, by clients that are right, and by clients that are wrong.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, digestMd5 } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort, ourProcess } from '../support/our-process.ts'

const marker = 'hunter2'
/** What every base64 of a text that begins with it begins with. */
const base64 = Buffer.from(marker.slice(0, 6)).toString('base64')
const superHash = createHash('sha1').update(`super:${marker}-super`).digest('base64')
const words = 'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat wchc wchp wchs'.split(' ')
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lightkeeper-secrets-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const login = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const jaas = (): string => file('jaas.conf', `Server { ${login} required user_bob="${marker}-bob" user_super="x"; };\n`)
const zooCfg = (more = ''): string =>
  file(
    'zoo.cfg',
    [
      `dataDir=${join(directory, 'data')}`,
      'clientPort=0',
      '4lw.commands.whitelist=*',
      `DigestAuthenticationProvider.superDigest=super:${superHash}`,
      'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
      `SASLAuthenticationProvider.superPassword=${marker}-sasl-super`,
      `java.security.auth.login.config=${join(directory, 'jaas.conf')}`,
      more,
      '',
    ].join('\n'),
  )

const expectNoSecret = (
  where: string,
  text: string,
  secrets: readonly string[] = [marker, base64, superHash],
): void => {
  for (const secret of secrets) expect(text.includes(secret), `${where}: ${text}`).toBe(false)
}

/** Fails or not; what it says is searched too. */
const attempt = async (where: string, act: Promise<unknown>): Promise<void> => {
  await act.catch((error: unknown) => {
    for (let each = error as Error | undefined; each !== undefined; each = each.cause as Error | undefined) {
      expectNoSecret(`an error of ${where}`, `${each.message} ${each.stack}`)
    }
  })
}

test('nothing that a server prints, answers or stores shows a credential', async () => {
  expect(readFileSync(jaas(), 'utf8')).toContain(marker)
  const [adminPort, metricsPort] = [await freePort(), await freePort()]
  const pages = [
    'admin.enableServer=true',
    'admin.serverAddress=127.0.0.1',
    `admin.serverPort=${adminPort}`,
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    'metricsProvider.httpHost=127.0.0.1',
    `metricsProvider.httpPort=${metricsPort}`,
  ]
  await using server = await ourProcess([zooCfg(pages.join('\n')), '--verbose'])
  const { connectString, port, child } = server
  const sasl = (username: string, password: string) => ({ sasl: digestMd5({ username, password }) })
  const digest = (credentials: string, scheme = 'digest') => ({ auth: [{ scheme, credentials }] })
  const creatorAcl = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
  let made = 0
  for (const options of [
    sasl('bob', `${marker}-bob`),
    sasl('super', `${marker}-sasl-super`),
    digest(`super:${marker}-super`),
    digest(`joe:${marker}-joe`),
  ]) {
    await using zk = await connect(connectString, options)
    await zk.create(`/made-${made++}`, 'x', { acl: creatorAcl })
    expectNoSecret('whoAmI', JSON.stringify(await zk.whoAmI()))
    for (const word of words) expectNoSecret(word, await ask(port, word))
  }
  for (const [where, options] of [
    ['a wrong password', sasl('bob', `${marker}-guess`)],
    ['a wrong user', sasl('eve', `${marker}-eve`)],
    ['a wrong superuser', digest(`super:${marker}-guess`)],
    ['an unknown scheme', digest(`${marker}-odd`, 'odd')],
    ['a login by an auth packet', digest(`bob:${marker}-bob`, 'sasl')],
  ] as const) {
    const act = async (): Promise<void> => {
      await using zk = await connect(connectString, { ...options, connectTimeout: 3000 })
      await zk.get('/made-0')
    }
    await attempt(where, act())
  }
  for (const word of words) expectNoSecret(word, await ask(port, word))
  const authorization = `digest joe:${marker}-joe`
  const page = async (url: string, headers = {}): Promise<string> => {
    const text = await (await fetch(url, { headers })).text()
    // A snapshot is data.
    expectNoSecret(url, text, url.endsWith('/snapshot') ? [marker, base64] : undefined)
    return text
  }
  const admin = `http://127.0.0.1:${adminPort}/commands`
  const commands = [...(await page(admin)).matchAll(/href="[^"]*?(\w+)"/g)].map(([, name = '']) => name)
  expect(commands).toEqual(expect.arrayContaining(['configuration', 'environment', 'monitor', 'connections']))
  for (const name of commands) await page(`${admin}/${name}`, { authorization })
  expect(await page(`http://127.0.0.1:${metricsPort}/metrics`)).toMatch(/^auth_failed_count/m)
  expectNoSecret('the process list', readFileSync(`/proc/${child.pid}/cmdline`, 'latin1'))
  // A reload says what changed.
  writeFileSync(join(directory, 'jaas.conf'), readFileSync(jaas(), 'utf8').replace(`${marker}-bob`, `${marker}-bill`))
  writeFileSync(
    join(directory, 'zoo.cfg'),
    readFileSync(join(directory, 'zoo.cfg'), 'utf8').replace('-sasl-super', '-new'),
  )
  child.kill('SIGHUP')
  while (!server.errors().includes('setting=saslUsers')) await ask(port, 'ruok')
  await server.end('SIGTERM')
  expect(server.errors()).toContain('a SASL login failed')
  expectNoSecret('the log', server.errors())
  const data = join(directory, 'data')
  for (const name of readdirSync(data, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue
    // Ids in ACLs are hashes, and belong there.
    expectNoSecret(name.name, readFileSync(join(name.parentPath, name.name), 'latin1'), [marker, base64])
  }
})

test.each([
  ['a JAAS file that is broken', () => file('jaas.conf', `Server { ${login} required user_bob "${marker}-bob"; };`)],
  ['a JAAS file that does not end', () => file('jaas.conf', `Server { ${login} required user_bob="${marker}-bob`)],
  ['a password that is a number', () => file('jaas.conf', `Server { ${login} required user_bob=1${marker}; };`)],
  ['a module that is not known', () => file('jaas.conf', `Server { my.Module required user_bob="${marker}"; };`)],
  [
    'a superDigest that is a password',
    () => [jaas(), zooCfg(`DigestAuthenticationProvider.superDigest=super:${marker}`)],
  ],
])('%s is refused, and the error shows no credential', async (_, broken) => {
  jaas()
  const path = zooCfg()
  broken()
  const error: Error = await ourProcess([path]).then(
    (server) => server.end('SIGKILL').then(() => new Error('it started')),
    (reason: Error) => reason,
  )
  expect(error.message).toMatch(/java.security.auth.login.config|superDigest/)
  expectNoSecret('the error', error.message)
})
