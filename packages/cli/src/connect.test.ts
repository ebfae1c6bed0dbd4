import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { UsageError } from './command.ts'
import { connectionOf } from './connect.ts'

const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-connect-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A file in the folder. */
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

const profiles = file(
  'profiles.json',
  JSON.stringify({
    prod: {
      server: 'prod1,prod2',
      chroot: '/app',
      auth: ['digest:prod:secret'],
      'session-timeout': 15_000,
      'tls-ca': 'ca.pem',
    },
    test: { server: 'test1/inner', timeout: 700 },
    sasl: { sasl: 'digest-md5', 'sasl-user': 'bob', 'sasl-password': 'hunter2' },
  }),
)
file('ca.pem', '-----BEGIN CERTIFICATE-----\n')
const environment = { LIGHTKEEPER_PROFILES: profiles }

const problem = async (given: object, env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const error = await connectionOf({ ...given }, { ...environment, ...env }).then(
    () => new Error('it is accepted'),
    (each: unknown) => each as Error,
  )
  expect(error, error.message).toBeInstanceOf(UsageError)
  return error.message
}

describe('where a command connects', () => {
  test('to this machine, unless anything says more', async () => {
    const { target, options } = await connectionOf({}, {})
    expect([target, options]).toEqual(['127.0.0.1:2181', { sessionTimeout: 30_000, connectTimeout: 10_000 }])
  })

  test('to what the environment says; an empty variable says nothing', async () => {
    const env = { LIGHTKEEPER_SERVER: 'zk1:2181', LIGHTKEEPER_CHROOT: '', LIGHTKEEPER_AUTH: 'digest:a:b\ndigest:c:d' }
    const { target, options } = await connectionOf({}, env)
    expect([target, options.auth]).toEqual([
      'zk1:2181',
      [
        { scheme: 'digest', credentials: 'a:b' },
        { scheme: 'digest', credentials: 'c:d' },
      ],
    ])
  })

  test('to a profile, whose files are beside it', async () => {
    const { target, options } = await connectionOf({ profile: 'prod' }, environment)
    expect([target, options.sessionTimeout, options.auth]).toEqual([
      'prod1:2181,prod2:2181/app',
      15_000,
      [{ scheme: 'digest', credentials: 'prod:secret' }],
    ])
    expect((options.tls as () => object)()).toEqual({ ca: Buffer.from('-----BEGIN CERTIFICATE-----\n') })
  })

  test('a profile of the command line is all there is: no identity of the environment reaches its servers', async () => {
    const env = { ...environment, LIGHTKEEPER_SERVER: 'dev', LIGHTKEEPER_AUTH: 'digest:dev:dev' }
    const { target, options, environment: passed } = await connectionOf({ profile: 'test' }, env)
    expect([target, options.auth, options.requestTimeout]).toEqual(['test1/inner', undefined, 700])
    expect(passed).toMatchObject({
      LIGHTKEEPER_PROFILE: 'test',
      LIGHTKEEPER_SERVER: 'test1/inner',
      LIGHTKEEPER_AUTH: '',
    })
  })

  test('the environment counts more than the profile that it names', async () => {
    const env = { ...environment, LIGHTKEEPER_PROFILE: 'prod', LIGHTKEEPER_SESSION_TIMEOUT: '9000' }
    const { target, options } = await connectionOf({}, env)
    expect([target, options.sessionTimeout]).toEqual(['prod1:2181,prod2:2181/app', 9_000])
  })

  test('the command line counts most', async () => {
    const { target, options } = await connectionOf({ profile: 'prod', server: 'prod2', timeout: 500 }, environment)
    expect([target, options.connectTimeout]).toEqual(['prod2:2181/app', 500])
  })

  test('servers with a chroot keep theirs against a source that counts less, and --chroot replaces it', async () => {
    expect((await connectionOf({ profile: 'prod', server: 'prod2/own' }, environment)).target).toBe('prod2/own')
    expect((await connectionOf({ server: 'a/b', chroot: '/c/d' }, {})).target).toBe('a:2181/c/d')
    expect((await connectionOf({ server: 'a/b', chroot: '/' }, {})).target).toBe('a:2181')
    expect((await connectionOf({ server: 'srv:zk.local/b', chroot: '/c' }, {})).target).toBe('srv:zk.local/c')
  })
})

