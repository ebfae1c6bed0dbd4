import { createServer } from 'node:net'
import { connect, readOnlyAcl } from '@lightkeeper/client'
import { type Discovery, discovery, type ServiceInstance } from '@lightkeeper/recipes'
import { proxy } from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingTarget, startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { isAlive, numbersIn, Running } from '../running.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`lightkeeper register on ${targetName}: skipped, because ${reason}`)

async function untilFound(
  services: Discovery,
  name: string,
  isWanted: (instances: readonly ServiceInstance[]) => boolean,
): Promise<readonly ServiceInstance[]> {
  await using resolver = await services.resolve(name)
  for await (const instances of resolver.changes()) if (isWanted(instances)) return instances
  throw new Error('the resolver has ended')
}

describe.skipIf(reason !== undefined)(`lightkeeper register on ${targetName}`, () => {
  let server: TargetServer
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server.close())
  const run = (name: string, ...args: readonly string[]): Running =>
    new Running(['register', name, '-s', server.connectString, '--session-timeout', '2000', '--address', 'h', ...args])

  test('without a command registers what is said until it is interrupted, and says when it is there', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    const said = ['--port', '80', '--weight', '2.5', '--zone', 'west', '--id', 'me', '--metadata', 'a=b=c']
    await using running = run('users', ...said)
    await running.untilLine('users is registered as me')
    expect(await services.instances('users')).toEqual([
      expect.objectContaining({ id: 'me', address: 'h', port: 80, weight: 2.5, zone: 'west' }),
    ])
    expect((await services.instances('users'))[0]?.metadata['a']).toBe('b=c')
    expect(await running.end('SIGINT')).toBe(0)
    expect(await services.instances('users')).toEqual([])
  })

  test('is registered while the command runs, and its exit code is kept', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    await using running = run(
      'shop',
      '--port',
      '1',
      '--id',
      'x',
      '--',
      'sh',
      '-c',
      'env | grep ^LIGHTK; read x; exit 4',
    )
    await untilFound(services, 'shop', ({ length }) => length === 1)
    await running.untilLine('LIGHTKEEPER_INSTANCE_ID=x')
    await running.untilLine('LIGHTKEEPER_SERVICE=shop')
    running.child.stdin?.write('\n')
    expect((await running.ended).code).toBe(4)
    expect(await services.instances('shop')).toEqual([])
    await using missing = run('shop', '--port', '1', '--', '/no/such')
    expect((await missing.ended).code).toBe(127)
    expect(await services.instances('shop')).toEqual([])
  })

  test('removes the instance before the command gets its signal', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    // What the command does at SIGTERM: it looks itself up, in a process of its own.
    const look = `${process.execPath} packages/cli/bin/lightkeeper.js discover drained -s ${server.connectString}`
    const program = `trap 'echo told; ${look}; echo looked; exit 6' TERM; echo there; while :; do sleep 0.1; done`
    await using running = run('drained', '--port', '1', '--drain', '50', '--', 'sh', '-c', program)
    await running.untilLine('there')
    await untilFound(services, 'drained', ({ length }) => length === 1)
    expect(await running.end('SIGTERM')).toBe(6)
    expect(running.lines).toEqual(['there', 'told', 'looked'])
  })

  test('with --wait-port registers when a program listens', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    const listener = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { port: number }
    await new Promise((resolve) => listener.close(resolve))
    const program = `require('net').createServer().listen(${port}, '127.0.0.1'); process.stdin.once('data', () => process.exit())`
    const args = ['--address', '127.0.0.1', '--port', `${port}`, '--wait-port']
    await using closed = run('open', ...args)
    await using running = run(
      'open',
      ...args,
      '--',
      process.execPath,
      '-e',
      `process.stdin.once('data', () => { ${program} })`,
    )
    // Whoever does not listen yet is not there, however often others come and go.
    await using other = run('open', '--port', '1')
    await other.untilLine('registered')
    expect(await services.instances('open')).toHaveLength(1)
    running.child.stdin?.write('\n')
    await untilFound(services, 'open', ({ length }) => length === 3)
    expect(await closed.end()).toBe(0)
    running.child.stdin?.write('\n')
    expect((await running.ended).code).toBe(0)
  })

  test.concurrent('registers again when its session is lost', async () => {
    await using zk = await connect(server)
    const services = discovery(zk)
    await using wire = await proxy(server.port)
    await using running = run('again', '--port', '1', '--id', 'x', '-s', wire.connectString)
    await running.untilLine('registered')
    const first = await zk.exists('/services/again/x')
    wire.down()
    await untilFound(services, 'again', ({ length }) => length === 0)
    wire.heal()
    await untilFound(services, 'again', ({ length }) => length === 1)
    expect((await zk.exists('/services/again/x'))?.ephemeralOwner).not.toBe(first?.ephemeralOwner)
  })

  test.concurrent('stops the command where it may not register', async () => {
    await using zk = await connect(server)
    await zk.create('/closed', '', { acl: readOnlyAcl })
    await using running = run('x', '--port', '1', '--base', '/closed', '--', 'sh', '-c', 'while :; do sleep 0.1; done')
    expect((await running.ended).code).toBe(1)
    expect(running.errors).toContain('NO_AUTH')
  })

  test.concurrent('the command is stopped where lightkeeper is killed', async () => {
    await using running = run(
      'killed',
      '--port',
      '1',
      '--',
      'sh',
      '-c',
      "trap 'echo told; exit' TERM; echo $$; while :; do sleep 0.1; done",
    )
    const [pid = 0] = await running.until(({ lines }) => numbersIn(lines[0]))
    running.kill('SIGKILL')
    await running.ended
    await new Promise((resolve) => running.child.once('close', resolve))
    expect(running.lines.slice(1)).toEqual(['told'])
    expect(isAlive(pid)).toBe(false)
  })
})
