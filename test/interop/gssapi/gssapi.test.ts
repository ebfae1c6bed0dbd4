/**
 * Kerberos from end to end: MIT's KDC on free ports of this machine, Apache with Krb5LoginModule, the package `kerberos` that
 * scripts/peers.mjs puts into .cache.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { gssapi, type KerberosModule } from '@lightkeeper/gssapi'
import { type ApacheServer, apache, apacheAvailable, freePorts } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { has } from '../lane.ts'

const realm = 'LIGHTKEEPER.TEST'
const sbin = ['/usr/sbin', '/usr/lib/mit/sbin', '/usr/local/sbin']
process.env['PATH'] = [process.env['PATH'], ...sbin].join(':')

const installed = fileURLToPath(new URL('../../../.cache/kerberos/package.json', import.meta.url))
let kerberos: KerberosModule | undefined
const missing = whatIsMissing()
if (missing !== undefined) {
  if (process.env['INTEROP'] === 'require') throw new Error(`the lane of GSSAPI is required and cannot run: ${missing}`)
  console.log(`GSSAPI on Apache 3.8: skipped, because ${missing}`)
}

function whatIsMissing(): string | undefined {
  const apacheFound = apacheAvailable('3.8')
  if (!apacheFound.available) return apacheFound.reason
  for (const tool of ['krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit'])
    if (!has(tool))
      return `there is no ${tool} on this machine; Debian has it in krb5-kdc, krb5-admin-server and krb5-user`
  if (!existsSync(installed))
    return 'the package kerberos is not in .cache/kerberos; node scripts/peers.mjs puts it there'
  try {
    kerberos = createRequire(installed)('kerberos') as KerberosModule
    return undefined
  } catch (error) {
    return `the package kerberos cannot be loaded: ${(error as Error).message.split('\n')[0]}`
  }
}

describe.skipIf(missing !== undefined)('GSSAPI on Apache 3.8', () => {
  let directory = ''
  const at = (name: string): string => join(directory, name)
  const before = { ...process.env }
  let kdc: ChildProcess | undefined
  let server: ApacheServer | undefined

  function run(command: string, ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: process.env })
    if (status !== 0) throw new Error(`${command} ${args[0]} ended with ${status}: ${stdout}${stderr}`)
    return stdout
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lightkeeper-kdc-'))
    const [port] = (await freePorts(1)) as [number]
    mkdirSync(at('db'))
    writeFileSync(
      at('krb5.conf'),
      `[libdefaults]
default_realm = ${realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
${realm} = {
  kdc = 127.0.0.1:${port}
}
[domain_realm]
localhost = ${realm}
`,
    )
    writeFileSync(
      at('kdc.conf'),
      `[kdcdefaults]
kdc_listen = 127.0.0.1:${port}
kdc_tcp_listen = 127.0.0.1:${port}
[realms]
${realm} = {
  database_name = ${at('db/principal')}
  key_stash_file = ${at('db/stash')}
  acl_file = ${at('db/acl')}
}
[logging]
kdc = FILE:${at('kdc.log')}
`,
    )
    process.env['KRB5_CONFIG'] = at('krb5.conf')
    process.env['KRB5_KDC_PROFILE'] = at('kdc.conf')
    process.env['KRB5CCNAME'] = `FILE:${at('tickets')}`
    run('kdb5_util', 'create', '-s', '-r', realm, '-P', 'master of the test')
    for (const query of [
      'addprinc -randkey zookeeper/localhost',
      'addprinc -randkey alice',
      `ktadd -k ${at('server.keytab')} zookeeper/localhost`,
      `ktadd -k ${at('alice.keytab')} alice`,
    ])
      run('kadmin.local', '-r', realm, '-q', query)
    kdc = spawn('krb5kdc', ['-n', '-r', realm, '-P', at('kdc.pid')], { stdio: 'ignore', env: process.env })
    await listening(port, kdc)
    run('kinit', '-k', '-t', at('alice.keytab'), 'alice')
    writeFileSync(
      at('jaas.conf'),
      `Server { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true useTicketCache=false
keyTab="${at('server.keytab')}" principal="zookeeper/localhost@${realm}"; };\n`,
    )
    server = await apache({
      config: {
        'zookeeper.authProvider.sasl': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        'zookeeper.enforce.auth.enabled': 'true',
        'zookeeper.enforce.auth.schemes': 'sasl',
      },
      jvm: [`-Djava.security.auth.login.config=${at('jaas.conf')}`, `-Djava.security.krb5.conf=${at('krb5.conf')}`],
    })
  })

  afterAll(async () => {
    await server?.close()
    if (kdc !== undefined && kdc.exitCode === null) {
      const gone = new Promise((resolve) => kdc?.once('exit', resolve))
      kdc.kill('SIGKILL')
      await gone
    }
    for (const name of ['KRB5_CONFIG', 'KRB5_KDC_PROFILE', 'KRB5CCNAME']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    if (directory !== '') rmSync(directory, { recursive: true, force: true })
  })

  const target = (): string => `localhost:${server?.ports[0]}`
  const sasl = (): ReturnType<typeof gssapi> => gssapi({ kerberos: kerberos as KerberosModule })

  test('tickets are an identity, which an ACL may name, on each connection of the session', async () => {
    await using zk = await connect(target(), { sasl: sasl(), sessionTimeout: 20_000 })
    const { sessionId } = zk
    const alice = { scheme: 'sasl', user: `alice@${realm}` }
    expect(await zk.whoAmI()).toContainEqual(alice)
    await zk.create('/of-alice', 'hers', { acl: [{ perms: 31, id: { scheme: 'sasl', id: alice.user } }] })
    await server?.kill()
    await server?.restart()
    expect(Buffer.from((await zk.get('/of-alice')).data).toString()).toBe('hers')
    expect(await zk.whoAmI()).toContainEqual(alice)
    expect(zk.sessionId).toBe(sessionId)
  })

  test('a service the KDC does not know is the cause for its server', async () => {
    const unknown = gssapi({ kerberos: kerberos as KerberosModule, service: 'unknown' })
    const error: unknown = await connect(target(), { sasl: unknown, connectTimeout: 2000 }).catch(
      (reason: unknown) => reason,
    )
    expect(((error as AggregateError).errors[0] as Error).message).toMatch(/Server.*not found in Kerberos database/)
  })
})

/** Resolves when a program answers at `port`. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`krb5kdc ended with ${child.exitCode}`)
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port }, () => resolve(true))
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy())
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('krb5kdc does not answer')
}
