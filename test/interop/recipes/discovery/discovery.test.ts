/**
 * Services among those of others, in both directions: what Curator's x-discovery, Spring Cloud ZooKeeper and Dubbo write we read and
 * follow, and what we write they read and follow. Curator is Debian's; Spring's class and Dubbo come from Maven (scripts/peers.mjs).
 */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { type Discovery, discovery, type FormatName, type ServiceInstance } from '@lightkeeper/recipes'
import {
  type ApacheServer,
  apache,
  apacheAvailable,
  compileJava,
  javaClassPath,
  javaMissing,
} from '@lightkeeper/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../support/wait.ts'
import { Peer } from '../../peer.ts'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const fetched = file('../../../../.cache/discovery-peers')
const jars = existsSync(fetched) ? readdirSync(fetched).filter((name) => name.endsWith('.jar')) : []
const classPath = javaClassPath(
  file('../../../../.cache/interop/discovery'),
  jars.map((name) => `${fetched}/${name}`),
)

const kinds = ['curator', 'spring', 'dubbo'] as const satisfies readonly FormatName[]

/** Undefined where the library and a server to meet at are here, else what is not; with INTEROP=require that is an error. */
function missing(kind: FormatName): string | undefined {
  const reason = reasonAgainst(kind)
  if (reason === undefined) return undefined
  // Maven's part may not be had: the machine's registry decides, and the lane says so.
  if (process.env['INTEROP'] === 'require' && kind === 'curator') {
    throw new Error(`services with ${kind} cannot be tested: ${reason}`)
  }
  console.log(`services with ${kind}: skipped, because ${reason}`)
  return reason
}

function reasonAgainst(kind: FormatName): string | undefined {
  const found = apacheAvailable('3.8')
  if (!found.available) return found.reason
  const lacking = javaMissing(['curator-x-discovery'])
  if (lacking !== undefined) return lacking
  const jar = { curator: '', spring: 'spring-cloud-zookeeper-discovery-', dubbo: 'dubbo-' }[kind]
  if (jar === '' || jars.some((name) => name.startsWith(jar))) return undefined
  return `Maven did not give ${jar}*.jar (scripts/peers.mjs)`
}

function build(kind: FormatName): void {
  const library = { curator: 'CuratorServices', spring: 'SpringServices', dubbo: 'DubboServices' }[kind]
  const failed = compileJava(classPath, ['Services.java', `${library}.java`].map(file))
  if (failed !== undefined) throw new Error(failed)
}

describe.each(kinds)('services with %s', (kind) => {
  describe.skipIf(missing(kind) !== undefined)('in both directions', () => {
    const base: ZnodePath = `/${kind}`
    const name = kind === 'dubbo' ? 'com.foo.Users' : 'users'
    let server: ApacheServer
    let zk: Client
    let services: Discovery
    const peer = (): Peer =>
      new Peer([
        'java',
        '-XX:TieredStopAtLevel=1',
        '-Xmx192m',
        '-cp',
        classPath,
        'Services',
        kind,
        server.connectString,
        base,
      ])
    /** Ids are theirs to choose, but with Dubbo, where they are addresses. */
    const id = (own: string, address: string): string => (kind === 'dubbo' ? address : own)
    const ours = (instances: readonly ServiceInstance[]): string =>
      instances.map((each) => `${each.id} ${each.address} ${each.port} ${each.weight}`).join(';')
    /** As their library says it, which with Spring names the URI too. */
    const theirs = (...all: readonly [string, string, number, number][]): string =>
      all
        .map(([own, address, port, weight]) => {
          const uri = kind === 'spring' ? ` http://${address}:${port}` : ''
          return `${id(own, `${address}:${port}`)} ${address} ${port} ${weight}${uri}`
        })
        .join(';')

    beforeAll(async () => {
      build(kind)
      server = await apache({ version: '3.8', config: { tickTime: 500 } })
      zk = await connect(server.connectString, { sessionTimeout: 3_000 })
      services = discovery(zk, base, { format: kind })
    })
    afterAll(async () => {
      await zk?.close()
      await server?.close()
    })

    test('what they register we see, as it changes and goes, and as their process dies', async () => {
      await using users = await services.resolve(name)
      await using other = peer()
      await other.call('register', name, 'one', '10.0.0.1', 20880, 3)
      const first = { address: '10.0.0.1', port: 20880, weight: 3, enabled: true, name }
      await until(
        () => users.instances.length === 1,
        () => users.instances,
      )
      expect([users.instances[0], users.unreadable.size]).toMatchObject([first, 0])
      expect(users.pick()).toMatchObject(first)
      expect(await services.names()).toEqual([name])
      expect(await services.instances(name)).toMatchObject([first])
      await other.call('register', name, 'one', '10.0.0.1', 20880, 7)
      await until(
        () => users.instances.length === 1 && users.pick()?.weight === 7,
        () => users.instances,
      )
      await other.call('register', name, 'two', '10.0.0.2', 20880, 1)
      await until(
        () => users.instances.length === 2,
        () => users.instances,
      )
      await other.call('unregister', name, 'one')
      await until(
        () => users.instances.length === 1,
        () => users.instances,
      )
      expect(users.pick()?.address).toBe('10.0.0.2')
      await other[Symbol.asyncDispose]()
      await until(
        () => users.instances.length === 0,
        () => users.instances,
      )
    })

    test('what we register they see, as it changes and goes', async () => {
      await using other = peer()
      const seen = async (expected: string): Promise<void> => {
        let [list, followed] = ['', '']
        await until(
          async () => {
            list = await other.call('list', name)
            followed = await other.call('follow', name)
            return list === expected && followed === expected
          },
          () => ({ list, followed, expected }),
        )
      }
      await seen('')
      const one = await services.register({ name, id: id('one', '10.0.0.1:80'), address: '10.0.0.1', port: 80 })
      await seen(theirs(['one', '10.0.0.1', 80, 1]))
      await one.update({ weight: 5 })
      await seen(theirs(['one', '10.0.0.1', 80, 5]))
      const two = await services.register({
        name,
        id: id('two', '10.0.0.2:80'),
        address: '10.0.0.2',
        port: 80,
        weight: 2,
      })
      await seen(theirs(['one', '10.0.0.1', 80, 5], ['two', '10.0.0.2', 80, 2]))
      await one.close()
      await seen(theirs(['two', '10.0.0.2', 80, 2]))
      await two.close()
      await seen('')
    })

    test('ours and theirs stand side by side, through a restart of the server', async () => {
      await using other = peer()
      await using users = await services.resolve(name)
      await other.call('register', name, 'theirs', '10.0.0.1', 80, 1)
      await using _mine = await services.register({
        name,
        id: id('ours', '10.0.0.2:80'),
        address: '10.0.0.2',
        port: 80,
      })
      await until(
        () => users.instances.length === 2,
        () => users.instances,
      )
      await server.kill()
      await server.restart()
      await until(
        async () =>
          users.freshness.kind === 'live' &&
          users.instances.length === 2 &&
          (await other.call('list', name)).includes(';'),
        () => users.instances,
      )
      expect(ours([...users.instances].sort((a, b) => (a.address < b.address ? -1 : 1)))).toBe(
        `${id('theirs', '10.0.0.1:80')} 10.0.0.1 80 1;${id('ours', '10.0.0.2:80')} 10.0.0.2 80 1`,
      )
    })
  })
})
