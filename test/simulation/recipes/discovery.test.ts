/**
 * What discovery and groups promise, under lost connections, expired sessions, stopped and killed processes, and znodes deleted or
 * overwritten by hand: in the end exactly those are registered who want to be, with what they said last; consumers end at the same
 * set; and what is there in a session that lives is left alone.
 */
import { type Client, connect, digestAcl, KeeperError, permission, type ZnodePath } from '@lightkeeper/client'
import {
  type Discovery,
  discovery,
  group,
  type PersistentNode,
  persistentNode,
  type Registration,
  type Resolver,
  type ServiceInstance,
} from '@lightkeeper/recipes'
import type { SeededRandom } from '@lightkeeper/testing/sim'
import { describe, expect, test } from 'vitest'
import { countReactions } from '../../support/reactions.ts'
import { Trouble } from '../../support/trouble.ts'
import { delay } from '../../support/wait.ts'
import { Stage, seeds, serverAddress, serverHost } from '../stage.ts'

const base: ZnodePath = '/services'
const name = 'users'

/** What a provider wants others to see. */
interface Wanted {
  readonly address: string
  weight: number
  enabled: boolean
}

/** A change that no server has confirmed in time stands, and is made later. */
async function orLater(change: Promise<void>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!KeeperError.is(error, 'TIMEOUT')) throw error
  })
}

/** One process: registers, changes its mind, leaves, comes back. What it wants in the end stands in `wanted`. */
async function provide(
  zk: Client,
  services: Discovery,
  address: string,
  random: SeededRandom,
  wanted: Map<string, Wanted>,
  until: () => boolean,
): Promise<void> {
  let mine: Registration | undefined
  while (!until()) {
    if (mine === undefined) {
      const own: Wanted = { address, weight: 1 + random.below(3), enabled: true }
      wanted.set(address, own)
      mine = await services.register({ name, address, port: 80, weight: own.weight })
      continue
    }
    const own = wanted.get(address) as Wanted
    switch (random.below(6)) {
      case 0:
        own.enabled = false
        await orLater(mine.drain())
        break
      case 1:
        wanted.delete(address)
        await mine.close()
        mine = undefined
        break
      case 2:
        own.enabled = true
        await orLater(mine.update({ enabled: true }))
        break
      default:
        own.weight = 1 + random.below(9)
        await orLater(mine.update({ weight: own.weight }))
    }
    await delay(zk, random.below(400))
  }
}

const said = (instances: readonly ServiceInstance[]): string[] =>
  instances.map(({ address, weight, enabled }) => `${address} ${weight} ${enabled}`).sort()

