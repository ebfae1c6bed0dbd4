/** Our client on the real thing where it is closed to strangers: certificates both ways, and SASL DIGEST-MD5 where it is enforced. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectOptions, connect, digestMd5, KeeperError } from '@lightkeeper/client'
import {
  type ApacheServer,
  type ApacheVersion,
  Authority,
  apache,
  apacheAvailable,
  freePorts,
  proxy,
} from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

for (const version of ['3.8', '3.9'] as const) {
  const found = apacheAvailable(version)
  if (!found.available) {
    if (process.env['INTEROP'] === 'require' && version === '3.8')
      throw new Error(`Apache ${version} is required: ${found.reason}`)
    console.log(`security on Apache ${version}: skipped, because ${found.reason}`)
  }
  describe.skipIf(!found.available)(`TLS on Apache ${version}`, () => tls(version))
  describe.skipIf(!found.available)(`SASL on Apache ${version}`, () => sasl(version))
}

function tls(version: ApacheVersion): void {
  let directory = ''
  const authority = new Authority('Test Authority')
  const stranger = new Authority('Another Authority')
  let server: ApacheServer
  let port: number

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lightkeeper-tls-'))
    const own = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
    writeFileSync(join(directory, 'server.pem'), own.key + own.cert)
    writeFileSync(join(directory, 'authority.pem'), authority.cert)
    port = (await freePorts(1))[0] as number
    server = await apache({
      version,
      config: {
        secureClientPort: port,
        'zookeeper.serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
        'zookeeper.ssl.keyStore.location': join(directory, 'server.pem'),
        'zookeeper.ssl.trustStore.location': join(directory, 'authority.pem'),
        'zookeeper.ssl.clientAuth': 'need',
      },
    })
  })
  afterAll(async () => {
    await server?.close()
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  const identity = (name: string): ConnectOptions['tls'] => ({ ca: authority.cert, ...authority.issue({ name }) })

  test('a certificate of ours is an identity, which an ACL may name', async () => {
    await using zk = await connect(`localhost:${port}`, { tls: identity('alice') })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', user: 'CN=alice' })
    await zk.create(`/alice`, 'hers', { acl: [{ perms: 31, id: { scheme: 'x509', id: 'CN=alice' } }] })
    await using other = await connect(`localhost:${port}`, { tls: identity('bob') })
    await expect(other.get('/alice')).rejects.toMatchObject({ code: 'NO_AUTH' })
    expect(Buffer.from((await zk.get('/alice')).data).toString()).toBe('hers')
  })

  test('a new certificate is shown on the next connection, in the same session', async () => {
    await using wire = await proxy(port)
    let number = 0
    const rotating = (): object => identity(`carol-${number++}`) as object
    await using zk = await connect(wire.connectString, { tls: rotating })
    const { sessionId } = zk
    await zk.create('/of-carol', '', { mode: 'ephemeral' })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', user: 'CN=carol-0' })
    wire.cut()
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'x509', user: 'CN=carol-1' })
    expect([zk.sessionId, (await zk.get('/of-carol')).stat.ephemeralOwner]).toEqual([sessionId, sessionId])
  })

  test.each([
    ['no certificate of ours', () => ({ ca: authority.cert }), /wants (one|a certificate)|refused/],
    [
      'one it does not trust',
      () => ({ ca: authority.cert, ...stranger.issue({ name: 'x' }) }),
      /refused our certificate/,
    ],
    [
      'another authority of ours',
      () => ({ ...authority.issue({ name: 'x' }), ca: stranger.cert }),
      /unknown authority/,
    ],
  ])('says why there is no session with %s', async (_, options, why) => {
    const error: unknown = await connect(`localhost:${port}`, { tls: options, connectTimeout: 3000 }).catch(
      (reason: unknown) => reason,
    )
    expect(((error as AggregateError).errors[0] as Error).message).toMatch(why)
  })

  test('says so where the port is the one without TLS, and where TLS is missing on the other', async () => {
    const wrong = await connect(server, { tls: identity('alice'), connectTimeout: 2000 }).catch(
      (reason: Error) => reason,
    )
    expect((wrong as Error).message).toContain('does not speak TLS')
    await expect(connect(`localhost:${port}`, { connectTimeout: 2000 })).rejects.toThrow('no session within 2000 ms')
  })
}

function sasl(version: ApacheVersion): void {
  let directory = ''
  const bob = digestMd5({ username: 'bob', password: 'bob secret' })
  const ünal = digestMd5({ username: 'ünal', password: 'pässwörd' })
  let server: ApacheServer

  const start = (more: Record<string, string>): Promise<ApacheServer> =>
    apache({
      version,
      config: {
        'zookeeper.authProvider.sasl': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        // 3.9 has no MD5 otherwise.
        'zookeeper.fips-mode': 'false',
        ...more,
      },
      jvm: [`-Djava.security.auth.login.config=${join(directory, 'jaas.conf')}`, '-Dfile.encoding=UTF-8'],
    })

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lightkeeper-sasl-'))
    const users = 'user_bob="bob secret" user_ünal="pässwörd"'
    const login = `Server { org.apache.zookeeper.server.auth.DigestLoginModule required ${users}; };\n`
    writeFileSync(join(directory, 'jaas.conf'), login)
    server = await start({ 'zookeeper.enforce.auth.enabled': 'true', 'zookeeper.enforce.auth.schemes': 'sasl' })
  })
  afterAll(async () => {
    await server?.close()
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  test('a login is an identity, which an ACL may name', async () => {
    await using zk = await connect(server, { sasl: bob })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'sasl', user: 'bob' })
    await zk.create('/of-bob', 'his', { acl: [{ perms: 31, id: { scheme: 'sasl', id: 'bob' } }] })
    expect(Buffer.from((await zk.get('/of-bob')).data).toString()).toBe('his')
    await using other = await connect(server, { sasl: ünal })
    expect(await other.whoAmI()).toContainEqual({ scheme: 'sasl', user: 'ünal' })
    await expect(other.get('/of-bob')).rejects.toMatchObject({ code: 'NO_AUTH' })
  })

  test('the user may be named as the one to act as', async () => {
    await using zk = await connect(server, {
      sasl: digestMd5({ username: () => 'bob', password: () => Promise.resolve('bob secret'), authzid: 'bob' }),
    })
    expect(await zk.whoAmI()).toContainEqual({ scheme: 'sasl', user: 'bob' })
  })

  test('a server that enforces logins refuses requests without one', async () => {
    await using zk = await connect(server)
    await expect(zk.get('/')).rejects.toMatchObject({ code: 'SESSION_CLOSED_REQUIRE_SASL_AUTH' })
  })

  test.each([
    ['password', 'bob'],
    ['user', 'nobody'],
  ])('a wrong %s ends connect() with what the server said', async (_, username) => {
    const error: unknown = await connect(server, { sasl: digestMd5({ username, password: 'guess' }) }).catch(
      (reason: unknown) => reason,
    )
    expect(KeeperError.is(error, 'AUTH_FAILED')).toBe(true)
    expect((error as Error).message).toMatch(
      /SASL DIGEST-MD5: the server answered (SESSION_CLOSED_REQUIRE_SASL_AUTH|AUTH_FAILED): /,
    )
  })

  test('logs in again, before its watches and identities, when the server was killed', async () => {
    await using zk = await connect(server, {
      sasl: bob,
      auth: [{ scheme: 'digest', credentials: 'joe:pw' }],
      sessionTimeout: 20_000,
    })
    const { sessionId } = zk
    await zk.create('/lease', 'x', { mode: 'ephemeral', acl: [{ perms: 31, id: { scheme: 'sasl', id: 'bob' } }] })
    const watched = await zk.existence('/later', { watch: true })
    const kinds: string[] = []
    const stop = new AbortController()
    const following = (async () => {
      for await (const { kind } of zk.states({ signal: stop.signal })) kinds.push(kind)
    })().catch(() => {})
    await server.kill()
    await server.restart()
    expect((await zk.get('/lease')).stat.ephemeralOwner).toBe(sessionId)
    expect((await zk.whoAmI()).map(({ scheme }) => scheme)).toEqual(expect.arrayContaining(['sasl', 'digest']))
    await using other = await connect(server, { sasl: ünal })
    await other.create('/later')
    expect((await watched.changed)?.type).toBe('created')
    stop.abort()
    await following
    expect(kinds.slice(0, 4)).toEqual(['connected', 'disconnected', 'saslAuthenticated', 'connected'])
  })

  test('a server without logins is no server to log in at', async () => {
    await using open = await apache({ version })
    await expect(connect(open, { sasl: bob })).rejects.toThrow('the server ended the exchange without a login')
  })

  test('a client let in although its login failed has not logged in', async () => {
    await using lenient = await start({ 'zookeeper.allowSaslFailedClients': 'true' })
    const wrong = digestMd5({ username: 'bob', password: 'guess' })
    await expect(connect(lenient, { sasl: wrong })).rejects.toThrow('the server ended the exchange without a login')
  })
}
