/** Registering, looking up and following services on the target; groups and znodes that stay. */
import { type Client, connect, KeeperError, readOnlyAcl, type ZnodePath } from '@lightkeeper/client'
import { discovery, group, persistentNode, type Resolver, roundRobin } from '@lightkeeper/recipes'
import { describe, expect, test } from 'vitest'
import { twoClientsEachTest } from '../support/clients.ts'
import { missingTarget, type TargetServer, targetName } from '../support/target.ts'
import { text } from '../support/text.ts'
import { until } from '../support/wait.ts'

const missing = missingTarget()
if (missing !== undefined) console.log(`discovery on ${targetName}: skipped, because ${missing}`)

describe.skipIf(missing !== undefined)(`on ${targetName}`, () => {
  let server: TargetServer
  let a: Client
  let b: Client
  let base: ZnodePath
  twoClientsEachTest('/discovery', (given) => void ({ server, a, b, path: base } = given))

  describe('a znode that stays', () => {
    test('is made again when another client deletes it, and written again when another client overwrites it', async () => {
      const path: ZnodePath = `${base}/n`
      await using node = await persistentNode(a, path, 'mine')
      const before = await b.get(path)
      expect([text(before.data), before.stat.ephemeralOwner]).toEqual(['mine', a.sessionId])
      await b.set(path, 'yours')
      await until(async () => text((await b.find(path))?.data) === 'mine')
      expect((await b.get(path)).stat.czxid).toBe(before.stat.czxid)
      await b.delete(path)
      await until(async () => text((await b.find(path))?.data) === 'mine')
      await node.set('ours')
      await b.sync(path)
      expect(text((await b.get(path)).data)).toBe('ours')
      expect(node.state.kind).toBe('present')
      await node.close()
      await b.sync(path)
      expect(await b.exists(path)).toBeUndefined()
      await expect(node.set('late')).rejects.toThrow('CLOSED')
    })

    test('leaves that of another session alone, and takes the name when it goes', async () => {
      const path: ZnodePath = `${base}/n`
      const theirs = await persistentNode(b, path, 'theirs')
      const waiting = persistentNode(a, path, 'mine')
      await a.sync(path)
      await a.sync(path)
      expect(text((await b.get(path)).data)).toBe('theirs')
      await theirs.close()
      await using ours = await waiting
      expect([text((await a.get(path)).data), ours.state.kind]).toEqual(['mine', 'present'])
    })

    test('replaces an instance that it is declared to replace, at once; the replaced one does not fight back', async () => {
      const path: ZnodePath = `${base}/n`
      const isLeftover = (data: Uint8Array): boolean => text(data).startsWith('worker 7')
      await using old = await persistentNode(b, path, 'worker 7, yesterday', { isLeftover })
      await using now = await persistentNode(a, path, 'worker 7, today', { isLeftover })
      await until(() => old.state.kind === 'taken')
      expect([text((await a.get(path)).data), now.state.kind]).toEqual(['worker 7, today', 'present'])
      await now.close()
      await until(() => old.state.kind === 'present')
      expect(text((await b.get(path)).data)).toBe('worker 7, yesterday')
    })

    test('is refused where the server refuses it, and leaves nothing when the wait is given up', async () => {
      await a.create(base, '', { acl: readOnlyAcl })
      await expect(persistentNode(a, `${base}/n`, '')).rejects.toThrow('NO_AUTH')
      const stop = new AbortController()
      const path: ZnodePath = `${base}-2/n`
      await using _theirs = await persistentNode(b, path, 'theirs')
      const waiting = persistentNode(a, path, 'mine', { signal: stop.signal })
      stop.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      expect(text((await b.get(path)).data)).toBe('theirs')
    })

    test('lasts where it is to last, and is taken away on close', async () => {
      const path: ZnodePath = `${base}/n`
      await b.create(path, 'found', { parents: true })
      const node = await persistentNode(a, path, 'mine', { mode: 'persistent' })
      expect(text((await a.get(path)).data)).toBe('mine')
      await node.close()
      expect(await a.find(path)).toBeUndefined()
    })
  })

  describe('a group', () => {
    test('reports members that come and go', async () => {
      const [here, there] = [group(a, base), group(b, base)]
      expect(await there.members()).toEqual([])
      const told: string[] = []
      const stop = new AbortController()
      const following = (async () => {
        for await (const members of there.follow({ signal: stop.signal })) {
          told.push(members.map(({ id, data }) => `${id}=${text(data)}`).join())
        }
      })()
      await until(() => told.length > 0)
      const one = await here.join('one', { data: '1' })
      await until(() => told.at(-1) === 'one=1')
      await using _two = await here.join('two')
      await until(() => told.at(-1) === 'one=1,two=')
      await one.set('I')
      await until(() => told.at(-1) === 'one=I,two=')
      await one.close()
      await until(() => told.at(-1) === 'two=')
      stop.abort()
      await following
      expect((await there.members()).map(({ id }) => id)).toEqual(['two'])
    })
  })

  describe('services', () => {
    const ids = (resolver: Resolver): string => resolver.instances.map(({ id }) => id).join()

    test('are registered, found, followed, and gone', async () => {
      const services = discovery(a, base)
      await using users = await discovery(b, base).resolve('users', { strategy: roundRobin })
      expect([users.instances, users.pick(), users.freshness.kind]).toEqual([[], undefined, 'live'])
      const one = await services.register({
        name: 'users',
        id: '1',
        address: '10.0.0.1',
        port: 80,
        weight: 3,
        zone: 'x',
      })
      await using _two = await services.register({ name: 'users', id: '2', address: '10.0.0.2', port: 80 })
      await until(() => ids(users) === '1,2')
      expect([users.pick()?.address, users.pick()?.address, users.pick()?.address]).toEqual([
        '10.0.0.1',
        '10.0.0.2',
        '10.0.0.1',
      ])
      expect(users.instances[0]).toMatchObject({ weight: 3, zone: 'x', registeredAt: one.instance.registeredAt })
      expect([await services.names(), await services.names({})]).toEqual([['users'], ['users']])
      expect((await services.instances('users')).map(({ id }) => id)).toEqual(['1', '2'])
      expect(await services.instances('nobody')).toEqual([])
      await one.close()
      await until(() => ids(users) === '2')
      expect(one.state.kind).toBe('closed')
    })

    test('change while they are registered: a weight of 0 and a drained one take no calls', async () => {
      await using users = await discovery(b, base).resolve('users')
      const services = discovery(a, base)
      await using one = await services.register({ name: 'users', id: '1', address: 'h', port: 1, zone: 'x' })
      await until(() => users.pick() !== undefined)
      await one.update({ weight: 0 })
      await until(() => users.pick() === undefined)
      await one.update({ weight: 2, zone: undefined, metadata: { version: '7' } })
      await until(() => users.pick()?.weight === 2)
      expect(users.pick()).toMatchObject({ zone: undefined, metadata: { version: '7' }, port: 1 })
      await one.drain()
      await until(() => users.pick() === undefined)
      expect(users.instances.map(({ id, enabled }) => [id, enabled])).toEqual([['1', false]])
    })

    test('in the format of Dubbo are the same, under names that say it all', async () => {
      await using bars = await discovery(b, `${base}/dubbo`, { format: 'dubbo' }).resolve('com.foo.Bar')
      const services = discovery(a, `${base}/dubbo`, { format: 'dubbo' })
      const one = await services.register({ name: 'com.foo.Bar', address: '10.0.0.1', port: 20880 })
      await until(() => bars.pick()?.id === '10.0.0.1:20880')
      await one.update({ weight: 4 })
      // Its name changes: the new one is there before the old one goes.
      await until(() => bars.instances.length === 1 && bars.pick()?.weight === 4)
      expect(await services.names()).toEqual(['com.foo.Bar'])
      await one.close()
      await until(() => bars.instances.length === 0)
    })

    test('data that is no instance is skipped, and reported', async () => {
      const services = discovery(a, base)
      await using _one = await services.register({ name: 'users', id: '1', address: 'h' })
      const broken: ZnodePath = `${base}/users/broken`
      await a.create(broken, '{"address":')
      await using users = await services.resolve('users')
      expect([ids(users), [...users.unreadable.keys()]]).toEqual(['1', [broken]])
      expect((await services.instances('users')).map(({ id }) => id)).toEqual(['1'])
      await a.set(broken, '{"address":"mended"}')
      await until(() => ids(users) === '1,broken')
      expect(users.unreadable.size).toBe(0)
    })

    test('an id that another process has at the same address is taken over, at another address it is waited for', async () => {
      const [mine, theirs] = [discovery(a, base), discovery(b, base)]
      const left = await theirs.register({ name: 's', id: '1', address: 'h', port: 1, metadata: { run: '1' } })
      await using now = await mine.register({ name: 's', id: '1', address: 'h', port: 1, metadata: { run: '2' } })
      expect((await mine.instances('s'))[0]?.metadata['run']).toBe('2')
      const stop = new AbortController()
      const waiting = theirs.register({ name: 's', id: '1', address: 'elsewhere' }, { signal: stop.signal })
      await b.sync('/')
      await b.sync('/')
      expect((await mine.instances('s'))[0]?.address).toBe('h')
      stop.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      await left.close()
      expect([(await mine.instances('s')).length, now.state.kind]).toEqual([1, 'present'])
    })

    test('instances that fail are left out for a while, and never all of them', async () => {
      const services = discovery(a, base)
      const made = await Promise.all(
        ['1', '2'].map((id) => services.register({ name: 's', id, address: 'h', port: Number(id) })),
      )
      await using calls = await services.resolve('s', { strategy: roundRobin, outliers: { failures: 1 } })
      const [one, two] = calls.instances
      if (one === undefined || two === undefined) throw new Error('there are two')
      calls.down(one, new Error('refused'))
      expect([calls.pick()?.id, calls.pick()?.id]).toEqual(['2', '2'])
      const call = calls.acquire()
      call?.done(new Error('refused'))
      expect(new Set([calls.pick()?.id, calls.pick()?.id]).size).toBe(1)
      calls.up(one)
      calls.up(two)
      expect(new Set([calls.pick()?.id, calls.pick()?.id]).size).toBe(2)
      await Promise.all(made.map((each) => each.close()))
    })

    test('changes are reported, many at once, and end with the resolver', async () => {
      const services = discovery(a, base)
      const users = await services.resolve('s')
      const told: number[] = []
      const following = (async () => {
        for await (const instances of users.changes()) told.push(instances.length)
      })()
      await using _one = await services.register({ name: 's', address: 'h' })
      await until(() => told.at(-1) === 1)
      await users.close()
      await following
      expect(told).toEqual([0, 1])
      expect(users.pick()?.address).toBe('h')
    })

    test.each([
      [{ name: '', address: 'h' }, 'instance.name must be a string that is not empty'],
      [{ name: 's', address: '' }, 'instance.address must be a string that is not empty'],
      [{ name: 's', id: 'a/b', address: 'h' }, 'instance.id must be the name of a znode'],
      [{ name: 's', address: 'h', port: 70_000 }, 'not 70000'],
      [{ name: 's', address: 'h', weight: -1 }, 'instance.weight must be a number from 0 on, not -1'],
      [{ name: 's', address: 'h', weight: Number.NaN }, 'not NaN'],
    ])('%o is refused before anything is sent', async (instance, why) => {
      await expect(discovery(a, base).register(instance)).rejects.toThrow(why)
      expect(await a.exists(base)).toBeUndefined()
    })

    test('a wait for the first list ends with the signal, and with the client', async () => {
      const stop = AbortSignal.abort(new Error('enough'))
      await expect(discovery(a, base).resolve('s', { signal: stop })).rejects.toThrow('enough')
      const c = await connect(server.connectString)
      const users = await discovery(c, base).resolve('s')
      await c.close()
      await until(() => users.freshness.kind === 'stale' || users.instances.length === 0)
      const late = await discovery(c, base)
        .resolve('s')
        .catch((error: unknown) => error)
      expect(KeeperError.is(late, 'CLOSED')).toBe(true)
    })
  })
})
