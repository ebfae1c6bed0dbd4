/** Clients of Apache and kazoo log in by SASL DIGEST-MD5 at our server, and at Apache's, where that is the target. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, digestMd5 } from '@lightkeeper/client'
import { compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Child } from '../../support/process.ts'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { missingSasl, python } from '../python.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(here('../../../.cache/interop/java-logins'))
const login = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const settings = {
  // A server that demands SASL refuses by a code that kazoo does not know.
  keys: { 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' },
  jaas: `Server { ${login} required user_bob="bob secret" user_ünal="pässwörd"; };\n`,
}

const missingJava = missingTarget() ?? javaMissing(['zookeeper']) ?? compileJava(classPath, [here('Login.java')])
const missingPython = missingTarget() ?? missingSasl
for (const [name, missing] of [
  ['Java', missingJava],
  ['kazoo', missingPython],
]) {
  if (missing === undefined) continue
  if (process.env['INTEROP'] === 'require') throw new Error(`${name} is required to log in and cannot: ${missing}`)
  console.log(`logins of ${name} on ${targetName}: skipped, because ${missing}`)
}

let server: TargetServer
let directory = ''
beforeAll(async () => {
  if (missingTarget() !== undefined) return
  directory = mkdtempSync(join(tmpdir(), 'lightkeeper-logins-'))
  server = await startTarget(settings)
})
afterAll(async () => {
  await server?.close()
  if (directory !== '') rmSync(directory, { recursive: true, force: true })
})

const said = async (args: readonly [string, ...string[]]): Promise<string> => {
  const child = new Child(args)
  await child.closed
  return /^said: (.*)$/m.exec(child.printed)?.[1] ?? `${child.printed}${child.errors}`
}

describe.skipIf(missingJava !== undefined)(`the Java client on ${targetName}`, () => {
  const java = (user: string, password: string, path: string): Promise<string> => {
    const file = join(directory, 'client.conf')
    writeFileSync(file, `Client { ${login} required username="${user}" password="${password}"; };\n`)
    const options = [
      `-Djava.security.auth.login.config=${file}`,
      '-Dzookeeper.fips-mode=false',
      '-Dfile.encoding=UTF-8',
    ]
    return said(['java', '-XX:TieredStopAtLevel=1', ...options, '-cp', classPath, 'Login', server.connectString, path])
  }

  test('logs in, and its user is whom an ACL names', async () => {
    expect(await java('bob', 'bob secret', '/java')).toBe('logged in sasl bob')
  })

  test('logs in beyond ASCII', async () => {
    expect(await java('ünal', 'pässwörd', '/java-unal')).toBe('logged in sasl ünal')
  })

  test('is refused with a wrong password', async () => {
    expect(await java('bob', 'guess', '/java-wrong')).toBe('AuthFailed')
  })
})

describe.skipIf(missingPython !== undefined)(`kazoo on ${targetName}`, () => {
  const kazoo = (user: string, password: string, path: string): Promise<string> =>
    said([python as string, here('login.py'), server.connectString, path, user, password])

  test('logs in, and its user is whom an ACL names', async () => {
    expect(await kazoo('bob', 'bob secret', '/kazoo')).toBe('logged in sasl bob')
  })

  test('is refused with a wrong password', async () => {
    expect(await kazoo('bob', 'guess', '/kazoo-wrong')).toBe('AuthFailed')
  })
})

describe.skipIf(missingTarget() !== undefined)(`our client on ${targetName}`, () => {
  test('logs in, and its user is whom an ACL names', async () => {
    await using zk = await connect(server.connectString, {
      sasl: digestMd5({ username: 'bob', password: 'bob secret' }),
    })
    await zk.create('/ours', 'x', { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] })
    expect((await zk.getAcl('/ours')).acl).toEqual([{ perms: 31, id: { scheme: 'sasl', id: 'bob' } }])
  })

  test('is refused with a wrong password', async () => {
    const wrong = digestMd5({ username: 'bob', password: 'guess' })
    await expect(connect(server.connectString, { sasl: wrong })).rejects.toMatchObject({ code: 'AUTH_FAILED' })
  })
})
