/** Where the members of an ensemble run: in processes inside this one over sockets, or on hosts of a simulated world. */
import type { Log, Runtime } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { freePorts } from '../apache/ports.ts'
import { SimDisk } from '../sim/disk.ts'
import { SeededRandom } from '../sim/random.ts'
import type { World } from '../sim/world.ts'
import { type Cables, clients, type End } from './cables.ts'
import { HostedProcess } from './process.ts'

/** The addresses of a member. */
export interface MemberPlace {
  readonly host: string
  readonly clientPort: number
  readonly quorumPort: number
  readonly electionPort: number
  readonly dataDir: string
}

export interface Place {
  readonly members: readonly MemberPlace[]
  /** A new process of a member. */
  begin(index: number, log: Log): Runtime
  /** Ends the process of a member at once, or the machine with what was not synced. Resolves when its addresses are free. */
  kill(index: number, isPowerCut: boolean): Promise<void>
  pause(index: number): void
  resume(index: number): void
  /** Resolves after some time. */
  wait(ms: number): Promise<void>
  /** Milliseconds that have passed, as `wait` counts them. */
  now(): number
}

const loopback = '127.0.0.1'

/** Real sockets. Data is in memory without `dataDir`, which has a folder for each member. */
export async function onSockets(size: number, cables: Cables, dataDir: string | undefined): Promise<Place> {
  const ports = await freePorts(size * 3)
  const disks = Array.from({ length: size }, (_, i) => {
    const disk = new SimDisk(new SeededRandom(i))
    disk.faults.latencyMs = 0
    return disk
  })
  const members = disks.map((_, i): MemberPlace => {
    const [clientPort, quorumPort, electionPort] = ports.slice(i * 3) as [number, number, number]
    return { host: loopback, clientPort, quorumPort, electionPort, dataDir: `${dataDir ?? '/member'}/${i + 1}` }
  })
  const owners = new Map<string, End>(
    members.flatMap(({ quorumPort, electionPort }, i) =>
      [quorumPort, electionPort].map((port): [string, End] => [`${loopback}:${port}`, i]),
    ),
  )
  const processes = new Map<number, HostedProcess>()
  const host = nodeRuntime()
  return {
    members,
    begin(index, log) {
      const schedule = (delayMs: number, task: () => void): void => {
        if (delayMs > 0) host.clock.after(delayMs, task)
        else host.clock.turnEnd(task)
      }
      const own = nodeRuntime({
        log,
        ...(dataDir === undefined ? { disk: (disks[index] as SimDisk).mounted(schedule, () => true) } : {}),
      })
      const address = `${loopback}:${members[index]?.clientPort}`
      const begun = new HostedProcess(own, {
        own: index,
        cables,
        memberAt: (other) => owners.get(other),
        isForClients: (other) => other === address,
      })
      processes.set(index, begun)
      return begun.runtime
    },
    async kill(index, isPowerCut) {
      if (isPowerCut && dataDir !== undefined) throw new Error('a power cut needs data in memory, without dataDir')
      const process = processes.get(index)
      await process?.kill()
      if (processes.get(index) === process) processes.delete(index)
      if (isPowerCut) disks[index]?.powerCut()
    },
    pause: (index) => processes.get(index)?.pause(),
    resume: (index) => processes.get(index)?.resume(),
    wait: (ms) => new Promise((resolve) => host.clock.after(ms, resolve)),
    now: () => host.clock.now(),
  }
}

/** Hosts `s1`, `s2` and so on of a world. All its other hosts are clients. */
export function inWorld(world: World, size: number, cables: Cables): Place {
  const hosts = Array.from({ length: size }, (_, i) => `s${i + 1}`)
  const endOf = (host: string): End => {
    const at = hosts.indexOf(host)
    return at < 0 ? clients : at
  }
  world.network.holdWhere((from, to) => cables.isCut(endOf(from), endOf(to)))
  cables.onChange(() => world.network.settle())
  return {
    members: hosts.map((host) => ({
      host,
      clientPort: 2181,
      quorumPort: 2888,
      electionPort: 3888,
      dataDir: '/data',
    })),
    begin(index, log) {
      const host = hosts[index] as string
      const runtime = world.runtime(host)
      return {
        ...runtime,
        log: (level, message, facts) => {
          runtime.log(level, message, facts)
          log(level, message, facts)
        },
      }
    },
    kill: async (index, isPowerCut) => world.crash(hosts[index] as string, isPowerCut ? 'power' : 'kill'),
    pause: (index) => world.pause(hosts[index] as string),
    resume: (index) => world.resume(hosts[index] as string),
    wait: (ms) => world.delay(ms),
    now: () => world.time,
  }
}
