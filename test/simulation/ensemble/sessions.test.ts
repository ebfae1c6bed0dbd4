/** No server ends a session because it stood still itself, nor because a leader is new: its client must have had the whole timeout. */
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing/sim'
import { afterEach, describe, expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import { host, type Sid, sids, Three } from './three.ts'

const tickTime = 200
const sessionTimeout = 2_000

let three: Three | undefined
afterEach(async () => {
  await three?.close()
  three = undefined
})

/** A member of which clients notice nothing for as long as a session lasts: only its leader, or its followers, wait for it. */
async function started(seed: number): Promise<{ three: Three; leader: Sid; followers: Sid[] }> {
  three = new Three(seed, { tickTime, initLimit: 50, syncLimit: 60 })
  await three.start()
  return { three, ...(await three.settled()) }
}

/** What became of the session of a client that did not end it. */
function losses(zk: Client): string[] {
  const reasons: string[] = []
  const read = async (): Promise<void> => {
    for await (const state of zk.states()) if (state.kind === 'expired') reasons.push(state.reason)
  }
  void read()
  return reasons
}

describe.each(seeds(4))('with seed %i', (seed) => {
  // A client holds its session for lost after four thirds of the timeout without an answer.
  test.each([0.8, 0.95])(
    'one server that stood still for %d of a session timeout reads first what waits',
    async (part) => {
      const world = new World(seed)
      const options = { clientPort: 2181, host: 'm1', tickTime, minSessionTimeout: 400, adminEnableServer: false }
      const server = await world.run(startServer(options, world.runtime('m1')))
      const clients: Client[] = []
      for (let i = 0; i < 5; i++) {
        clients.push(await world.run(connect('m1:2181', { sessionTimeout, runtime: world.runtime(`c${i}`) })))
      }
      const lost = clients.map(losses)
      for (let time = 0; time < 10; time++) {
        await world.advance(300 + 17 * time)
        world.pause('m1')
        await world.advance(sessionTimeout * part)
        world.resume('m1')
      }
      await world.advance(sessionTimeout)
      expect(lost.flat()).toEqual([])
      for (const zk of clients) await world.run(zk.close())
      await world.run(server.close())
    },
  )

  test.each([1.5, 5])(
    'a leader that stood still for %d of a session timeout hears its followers first',
    async (part) => {
      const { leader, followers } = await started(seed)
      const { world } = three as Three
      const clients: Client[] = []
      for (let i = 0; i < 6; i++) {
        clients.push(await (three as Three).connect([followers[i % 2] as Sid], { sessionTimeout }))
      }
      const lost = clients.map(losses)
      for (let time = 0; time < 5; time++) {
        await world.advance(500 + 37 * time)
        world.pause(host(leader))
        await world.advance(sessionTimeout * part)
        world.resume(host(leader))
      }
      await world.advance(sessionTimeout * 2)
      expect(lost.flat()).toEqual([])
      expect((three as Three).lines('session expired')).toEqual([])
      for (const zk of clients) await world.run(zk.close())
    },
  )

  test('a client leaves a follower that stands still, and its session goes on at another', async () => {
    const { followers } = await started(seed)
    const { world } = three as Three
    const [still] = followers as [Sid, Sid]
    const clients: Client[] = []
    for (let i = 0; i < 6; i++) clients.push(await (three as Three).connect(sids, { sessionTimeout }))
    const lost = clients.map(losses)
    world.pause(host(still))
    await world.advance(4_000)
    world.resume(host(still))
    await world.advance(4_000)
    expect(lost.flat()).toEqual([])
    for (const zk of clients) await world.run(zk.close())
  })

  test('a new leader gives every session its whole timeout from when it serves, and no more', async () => {
    const { leader, followers } = await started(seed)
    const { world } = three as Three
    const zk = await (three as Three).connect(followers, { sessionTimeout: 2_000 })
    await world.run(zk.create('/held', '', { mode: 'ephemeral' }))
    const judge = await (three as Three).connect(followers, { sessionTimeout: 10_000 })
    world.crash('c1', 'power')
    await world.advance(1_900)
    ;(three as Three).kill(leader)
    await (three as Three).settled()
    const exists = async (): Promise<boolean> => {
      for (;;) {
        try {
          await world.run(judge.sync('/'))
          return (await world.run(judge.exists('/held'))) !== undefined
        } catch (error) {
          if (!KeeperError.is(error, 'CONNECTION_LOSS')) throw error
        }
      }
    }
    await world.advance(1_700)
    expect(await exists()).toBe(true)
    await world.advance(300 + 2 * tickTime)
    expect(await exists()).toBe(false)
    await world.run(judge.close())
  })

  test('a session that comes back through a follower has its whole timeout from then, and no more', async () => {
    const { followers } = await started(seed)
    const { world } = three as Three
    const [first, second] = followers as [Sid, Sid]
    const zk = await (three as Three).connect([first], { sessionTimeout })
    await world.run(zk.create('/held', '', { mode: 'ephemeral' }))
    const token = await world.run(zk.detach())
    await world.advance(sessionTimeout * 0.9)
    await (three as Three).connect([second], { sessionTimeout, attach: token })
    // It says nothing more.
    world.pause('c2')
    const judge = await (three as Three).connect(sids)
    const exists = async (): Promise<boolean> => {
      await world.run(judge.sync('/'))
      return (await world.run(judge.exists('/held'))) !== undefined
    }
    await world.advance(sessionTimeout * 0.9)
    expect(await exists()).toBe(true)
    await world.advance(sessionTimeout * 0.1 + 3 * tickTime)
    expect(await exists()).toBe(false)
    await world.run(judge.close())
  })
})
