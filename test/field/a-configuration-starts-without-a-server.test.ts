/**
 * Field case N7: a program with a store and a fallback for its configuration could not start without a server, because `connect`
 * rejected before `configuration` had a chance.
 */
import { type Client, connect, json } from '@lightkeeper/client'
import { type Configuration, type ConfigurationStore, configuration } from '@lightkeeper/recipes'
import { startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing'
import { expect, test } from 'vitest'

interface Pool {
  readonly size: number
}

const path = '/config/pool'
const codec = json<Pool>()

function storeOf(saved: Map<string, Uint8Array>): ConfigurationStore {
  return {
    load: async () => saved.get('pool'),
    save: async (data) => void saved.set('pool', data),
  }
}

const startOf = (world: World): Promise<unknown> =>
  startServer({ host: 'server', clientPort: 2181, tickTime: 500 }, world.runtime('server'))

const begin = (world: World): Promise<Client> =>
  connect('server:2181', { lazy: true, sessionTimeout: 6_000, runtime: world.runtime('app') })

async function until(world: World, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !isSo(); i++) await world.advance(200)
  expect(isSo()).toBe(true)
}

test.each([
  ['refuses connections', () => {}],
  ['cannot be reached', (world: World) => world.network.cut('app', 'server')],
  ['takes connections and says nothing', (world: World) => world.network.silence('app', 'server')],
] as const)(
  'a program starts with its fallback while the server %s, and follows it when it is there',
  async (_, hinder) => {
    const world = new World(7)
    hinder(world)
    const saved = new Map<string, Uint8Array>()
    const zk = await world.run(begin(world))
    const options = { store: storeOf(saved), fallback: { size: 1 }, timeout: 500 }
    const pool: Configuration<Pool> = await world.run(configuration(zk, path, codec, options))
    expect([pool.current, pool.source, pool.freshness.kind]).toEqual([{ size: 1 }, 'fallback', 'stale'])

    world.network.heal('app', 'server')
    await world.run(startOf(world))
    const other = await world.run(connect('server:2181', { runtime: world.runtime('other') }))
    await world.run(other.create(path, JSON.stringify({ size: 20 }), { parents: true }))
    await until(world, () => pool.source === 'server')
    expect([pool.current, pool.freshness.kind]).toEqual([{ size: 20 }, 'live'])
    await world.run(zk.close())

    // The next cold start has the saved value.
    world.crash('server', 'kill')
    const again = await world.run(begin(world))
    const kept = await world.run(configuration(again, path, codec, options))
    expect([kept.current, kept.source]).toEqual([{ size: 20 }, 'store'])
    await world.run(Promise.resolve(kept[Symbol.asyncDispose]()))
    await world.run(again.close())
  },
)

test('a program that names no time starts with its fallback too', async () => {
  const world = new World(8)
  const zk = await world.run(begin(world))
  const pool = await world.run(configuration(zk, path, codec, { fallback: { size: 1 } }), 60_000)
  expect(pool.source).toBe('fallback')
  await world.run(Promise.resolve(pool[Symbol.asyncDispose]()))
  await world.run(zk.close())
})

test('a program without store and fallback gets the reason why it cannot start', async () => {
  const world = new World(9)
  const zk = await world.run(begin(world))
  await expect(world.run(configuration(zk, path, codec, { timeout: 500 }))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await world.run(zk.close())
})
