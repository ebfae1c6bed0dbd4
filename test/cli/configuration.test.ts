/** How a server gets its configuration: what `--check` prints, what stands for zkServer.sh, and what SIGHUP changes. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@lightkeeper/client'
import { ask } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { freePort, ourProcess } from '../support/our-process.ts'
import { Child, type Outcome } from '../support/process.ts'
import { until } from '../support/wait.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
const folder = temporaryFolders('configuration')
const digest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Promise<Outcome> {
  const child = new Child([process.execPath, bin, 'server', ...args], { env, ...(cwd !== undefined && { cwd }) })
  return child.closed
}

/** The lines of `--check` by key: value and origin. */
function checked({ output }: Outcome): Map<string, readonly [value: string, origin: string]> {
  const rows = output
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  return new Map(rows.map(([key = '', value = '', origin = '']) => [key, [value, origin]]))
}

describe('--check', () => {
  test('prints each setting, its value and where it comes from, and opens nothing', async () => {
    const directory = folder()
    const file = join(directory, 'zoo.cfg')
    const lines = [
      'tickTime=2000',
      `dataDir=${directory}/data`,
      'clientPort=2181',
      'forceSync=no',
      'clientport=1',
      'tcpKeepAlive=true',
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const flags = `-Xmx1g -Dzookeeper.enforceQuota=true -Dzookeeper.DigestAuthenticationProvider.superDigest=${digest}`
    const outcome = await run([file, '--check', '--port', '3000', '--set', 'maxCnxns=7'], { SERVER_JVMFLAGS: flags })
    expect(outcome.code).toBe(0)
    const rows = checked(outcome)
    expect(rows.get('tickTime')).toEqual(['2000', `${file}:1`])
    expect(rows.get('dataDir')).toEqual([`${directory}/data`, `${file}:2`])
    expect(rows.get('clientPort')).toEqual(['3000', '--port'])
    expect(rows.get('forceSync')).toEqual(['no', `${file}:4`])
    expect(rows.get('maxCnxns')).toEqual(['7', '--set'])
    expect(rows.get('enforceQuota')).toEqual(['true', '-Dzookeeper.enforceQuota of SERVER_JVMFLAGS'])
    expect(rows.get('maxSessionTimeout')).toEqual(['40000', 'default'])
    expect(rows.get('DigestAuthenticationProvider.superDigest')?.[0]).toBe('(not shown)')
    expect(outcome.output + outcome.errors).not.toContain(digest)
    expect(outcome.errors).toContain('warning: no such settings, nothing came of them clientport (clientPort?)')
    expect(outcome.errors).toContain('warning: settings have no effect on this server tcpKeepAlive')
    expect(readdirSync(directory)).toEqual(['zoo.cfg'])
  })

  test('reads the stores of keys that a file names, and says which one cannot be used', async () => {
    const directory = folder()
    const file = join(directory, 'zoo.cfg')
    const store = join(directory, 'server.jks')
    writeFileSync(store, 'no store of keys')
    const lines = [
      'secureClientPort=2281',
      `ssl.keyStore.location=${store}`,
      'ssl.keyStore.password=secret-of-the-store',
    ]
    writeFileSync(file, `dataDir=${directory}/data\nssl.clientAuth=none\n${lines.join('\n')}\n`)
    const outcome = await run([file, '--check'])
    expect(outcome.code).toBe(1)
    expect(outcome.errors).toContain('ssl.keyStore.location')
    expect(outcome.errors).toContain(store)
    expect(outcome.output + outcome.errors).not.toContain('secret-of-the-store')
    expect(readdirSync(directory).sort()).toEqual(['server.jks', 'zoo.cfg'])
  })

  test('fails with every setting that is wrong, in one line, and prints nothing else', async () => {
    const directory = folder()
    const file = join(directory, 'zoo.cfg')
    writeFileSync(file, `dataDir=${directory}/data\ntickTime=0\nclientPort=70000\n`)
    const { code, output, errors } = await run([file, '--check'])
    expect([code, output]).toEqual([1, ''])
    expect(errors).toMatch(/^lightkeeper server: tickTime is 0, expected .*; clientPort is 70000, expected [^\n]*\n$/)
    expect(existsSync(join(directory, 'data'))).toBe(false)
    expect((await run([file, '--check', '--set', 'tickTime=5', '--set', 'clientPort=0'])).code).toBe(0)
  })

  test('prints JSON lines for programs', async () => {
    const { code, output } = await run(['--check', '--json', '--data-dir', '/d'])
    const rows = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(code).toBe(0)
    expect(rows.find(({ option }) => option === 'dataDir')).toEqual({
      option: 'dataDir',
      key: 'dataDir',
      value: '/d',
      origin: '--data-dir',
      isLive: false,
    })
  })
})

describe('in the place of zkServer.sh', () => {
  test('start-foreground finds the file, its directory, and the flags of java.env', async () => {
    const directory = folder()
    mkdirSync(join(directory, 'conf'))
    writeFileSync(join(directory, 'conf', 'zoo.cfg'), `dataDir=${directory}/data\nclientPort=2181\n`)
    writeFileSync(
      join(directory, 'conf', 'java.env'),
      'echo read by the shell\nexport SERVER_JVMFLAGS="$SERVER_JVMFLAGS -Dzookeeper.snapCount=$((400 + 4))"\n',
    )
    const env = { SERVER_JVMFLAGS: '-Dzookeeper.maxCnxns=3', ZOOCFGDIR: `${directory}/conf` }
    const outcome = await run(['start-foreground', '--check'], env, '/')
    expect(outcome.code, outcome.errors).toBe(0)
    const rows = checked(outcome)
    expect(rows.get('dataDir')?.[0]).toBe(`${directory}/data`)
    expect(rows.get('snapCount')).toEqual(['404', '-Dzookeeper.snapCount of SERVER_JVMFLAGS'])
    expect(rows.get('maxCnxns')?.[0]).toBe('3')
  })

  test('the arguments of the main class of Apache are a port, a directory, a tick and a limit', async () => {
    const rows = checked(await run(['2182', '/d', '500', '9', '--check']))
    expect(['clientPort', 'dataDir', 'tickTime', 'maxClientCnxns'].map((key) => rows.get(key)?.[0])).toEqual([
      '2182',
      '/d',
      '500',
      '9',
    ])
    expect((await run(['2182', '/d', '500', '9', '1', '--check'])).code).toBe(2)
  })

  test('a super user of any name comes from SERVER_JVMFLAGS', async () => {
    const { createHash } = await import('node:crypto')
    const hash = createHash('sha1').update('curator-test:pw').digest('base64')
    const flags = `-Dzookeeper.DigestAuthenticationProvider.superDigest=curator-test:${hash} -Dzookeeper.extendedTypesEnabled=true`
    await using server = await ourProcess(['--port', '0'], { SERVER_JVMFLAGS: flags })
    await using zk = await connect(server.connectString, {
      auth: [{ scheme: 'digest', credentials: 'curator-test:pw' }],
    })
    await zk.create('/locked', '', {
      acl: [{ perms: 1, id: { scheme: 'digest', id: 'nobody:x' } }],
      mode: { ttl: 60_000 },
    })
    await zk.set('/locked', 'changed')
  })
})

describe('SIGHUP', () => {
  test('takes over what may change, all or nothing, and the log says what it did', async () => {
    const directory = folder()
    const file = join(directory, 'zoo.cfg')
    const port = await freePort()
    const write = (...lines: readonly string[]): void =>
      writeFileSync(file, [`dataDir=${directory}/data`, `clientPort=${port}`, 'preAllocSize=64', ...lines].join('\n'))
    write('4lw.commands.whitelist=srvr')
    await using server = await ourProcess([file])
    const says = (text: string): Promise<void> => until(() => server.errors().includes(text), server.errors)
    expect(await ask(port, 'ruok')).toMatch(/not in the whitelist/)

    write('4lw.commands.whitelist=srvr,ruok', 'maxSessionTimeout=7000', 'tickTime=1000')
    server.child.kill('SIGHUP')
    await says('the server starts again settings=tickTime')
    expect(await ask(port, 'ruok')).toBe('imok')
    expect(server.errors()).toContain('a setting changed setting=fourLetterWordWhitelist from=srvr to=srvr,ruok')
    expect(server.errors()).toContain('a setting changed setting=maxSessionTimeout from=60000 to=7000')
    await using zk = await connect(server.connectString, { sessionTimeout: 30_000 })
    expect(zk.state).toMatchObject({ sessionTimeout: 7000 })

    write('4lw.commands.whitelist=srvr', 'maxClientCnxns=many')
    server.child.kill('SIGHUP')
    await says('not taken over, nothing has changed cause="maxClientCnxns is \\"many\\"')
    expect(await ask(port, 'ruok')).toBe('imok')

    write('4lw.commands.whitelist=srvr,ruok', 'maxSessionTimeout=7000', 'log.level=debug')
    server.child.kill('SIGHUP')
    await says('a setting changed setting=logLevel from=info to=debug')
    await (await connect(server.connectString)).close()
    await says(' DEBUG ')
    expect(await server.end('SIGTERM')).toBe(0)
  })
})
