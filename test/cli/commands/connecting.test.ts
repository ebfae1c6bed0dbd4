/** One set of options for all commands that talk to servers, as a user gives them: arguments, files, environment, profiles. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect, digestAcl, type ZnodePath } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { Authority } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/wait.ts'
import { Running } from '../running.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-connecting-'))
const authority = new Authority()
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

let server: RunningServer
let zk: Client
let secure: string
const all = 31
beforeAll(async () => {
  server = await startServer({ ...authority.server('want'), port: 0, saslUsers: { bob: 'hunter2' } })
  secure = server.secureConnectString ?? ''
  zk = await connect(server)
  const guard = (path: ZnodePath, scheme: string, id: string): Promise<unknown> =>
    zk.create(path, 'x', { acl: [{ perms: all, id: { scheme, id } }] })
  await zk.create('/digest', 'x', { acl: digestAcl('joe:pw') })
  await guard('/sasl', 'sasl', 'bob')
  await guard('/x509', 'x509', 'CN=alice')
  await zk.create('/inner/open', 'x', { parents: true })
})
afterAll(async () => {
  await zk?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Way {
  readonly path: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** How reading a znode ends in each way; all at once. */
function ends(ways: readonly Way[]): Promise<(string | number)[]> {
  return Promise.all(
    ways.map(async ({ path, args, env }) => {
      const { code, errors } = await new Running(['export', path, ...args], env).closed
      return code === 0 ? 0 : `${code} ${/NO_AUTH|AUTH_FAILED|certificate|does not exist/.exec(errors)?.[0] ?? errors}`
    }),
  )
}

const ca = file('ca.pem', authority.cert)
const other = file('other.pem', new Authority('another').cert)
const { cert, key } = authority.issue({ name: 'alice' })
const [certFile, keyFile] = [file('alice.pem', cert), file('alice.key', key)]
const both = file('both.pem', `${key}${cert}`)
const password = file('password', 'hunter2\n')
const wrong = file('wrong', 'hunter3\n')
const identities = file('identities', '# joe\ndigest:joe:pw\n')

describe('each way to be somebody', () => {
  test('an identity by argument, file, environment and profile', async () => {
    const s = ['-s', server.connectString]
    const profiles = file(
      'profiles.json',
      JSON.stringify({
        joe: { server: server.connectString, 'auth-file': 'identities' },
        none: { server: server.connectString },
      }),
    )
    const env = { LIGHTKEEPER_PROFILES: profiles }
    const path = '/digest'
    expect(
      await ends([
        { path, args: s },
        { path, args: [...s, '--auth', 'digest:joe:pw'] },
        { path, args: [...s, '--auth-file', identities] },
        { path, args: s, env: { LIGHTKEEPER_AUTH: 'digest:joe:pw' } },
        { path, args: ['--profile', 'joe'], env },
        { path, args: [], env: { ...env, LIGHTKEEPER_PROFILE: 'joe' } },
        // What the environment says belongs to other servers.
        { path, args: ['--profile', 'none'], env: { ...env, LIGHTKEEPER_AUTH: 'digest:joe:pw' } },
      ]),
    ).toEqual(['1 NO_AUTH', 0, 0, 0, 0, 0, '1 NO_AUTH'])
  })

  test('a login by SASL with a password from a file or the environment', async () => {
    const args = ['-s', server.connectString, '--sasl', 'digest-md5', '--sasl-user', 'bob']
    const path = '/sasl'
    expect(
      await ends([
        { path, args: [...args, '--sasl-password-file', password] },
        { path, args, env: { LIGHTKEEPER_SASL_PASSWORD: 'hunter2' } },
        { path, args: [...args, '--sasl-password-file', wrong] },
      ]),
    ).toEqual([0, 0, '1 AUTH_FAILED'])
  })

  test('a certificate over TLS; an authority that is not trusted ends the connection', async () => {
    const args = ['-s', secure, '--connect-timeout', '20000']
    const path = '/x509'
    expect(
      await ends([
        { path, args: [...args, '--tls-ca', ca, '--tls-cert', certFile, '--tls-key', keyFile] },
        { path, args: [...args, '--tls-ca', ca, '--tls-cert', both] },
        { path, args: [...args, '--tls-ca', ca] },
        { path: '/inner', args: ['-s', secure, '--connect-timeout', '3000', '--tls-ca', other] },
      ]),
    ).toEqual([0, 0, '1 NO_AUTH', '1 certificate'])
  })

  test('below a chroot', async () => {
    const args = ['-s', server.connectString, '--chroot', '/inner']
    expect(
      await ends([
        { path: '/open', args },
        { path: '/inner', args },
      ]),
    ).toEqual([0, '1 does not exist'])
  })
})

test.skipIf(process.platform !== 'linux')('the list of processes does not show an identity (Linux)', async () => {
  const watch = new Running(['watch', '/digest', '-s', server.connectString, '--auth', 'digest:joe:pw'])
  await until(
    () => watch.output.includes('ready'),
    () => watch.errors,
  )
  const shown = readFileSync(`/proc/${watch.child.pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
  expect(shown).toBe('lightkeeper watch')
  watch.child.kill('SIGTERM')
  expect((await watch.closed).code).toBe(0)
})

test('a command that is run connects as the one that runs it, and gets no secret', async () => {
  const profiles = file(
    'run.json',
    JSON.stringify({ p: { server: server.connectString, chroot: '/inner', auth: ['digest:joe:pw'] } }),
  )
  const { code, output } = await new Running(
    [
      'lock',
      '/lock',
      '--profile',
      'p',
      '--session-timeout',
      '9000',
      '--',
      'sh',
      '-c',
      'env | grep ^LIGHTKEEPER_ | sort',
    ],
    { LIGHTKEEPER_PROFILES: profiles, LIGHTKEEPER_TIMEOUT: '123', LIGHTKEEPER_SERVER: 'elsewhere' },
  ).closed
  expect(code).toBe(0)
  expect(output).toContain(`LIGHTKEEPER_SERVER=${server.connectString}/inner\n`)
  expect(output).toContain('LIGHTKEEPER_PROFILE=p\n')
  expect(output).toContain('LIGHTKEEPER_SESSION_TIMEOUT=9000\n')
  expect(output).toContain('LIGHTKEEPER_TIMEOUT=\n')
  expect(output).not.toContain('joe')
})

test('with -q a waiting command is silent, and without it says once for whom it waits', async () => {
  const lock = (...args: readonly string[]) => new Running(['lock', '/turn', '-s', server.connectString, ...args])
  const first = lock('--', 'sh', '-c', 'echo in; read -r _')
  await until(
    () => first.output.includes('in'),
    () => first.errors,
  )
  const inLine = async (count: number): Promise<void> => {
    await until(async () => (await zk.children('/turn')).children.length === count)
  }
  const quiet = lock('-q', '--', 'true')
  await inLine(2)
  // It came later, so when it reports, the quiet one would have reported.
  const loud = lock('--', 'true')
  await until(
    () => loud.errors.includes('waits for /turn, held by'),
    () => loud.errors,
  )
  first.child.stdin?.end('\n')
  expect([(await quiet.closed).errors, (await loud.closed).errors.trim().split('\n')]).toEqual([
    '',
    [expect.anything()],
  ])
  expect((await first.closed).code).toBe(0)
})