describe('secrets', () => {
  test('identities come from a file, one a line', async () => {
    const auth = file('auth', '# who I am\ndigest:joe:pw\n\nplugin:token\n')
    const { options } = await connectionOf({ 'auth-file': auth }, {})
    expect(options.auth).toEqual([
      { scheme: 'digest', credentials: 'joe:pw' },
      { scheme: 'plugin', credentials: 'token' },
    ])
  })

  test('identities of the command line replace those of a profile', async () => {
    const given = { profile: 'prod', auth: [{ scheme: 'digest', credentials: 'x:y' }] }
    expect((await connectionOf(given, environment)).options.auth).toEqual(given.auth)
  })

  test('a password for SASL comes from a file, the environment or a profile', async () => {
    const password = file('password', 'hunter2\n')
    const ways: [object, Readonly<Record<string, string>>][] = [
      [{ 'sasl-user': 'bob', 'sasl-password-file': password }, {}],
      [{ sasl: 'digest-md5', 'sasl-user': 'bob' }, { LIGHTKEEPER_SASL_PASSWORD: 'hunter2' }],
      [{ profile: 'sasl' }, environment],
    ]
    for (const [given, env] of ways)
      expect((await connectionOf({ ...given }, env)).options.sasl?.name).toBe('DIGEST-MD5')
  })

  test('a command that is run gets none in its environment', async () => {
    const given = { profile: 'prod', auth: [{ scheme: 'digest', credentials: 'x:topsecret' }], 'tls-cert': '/x' }
    const { environment: passed } = await connectionOf({ ...given, 'tls-cert': undefined }, environment)
    expect(JSON.stringify(passed)).not.toContain('secret')
  })

  test('no message shows what is in a file of profiles or identities', async () => {
    const broken = file('broken.json', '{"prod": {"auth": "digest:a:topsecret" "x"}}')
    const auth = file('wrong', 'digest:topsecret\n')
    for (const message of [
      await problem({ profile: 'prod' }, { LIGHTKEEPER_PROFILES: broken }),
      await problem({ 'auth-file': auth }),
      await problem({}, { LIGHTKEEPER_AUTH: 'topsecret' }),
    ]) {
      expect(message).not.toContain('secret')
    }
  })
})

test.each<[given: object, env: Readonly<Record<string, string>>, says: string]>([
  [{ profile: 'prd' }, {}, 'has no profile "prd"; did you mean prod?'],
  [{ profile: 'x' }, { LIGHTKEEPER_PROFILES: '/nowhere/p.json' }, '--profile: cannot read /nowhere/p.json: ENOENT'],
  [{}, { LIGHTKEEPER_TIMEOUT: '5s' }, '$LIGHTKEEPER_TIMEOUT must be a whole number from 1 to 2147483647, not "5s"'],
  [{}, { LIGHTKEEPER_TLS: 'perhaps' }, '$LIGHTKEEPER_TLS must be true or false, not "perhaps"'],
  [{ 'auth-file': '/nowhere/auth' }, {}, '--auth-file must be a file that can be read, not "/nowhere/auth": ENOENT'],
  [{ 'auth-file': profiles }, {}, `--auth-file ${profiles}, line 1 must be SCHEME:CREDENTIALS`],
  [{ 'tls-ca': '/nowhere/ca' }, {}, '--tls-ca must be a file that can be read, not "/nowhere/ca": ENOENT'],
  [{ 'tls-ca': profiles }, {}, '--tls-ca must be a file with certificates in PEM'],
  [{ 'tls-key': profiles }, {}, '--tls-key needs --tls-cert too'],
  [{ 'tls-cert': join(folder, 'ca.pem') }, {}, '--tls-cert needs --tls-key too'],
  [{ sasl: 'digest-md5' }, {}, '--sasl digest-md5 needs --sasl-user USER'],
  [{ 'sasl-user': 'bob' }, {}, '--sasl digest-md5 needs --sasl-password-file FILE'],
])('%j with %j is refused: %s', async (given, env, says) => {
  expect(await problem(given, env)).toContain(says)
})

test('a profile with an option that there is not is refused', async () => {
  const wrong = file('wrong.json', '{"a": {"servr": "x"}, "b": {"timeout": "soon"}, "c": {"server": {}}, "d": 5}')
  const says = async (profile: string) => problem({ profile }, { LIGHTKEEPER_PROFILES: wrong })
  expect(await says('a')).toBe(`profile a in ${wrong}: no option servr; did you mean server?`)
  expect(await says('b')).toContain(`timeout of profile b in ${wrong} must be a whole number`)
  expect(await says('c')).toContain('server must be a text, a number, true or false, or a list of them')
  expect(await says('d')).toContain('an object is expected, like {"server": "host:2181"}')
})

test('profiles are in the user’s folder of configurations', async () => {
  const config = join(folder, 'config')
  mkdirSync(join(config, 'lightkeeper'), { recursive: true })
  writeFileSync(join(config, 'lightkeeper', 'profiles.json'), '{"p": {"server": "h", "auth-file": "~/none"}}')
  chmodSync(join(config, 'lightkeeper', 'profiles.json'), 0o600)
  await expect(connectionOf({ profile: 'p' }, { XDG_CONFIG_HOME: config })).rejects.toThrow(join(homedir(), 'none'))
})