async function story(seed: number, format: 'curator' | 'dubbo'): Promise<void> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const count = 2 + random.below(4)
  const clients = await world.run(Promise.all(Array.from({ length: count + 1 }, () => stage.connect())))
  const operator = await world.run(stage.connect())
  const replay = `replay with SEED=${seed}`
  const wanted = new Map<string, Wanted>()
  const trouble = new Trouble(world, random, serverHost)
  const killed = new Map<Client, () => void>()
  const problems: unknown[] = []
  const all = clients.slice(0, count).map((client, i) => {
    const died = new Promise<void>((resolve) => void killed.set(client, resolve))
    const services = discovery(client, base, { format })
    const work = provide(client, services, `host-${i}`, random.fork(), wanted, () => trouble.isOver)
    return Promise.race([work.catch((error: unknown) => problems.push(error)), died])
  })
  // The consumer has its share of the trouble.
  const consumer = clients[count] as Client
  const users = await world.run(discovery(consumer, base, { format }).resolve(name))
  const directory: ZnodePath = format === 'dubbo' ? `${base}/${name}/providers` : `${base}/${name}`
  trouble.begin({ spreadMs: 500 }, () => {
    const i = random.below(count + 1)
    const host = `c${1 + i}`
    const what = random.below(14)
    if (trouble.strike(host, what)) return
    if (what === 11 && i < count && killed.size > 1) {
      const client = clients[i] as Client
      if (killed.has(client)) {
        world.crash(host, 'kill')
        killed.get(client)?.()
        killed.delete(client)
        wanted.delete(`host-${i}`)
      }
    } else if (what > 11) {
      void operator
        .children(directory)
        .then(async ({ children }) => {
          if (children.length === 0) return
          const path: ZnodePath = `${directory}/${random.pick([...children])}`
          if (random.oneIn(2)) await operator.delete(path)
          else await operator.set(path, 'rubbish')
        })
        .catch(() => {})
    }
  })
  await world.advance(12_000)
  trouble.end()
  await world.advance(9_000)
  await world.run(Promise.all(all), 120_000)
  // The sessions of the killed clients end, and so do waits between two tries.
  await world.advance(20_000)
  expect(problems, replay).toEqual([])
  const expected = [...wanted.values()].map(({ address, weight, enabled }) => `${address} ${weight} ${enabled}`).sort()
  expect(said(await world.run(discovery(operator, base, { format }).instances(name))), replay).toEqual(expected)
  expect([users.freshness.kind, said(users.instances), users.unreadable.size], replay).toEqual(['live', expected, 0])
  const picked = users.pick()
  expect(picked === undefined, replay).toBe(![...wanted.values()].some(({ enabled }) => enabled))
  const living = clients.filter((client, i) => i === count || killed.has(client))
  await world.run(Promise.all([operator, ...living].map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
}

describe.each(['curator', 'dubbo'] as const)('services in the format of %s', (format) => {
  test.each(seeds(100))('end with those registered who want to be, seed %i', (seed) => story(seed, format))
})

test.each(seeds(60))(
  'an instance is left alone while its session lives, however often the connection goes, seed %i',
  async (seed) => {
    const stage = new Stage(seed)
    const { world } = stage
    const random = world.random.fork()
    await stage.startServer()
    const zk = await world.run(stage.connect())
    const operator = await world.run(stage.connect())
    const events: string[] = []
    const one = await world.run(discovery(zk).register({ name, address: 'here', port: 1 }))
    const before = await world.run(operator.exists(one.path))
    const stop = new AbortController()
    const watching = (async () => {
      for await (const { kind } of operator.watch(`${base}/${name}`, { recursive: true, signal: stop.signal }))
        events.push(kind)
    })()
    for (let i = 0; i < 20; i++) {
      if (random.oneIn(2)) world.network.reset('c1', serverHost)
      else {
        world.network.cut('c1', serverHost)
        world.after(random.below(900), () => world.network.heal('c1', serverHost))
      }
      await world.advance(900 + random.below(600))
    }
    await world.advance(3_000)
    const after = await world.run(operator.exists(one.path))
    expect([after?.czxid, after?.mzxid, zk.epoch]).toEqual([before?.czxid, before?.mzxid, 0])
    expect(events.filter((kind) => kind !== 'created' && kind !== 'ready')).toEqual([])
    stop.abort()
    await world.run(watching)
    await world.run(Promise.all([zk.close(), operator.close()]))
    await world.run(Promise.resolve(stage.close()))
  },
)

test.each(seeds(60))(
  'a process that comes back under its id takes the place of its leftover at once, seed %i',
  async (seed) => {
    const stage = new Stage(seed)
    const { world } = stage
    await stage.startServer()
    const operator = await world.run(stage.connect())
    const register = { name, id: 'users-1', address: 'here', port: 1 }
    let seen = 0
    for (let life = 0; life < 4; life++) {
      const host = `life-${life}`
      const runtime = world.runtime(host)
      const zk = await world.run(connect(serverAddress, { sessionTimeout: 4000, runtime }))
      const before = zk.clock.now()
      await world.run(discovery(zk).register({ ...register, weight: life + 1 }))
      expect(zk.clock.now() - before).toBeLessThan(1_000)
      await world.advance(world.random.below(3_000))
      const [only, ...others] = await world.run(discovery(operator).instances(name))
      expect([only?.weight, others.length]).toEqual([life + 1, 0])
      seen++
      world.crash(host, 'kill')
    }
    expect(seen).toBe(4)
    // The last one goes with its session, and nothing remakes it.
    await world.advance(10_000)
    expect(await world.run(discovery(operator).instances(name))).toEqual([])
    await world.run(operator.close())
    await world.run(Promise.resolve(stage.close()))
  },
)

describe('a resolver that cannot follow any more', () => {
  /** A resolver with one instance. */
  async function resolved(): Promise<{ readonly stage: Stage; readonly zk: Client; readonly users: Resolver }> {
    const stage = new Stage(1)
    const { world } = stage
    await stage.startServer()
    const zk = await world.run(stage.connect())
    await world.run(discovery(zk).register({ name, address: 'here', port: 1 }))
    const users = await world.run(discovery(zk).resolve(name))
    expect([users.freshness.kind, users.pick()?.address]).toEqual(['live', 'here'])
    return { stage, zk, users }
  }

  test('is stale, and its changes throw why', async () => {
    const { stage, zk, users } = await resolved()
    const { world } = stage
    const told: string[] = []
    const following = (async () => {
      for await (const _ of users.changes()) told.push(users.freshness.kind)
    })().catch((error: unknown) => error)
    await world.run(zk.setAcl(`${base}/${name}`, digestAcl('someone:else')))
    await world.advance(1_000)
    expect([users.freshness.kind, told]).toEqual(['live', ['live']])
    world.network.reset('c1', serverHost)
    expect(KeeperError.is(await world.run(following), 'NO_AUTH')).toBe(true)
    expect([users.freshness.kind, told]).toEqual(['stale', ['live', 'stale']])
    expect(users.pick()?.address).toBe('here')
    const again = await world.run(
      users
        .changes()
        .next()
        .catch((error: unknown) => error),
    )
    expect(KeeperError.is(again, 'NO_AUTH')).toBe(true)
    // An end that was asked for is no error.
    await world.run(users.close())
    expect(await world.run(users.changes({ signal: AbortSignal.abort() }).next())).toMatchObject({ done: true })
    await world.run(zk.close())
    await world.run(Promise.resolve(stage.close()))
  })

  test.each<[string, (users: Resolver, zk: Client) => Promise<unknown>]>([
    ['it is closed', (users) => users.close()],
    ['its client is closed', (_, zk) => zk.close()],
  ])('is stale where %s, and its changes end', async (_, end) => {
    const { stage, zk, users } = await resolved()
    const { world } = stage
    const following = (async () => {
      for await (const __ of users.changes());
    })()
    await world.advance(100)
    const before = zk.clock.wall()
    await world.run(end(users, zk))
    await world.run(following)
    const { freshness } = users
    expect(freshness.kind === 'stale' && freshness.since.getTime() >= before).toBe(true)
    expect(users.pick()?.address).toBe('here')
    await world.run(zk.close())
    await world.run(Promise.resolve(stage.close()))
  })
})

test('a znode that a server refuses for long keeps nothing for each try', async () => {
  const stage = new Stage(1)
  const { world } = stage
  await stage.startServer()
  const [zk, operator] = await world.run(Promise.all([stage.connect(), stage.connect()]))
  const node = await world.run(persistentNode(zk, '/locked/n', 'mine', { parents: 'persistent' }))
  const acl = [{ perms: permission.read | permission.delete, id: { scheme: 'world', id: 'anyone' } }]
  await world.run(operator.setAcl('/locked', acl))
  await world.run(operator.delete('/locked/n'))
  const sent = zk.stats().requests.sent
  const reactions = countReactions()
  try {
    await world.advance(600_000)
  } finally {
    expect(reactions.end()).toBeLessThan(10)
  }
  expect(zk.stats().requests.sent - sent).toBeGreaterThan(100)
  expect(node.state).toMatchObject({ kind: 'absent', error: { code: 'NO_AUTH' } })
  await world.run(Promise.all([zk.close(), operator.close()]))
  await world.run(Promise.resolve(stage.close()))
})

test.each(seeds(100))('a group ends with the members that have joined, seed %i', async (seed) => {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  await stage.startServer()
  const count = 2 + random.below(3)
  const clients = await world.run(Promise.all(Array.from({ length: count + 1 }, () => stage.connect())))
  const joined = new Set<string>()
  const trouble = new Trouble(world, random, serverHost)
  const members = clients.slice(0, count).map(async (zk, i) => {
    const own = random.fork()
    let node: PersistentNode | undefined
    while (!trouble.isOver) {
      if (node === undefined) {
        joined.add(`m${i}`)
        node = await group(zk, '/group').join(`m${i}`, { data: `${i}` })
      } else if (own.oneIn(3)) {
        joined.delete(`m${i}`)
        await node.close()
        node = undefined
      }
      await delay(zk, own.below(500))
    }
  })
  let last: readonly string[] = []
  const stop = new AbortController()
  const observer = clients[count] as Client
  const following = (async () => {
    for await (const all of group(observer, '/group').follow({ signal: stop.signal })) last = all.map(({ id }) => id)
  })()
  trouble.begin({ atLeastMs: 50, spreadMs: 600 }, () => {
    const host = `c${1 + random.below(count + 1)}`
    if (random.oneIn(2)) trouble.reset(host)
    else trouble.cut(host)
  })
  await world.advance(10_000)
  trouble.end()
  await world.run(Promise.all(members), 120_000)
  await world.advance(15_000)
  const replay = `replay with SEED=${seed}`
  expect(last, replay).toEqual([...joined].sort())
  expect(
    (await world.run(group(observer, '/group').members())).map(({ id }) => id),
    replay,
  ).toEqual([...joined].sort())
  stop.abort()
  await world.run(following)
  await world.run(Promise.all(clients.map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
})
