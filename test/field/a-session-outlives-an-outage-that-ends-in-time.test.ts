/**
 * Field case N3, and its kind: 20 clients with sessions of 6 s, the server away for 4 s, and 4 of them lost their
 * sessions, since waits grew to 10 s with any timeout. No client whose server is back a fifth of the timeout before its
 * session would end may lose it: however the server was away, and wherever in its waits and attempts the client was.
 */
import { type Client, connect, type SessionState } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { World } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { seeds } from '../simulation/stage.ts'

const clientCount = 200
const host = (index: number): string => `c${index}`

interface Story {
  readonly world: World
  readonly clients: readonly Client[]
  /** States of all clients since the outage began. */
  readonly seen: SessionState[][]
}

/** Clients on one server that counts the timeout to the tenth of a second. */
async function clientsOf(seed: number, sessionTimeout: number, connectString: string): Promise<Story> {
  const world = new World(seed)
  world.network.losesFirstPackets = true
  const options = { host: 'server', clientPort: 2181, tickTime: 100, minSessionTimeout: 1, maxSessionTimeout: 60_000 }
  await startServer({ ...options, maxClientCnxns: 0 }, world.runtime('server'))
  for (let index = 0; index < clientCount; index++) {
    for (const gone of ['gone1', 'gone2']) world.network.cut(host(index), gone)
  }
  const connecting = Array.from({ length: clientCount }, (_, index) =>
    connect(connectString, { sessionTimeout, connectTimeout: 60_000, runtime: world.runtime(host(index)) }),
  )
  const clients = await world.run(Promise.all(connecting))
  // Pings of each at a time of its own.
  await world.advance(sessionTimeout + world.random.below(sessionTimeout))
  const seen = clients.map((client) => {
    const states: SessionState[] = []
    void (async () => {
      for await (const state of client.states()) states.push(state)
    })()
    return states
  })
  return { world, clients, seen }
}

/** Milliseconds until a server may end the session: the lease, and the margin it keeps. */
function sessionLeft(client: Client, sessionTimeout: number): number {
  using lease = client.lease()
  return lease.remaining() + Math.min(sessionTimeout / 2, Math.max(2_000, sessionTimeout / 6))
}

/** How a client is cut off. What the server counts goes on. */
const outages = {
  'packets are lost': {
    begin: (world: World, client: string) => world.network.cut(client, 'server'),
    end: (world: World, client: string) => world.network.heal(client, 'server'),
  },
  'the connection is reset, then packets are lost': {
    begin: (world: World, client: string) => {
      world.network.reset(client, 'server')
      world.network.cut(client, 'server')
    },
    end: (world: World, client: string) => world.network.heal(client, 'server'),
  },
  'attempts are refused': {
    begin: (world: World, client: string) => {
      world.network.reset(client, 'server')
      world.network.refuse(client, 'server')
    },
    end: (world: World, client: string) => world.network.heal(client, 'server'),
  },
  'the server takes connections and says nothing': {
    begin: (world: World, client: string) => {
      world.network.reset(client, 'server')
      world.network.silence(client, 'server')
    },
    end: (world: World, client: string) => world.network.heal(client, 'server'),
  },
} as const

const servers = {
  'one server': 'server:2181',
  'three servers, two of them gone without a word': 'server:2181,gone1:2181,gone2:2181',
} as const

describe.each([4_000, 6_000, 30_000])('with a session timeout of %i ms', (sessionTimeout) => {
  describe.each(Object.entries(servers))('%s', (_name, connectString) => {
    test.each(Object.entries(outages))('%s', async (_outage, outage) => {
      for (const seed of seeds(1)) {
        const { world, clients, seen } = await clientsOf(seed, sessionTimeout, connectString)
        for (const [index, client] of clients.entries()) {
          const left = sessionLeft(client, sessionTimeout)
          outage.begin(world, host(index))
          world.after(left - sessionTimeout / 5, () => outage.end(world, host(index)))
        }
        await world.advance(sessionTimeout * 2)
        const lost = seen.filter((states) => states.some(({ kind }) => kind === 'expired')).length
        expect(lost, `sessions lost, seed ${seed}`).toBe(0)
        expect(clients.every((client) => client.state.kind === 'connected')).toBe(true)
      }
    })
  })
})

test('clients come back soon after a long outage, and not all at once', async () => {
  const sessionTimeout = 6_000
  const { world, clients, seen } = await clientsOf(11, sessionTimeout, 'server:2181')
  for (const index of clients.keys()) {
    world.network.reset(host(index), 'server')
    world.network.refuse(host(index), 'server')
  }
  await world.advance(60_000)
  expect(seen.every((states) => states.some(({ kind }) => kind === 'expired'))).toBe(true)
  for (const index of clients.keys()) world.network.heal(host(index), 'server')
  const back: number[] = []
  for (let ms = 0; ms < sessionTimeout / 5; ms += 50) {
    await world.advance(50)
    back.push(clients.filter((client) => client.state.kind === 'connected').length)
  }
  expect(back.at(-1), 'connected a fifth of the timeout later').toBe(clientCount)
  const steps = back.map((count, i) => count - (back[i - 1] ?? 0))
  expect(Math.max(...steps), 'connected within the same 50 ms').toBeLessThan(clientCount / 4)
})
