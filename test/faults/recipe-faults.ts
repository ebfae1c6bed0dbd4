/** What befalls an ensemble, of Apache's servers or of ours, while recipes are at work on it. */
import { type Client, connect, type ZnodePath } from '@lightkeeper/client'
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest'
import { sleep } from '../support/wait.ts'
import { ensembles, type Servers } from './targets.ts'

/** Work that goes on meanwhile. */
export interface Progress {
  /** Resolves when this much more work was done. */
  progress(count: number): Promise<void>
}

/** Where a story takes place. */
export interface Scene {
  readonly servers: Servers
  /** Each begins at another server than the one before it. */
  readonly clients: readonly Client[]
  /** A path that does not exist, another one for each story. */
  readonly root: ZnodePath
  /** Which story it is, from 1. */
  readonly turn: number
}

interface RecipeFault {
  readonly name: string
  run(servers: Servers, work: Progress): Promise<void>
}

const recipeFaults: readonly RecipeFault[] = [
  {
    name: 'the leader is killed, and restarted',
    async run(servers, work) {
      const leader = await servers.leader()
      await servers.kill(leader)
      await work.progress(20)
      await servers.restart(leader)
    },
  },
  {
    name: 'the leader is stopped for a while',
    async run(servers, work) {
      const leader = await servers.leader()
      servers.pause(leader)
      await work.progress(20)
      servers.resume(leader)
    },
  },
  {
    name: 'the leader is cut off from servers and clients, and back',
    async run(servers, work) {
      const leader = await servers.leader()
      servers.cut(leader)
      await work.progress(20)
      servers.heal(leader)
    },
  },
  {
    name: 'all are killed and restarted',
    async run(servers) {
      await Promise.all(servers.ports.map((_, i) => servers.kill(i)))
      await Promise.all(servers.ports.map((_, i) => servers.restart(i)))
    },
  },
  {
    name: 'all are stopped for longer than a lease',
    async run(servers) {
      for (const i of servers.ports.keys()) servers.pause(i)
      await sleep(4_000)
      for (const i of servers.ports.keys()) servers.resume(i)
    },
  },
]

/**
 * A story for each fault, on each kind of ensemble of three, with clients that begin at different servers. `what` they are about, `title`
 * what holds: "… when the leader is killed"; `befall` is the fault.
 */
export function underFaults(
  what: string,
  clientCount: number,
  title: string,
  story: (scene: Scene, befall: RecipeFault['run']) => Promise<void>,
): void {
  for (const { name, missing, start } of ensembles) {
    if (missing !== undefined) console.log(`${what} under faults on ${name}: skipped, because ${missing}`)
    describe.skipIf(missing !== undefined)(`${what} on ${name}`, () => {
      let servers: Servers
      let clients: Client[]
      let turn = 0
      beforeAll(async () => {
        servers = await start()
      })
      afterAll(() => servers?.close())
      beforeEach(async () => {
        const connecting = Array.from({ length: clientCount }, (_, i) => {
          const ports = [...servers.ports.slice(i % 3), ...servers.ports.slice(0, i % 3)]
          return connect(ports.map((port) => `127.0.0.1:${port}`).join(','), { sessionTimeout: 3_000 })
        })
        clients = await Promise.all(connecting)
        return () => Promise.all(clients.map((zk) => zk.close()))
      })

      test.each(recipeFaults)(`${title} when $name`, async ({ run }) => {
        turn++
        const root: ZnodePath = `/${what}-${turn}`
        await clients[0]?.create(root)
        await story({ servers, clients, root, turn }, run)
      })
    })
  }
}
