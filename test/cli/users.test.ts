/** Who may log in to a server process: by a JAAS file, which is read again on SIGHUP. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, digestMd5, KeeperError } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { freePort, ourProcess } from '../support/our-process.ts'
import { Child } from '../support/process.ts'
import { until } from '../support/wait.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const folder = temporaryFolders('users')
const superDigest = (credentials: string): string =>
  `${credentials.split(':')[0]}:${createHash('sha1').update(credentials).digest('base64')}`

/** A zoo.cfg and a JAAS file, written anew. */
const files = (port: number) => {
  const directory = folder()
  const [file, jaas] = [join(directory, 'zoo.cfg'), join(directory, 'jaas.conf')]
  return {
    file,
    jaas,
    write(users: string, ...lines: readonly string[]): void {
      writeFileSync(jaas, `Server { org.apache.zookeeper.server.auth.DigestLoginModule required ${users}; };\n`)
      const provider = 'authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider'
      const listening = [`dataDir=${directory}/data`, `clientPort=${port}`, 'preAllocSize=64', provider]
      writeFileSync(file, [...listening, ...lines].join('\n'))
    },
  }
}

test('users, their passwords and superusers change while the server runs, and a broken file changes nothing', async () => {
  const port = await freePort()
  const { file, jaas, write } = files(port)
  write('user_bob="one" user_ann="a"', `DigestAuthenticationProvider.superDigest=${superDigest('root:one')}`)
  await using server = await ourProcess([file, '-D', `java.security.auth.login.config=${jaas}`])
  const says = (text: string): Promise<void> => until(() => server.errors().includes(text), server.errors)
  const logIn = (username: string, password: string) =>
    connect(server.connectString, { sasl: digestMd5({ username, password }) })
  const outcome = async (username: string, password: string): Promise<string> => {
    try {
      await using zk = await logIn(username, password)
      return (await zk.whoAmI())
        .map(({ scheme }) => scheme)
        .sort()
        .join(' ')
    } catch (error) {
      return KeeperError.is(error) ? error.code : String(error)
    }
  }
  const isSuper = async (credentials: string): Promise<boolean> => {
    await using zk = await connect(server.connectString, { auth: [{ scheme: 'digest', credentials }] })
    return (await zk.whoAmI()).some(({ scheme }) => scheme === 'super')
  }
  await using before = await logIn('bob', 'one')
  expect([await outcome('ann', 'a'), await outcome('eve', 'e')]).toEqual(['ip sasl', 'AUTH_FAILED'])

  write(
    'user_bob="two" user_eve="e"',
    'superUser=eve',
    `DigestAuthenticationProvider.superDigest=${superDigest('root:two')}`,
  )
  server.child.kill('SIGHUP')
  await says('setting=saslUsers')
  expect([
    await outcome('bob', 'one'),
    await outcome('bob', 'two'),
    await outcome('ann', 'a'),
    await outcome('eve', 'e'),
  ]).toEqual(['AUTH_FAILED', 'ip sasl', 'AUTH_FAILED', 'ip sasl super'])
  expect([await isSuper('root:one'), await isSuper('root:two')]).toEqual([false, true])
  // What is connected stays what it is.
  expect((await before.whoAmI()).map(({ user }) => user)).toContain('bob')

  write('user_bob "three"')
  server.child.kill('SIGHUP')
  await says('nothing has changed')
  expect(await outcome('bob', 'two')).toBe('ip sasl')
  expect(await server.end('SIGTERM')).toBe(0)
  expect(server.errors()).toMatch(/java\.security\.auth\.login\.config names .*jaas\.conf, line 1/)
  expect(server.errors()).not.toMatch(/"two"|"three"|=two|=three/)
})

test('--check shows that there are users, and neither their passwords nor a hash', async () => {
  const { file, jaas, write } = files(2181)
  write('user_bob="hunter2"', `DigestAuthenticationProvider.superDigest=${superDigest('super:hunter2')}`)
  const args = ['server', file, '--check', '-D', `java.security.auth.login.config=${jaas}`]
  const { code, output, errors } = await new Child([process.execPath, bin, ...args]).closed
  expect(code, errors).toBe(0)
  expect(output).toMatch(/authProviders +sasl/)
  const hash = superDigest('super:hunter2').split(':')[1] as string
  for (const text of [output, errors]) for (const secret of ['hunter2', hash]) expect(text).not.toContain(secret)
})
