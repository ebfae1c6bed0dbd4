/** A file with one server: it stands alone, or is the leader of an ensemble of one. The directory is the same for both. */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import { loadMember, parseZooCfg, type RunningServer, startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'
import { beforeAll, expect, test } from 'vitest'

const file = (mayStandAlone: boolean, more = ''): string =>
  [
    ...['dataDir=data', 'clientPort=2181', 'tickTime=200', 'initLimit=10', 'syncLimit=5', 'preAllocSize=64'],
    ...['maxSessionTimeout=60000', 'admin.enableServer=false', 'server.7=m1:2888:3888'],
    ...[`standaloneEnabled=${mayStandAlone}`, more],
  ].join('\n')

let world: World
beforeAll(loadMember)

function start(text: string): Promise<RunningServer> {
  const { options } = parseZooCfg(text, { readFile: () => '7' })
  return world.run(startServer({ ...options, clientPortAddress: 'm1' }, world.runtime('m1')))
}

function client(): Promise<Client> {
  return world.run(connect('m1:2181', { sessionTimeout: 20_000, connectTimeout: 60_000, runtime: world.runtime('c') }))
}

test('it changes from the one to the other and back, and a session with its ephemeral lives on', async () => {
  world = new World(3)
  let server = await start(file(true))
  const zk = await client()
  await world.run(zk.create('/held', 'alone', { mode: 'ephemeral' }))
  const { sessionId } = zk
  const modes: (string | undefined)[] = [server.mode]
  for (const mayStandAlone of [false, true, false]) {
    await world.run(server.close())
    // Members have passwords of their own, unless they are given the secret.
    server = await start(file(mayStandAlone, mayStandAlone ? '' : 'sessionSecretFile=data/version-2/session-secret'))
    await world.run(zk.set('/held', `${mayStandAlone}`))
    modes.push(server.mode)
    expect((await world.run(zk.exists('/held')))?.ephemeralOwner).toBe(sessionId)
  }
  expect(modes).toEqual(['standalone', 'leader', 'standalone', 'leader'])
  expect(zk.sessionId).toBe(sessionId)
  await world.run(zk.close())
  await world.run(server.close())
})

test('an ensemble of one refuses to change, as a server that stands alone does', async () => {
  world = new World(4)
  for (const mayStandAlone of [true, false]) {
    const server = await start(file(mayStandAlone, 'reconfigEnabled=true'))
    const zk = await client()
    const request = zk.reconfigure({ joining: 'server.8=m2:2888:3888;2181' })
    const error = await world.run(request.catch((reason: unknown) => reason))
    expect(KeeperError.is(error, 'UNIMPLEMENTED')).toBe(true)
    const config = new TextDecoder().decode((await world.run(zk.get('/zookeeper/config'))).data)
    expect(config).toBe(mayStandAlone ? '' : 'server.7=m1:2888:3888:participant\nversion=0')
    await world.run(zk.close())
    await world.run(server.close())
  }
})
