/** What befalls an ensemble while recipes are at work on it. */
import type { Servers } from './targets.ts'
import { pause } from './workload.ts'

/** Work that goes on meanwhile. */
export interface Progress {
  /** Resolves when as much more of it was done. */
  progress(count: number): Promise<void>
}

interface RecipeFault {
  readonly name: string
  run(servers: Servers, work: Progress): Promise<void>
}

export const recipeFaults: readonly RecipeFault[] = [
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
      await pause(4_000)
      for (const i of servers.ports.keys()) servers.resume(i)
    },
  },
]
