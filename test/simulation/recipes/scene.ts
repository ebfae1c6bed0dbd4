/** A server, clients, and trouble between them: what the properties of counters, queues, barriers, caches and partitioners run in. */
import { type Client, KeeperError } from '@lightkeeper/client'
import type { World } from '@lightkeeper/testing/sim'
import { expect } from 'vitest'
import { Trouble } from '../../support/trouble.ts'
import { Stage, serverHost } from '../stage.ts'

export interface Scene {
  readonly stage: Stage
  readonly world: World
  readonly clients: readonly Client[]
  /** A part of the seed's chance. */
  readonly random: World['random']
  pause(ms: number): Promise<void>
}

export interface Troubled {
  readonly clients: number
  /** Longest cut, simulated milliseconds; sessions last 4000. Default 600: no session expires. 0 for no trouble. */
  readonly cutMsMax?: number
}

/** `work` with clients in trouble; `after` when all is well again. */
export async function scene<R, S>(
  seed: number,
  { clients: count, cutMsMax = 600 }: Troubled,
  work: (scene: Scene) => Promise<R>,
  after: (scene: Scene, result: R) => Promise<S>,
): Promise<S> {
  const stage = new Stage(seed)
  const { world } = stage
  const random = world.random.fork()
  const chance = world.random.fork()
  await stage.startServer()
  const clients = await world.run(Promise.all(Array.from({ length: count }, () => stage.connect())))
  const hosts = clients.map((_, i) => `c${i + 1}`)
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void world.after(ms, resolve))
  const own: Scene = { stage, world, clients, random, pause }
  const trouble = new Trouble(world, chance, serverHost)
  if (cutMsMax === 0) trouble.end()
  trouble.begin({ spreadMs: 400 }, () => {
    const host = hosts[chance.below(count)] as string
    if (!chance.oneIn(3)) trouble.reset(host)
    else trouble.cut(host, chance.below(chance.oneIn(4) ? cutMsMax : Math.min(600, cutMsMax)))
  })
  const result = await world.run(work(own))
  trouble.end()
  for (const host of hosts) world.network.heal(host, serverHost)
  await world.advance(cutMsMax === 0 ? 100 : 8_000)
  const seen = await world.run(after(own, result))
  await world.run(Promise.all(clients.map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
  return seen
}

export type Ended = 'ok' | 'unknown' | 'not done'

/** How a change ended for its caller. @throws any error that is no KeeperError. */
export function ended(call: Promise<unknown>): Promise<Ended> {
  return call.then(
    () => 'ok',
    (error: unknown) => {
      if (!KeeperError.is(error)) throw error
      return error.outcome === 'unknown' ? 'unknown' : 'not done'
    },
  )
}

/** Paths of everything there is, sorted. */
export async function everything(zk: Client): Promise<string[]> {
  const { nodes } = await zk.tree('/')
  return [...nodes.keys()].filter((path) => !path.startsWith('/zookeeper')).sort()
}

/**
 * Lets twenty clients wait in a line. `turnOf` resolves when it is the client's turn, to the function that ends the turn. Expects that
 * the end of a turn wakes the next client, and no other.
 */
export async function expectOneToWake(turnOf: (zk: Client) => Promise<() => Promise<unknown>>): Promise<void> {
  const stage = new Stage(1)
  const { world } = stage
  await stage.startServer()
  const clients = await world.run(Promise.all(Array.from({ length: 20 }, () => stage.connect())))
  const events = (): number => clients.reduce((sum, zk) => sum + zk.stats().watches.received, 0)
  const turns: (() => Promise<unknown>)[] = []
  for (const zk of clients) void turnOf(zk).then((end) => turns.push(end))
  await world.advance(1000)
  expect(events()).toBe(0)
  for (let i = 0; i < clients.length; i++) {
    expect(turns.length).toBe(i + 1)
    const before = events()
    await world.run((turns[i] as () => Promise<unknown>)())
    await world.advance(100)
    // The event of its own znode, and that of the next one in line.
    expect(events() - before).toBe(i === clients.length - 1 ? 1 : 2)
  }
  await world.run(Promise.all(clients.map((client) => client.close())))
  await world.run(Promise.resolve(stage.close()))
}
