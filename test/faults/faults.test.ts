/**
 * The fault matrix: a mixed load runs on while servers are killed, paused, cut off, restarted and filled up. Afterwards every
 * promise has settled with the right outcome, what was acknowledged is there, streams end at the truth, and ephemerals live and
 * die with their sessions. FAULT_TIMES=10 goes through it ten times in a row.
 */
import { type Proxy, proxy } from '@lightkeeper/testing'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sleep } from '../support/wait.ts'
import { missingFillableDisk } from './fillable-disk.ts'
import { ensembles, isServing, ourServer, type Servers, type Target } from './targets.ts'
import { sessionTimeout, Workload } from './workload.ts'

interface Fault {
  readonly name: string
  /** What it needs besides one server. Default nothing. */
  readonly needs?: 'ensemble' | 'disk'
  /** Whether clients go through proxies of the test, one a server. Default false. */
  readonly onWire?: boolean
  /** The fault, until it is healed. Returns how long no server may have served, milliseconds; nothing where one did all the time. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most faults have nothing to return
  run(servers: Servers, load: Workload, wires: readonly Proxy[]): Promise<number | void>
}

const all = (servers: Servers): number[] => servers.ports.map((_, i) => i)
const follower = async (servers: Servers): Promise<number> => ((await servers.leader()) + 1) % servers.ports.length

/** Kill, pause and cut of a leader and of a follower: the others serve on meanwhile. */
const parts = (['leader', 'follower'] as const).flatMap((role): Fault[] => {
  const find = (servers: Servers): Promise<number> => (role === 'leader' ? servers.leader() : follower(servers))
  return [
    {
      name: `the ${role} is killed and restarted`,
      needs: 'ensemble',
      async run(servers, load) {
        const index = await find(servers)
        await servers.kill(index)
        await load.loseOwners()
        await load.progress(100)
        await servers.restart(index)
      },
    },
    {
      name: `the ${role} is paused and resumed`,
      needs: 'ensemble',
      async run(servers, load) {
        const index = await find(servers)
        servers.pause(index)
        await load.loseOwners()
        await load.moved(servers.ports[index] as number)
        await load.progress(100)
        servers.resume(index)
      },
    },
    {
      name: `the ${role} is cut off from servers and clients, and back`,
      needs: 'ensemble',
      async run(servers, load) {
        const index = await find(servers)
        servers.cut(index)
        await load.loseOwners()
        await load.moved(servers.ports[index] as number)
        await load.progress(100)
        servers.heal(index)
      },
    },
  ]
})

const faults: readonly Fault[] = [
  ...parts,
  {
    name: 'each is restarted in turn',
    async run(servers, load) {
      let longestMs = 0
      for (const index of all(servers)) {
        const since = performance.now()
        await servers.stop(index)
        await servers.restart(index)
        longestMs = Math.max(longestMs, performance.now() - since)
        await load.progress(50)
      }
      await load.loseOwners()
      return longestMs
    },
  },
  {
    name: 'all are killed and restarted',
    async run(servers, load) {
      const since = performance.now()
      await Promise.all(all(servers).map((index) => servers.kill(index)))
      await load.loseOwners()
      await Promise.all(all(servers).map((index) => servers.restart(index)))
      return performance.now() - since
    },
  },
  {
    name: 'all are paused and resumed',
    async run(servers, load) {
      for (const index of all(servers)) servers.pause(index)
      await Promise.all([load.loseOwners(), sleep(1_000)])
      for (const index of all(servers)) servers.resume(index)
    },
  },
  {
    name: 'requests are executed and their replies are lost',
    onWire: true,
    async run(_servers, load, wires) {
      await load.loseOwners()
      for (let time = 0; time < 10; time++) {
        for (const wire of wires) wire.swallowReplies()
        // Long enough for the sent requests to be executed.
        await sleep(100)
        for (const wire of wires) {
          wire.cut()
          wire.heal()
        }
        await load.progress(50)
      }
    },
  },
  {
    name: 'the disk of one is full, and it is restarted with room again',
    needs: 'disk',
    async run(servers, load) {
      const index = servers.ports.length - 1
      servers.fillDisk()
      for (let tries = 0; await isServing(servers.ports[index] as number); tries++) {
        if (tries > 200) throw new Error('the server with the full disk did not notice')
        await sleep(50)
      }
      await load.loseOwners()
      await load.progress(100)
      servers.freeDisk()
      await servers.restart(index)
    },
  },
]

const times = Number(process.env['FAULT_TIMES'] ?? 1)
interface FaultTarget extends Target {
  readonly has: readonly Fault['needs'][]
}

const targets: readonly FaultTarget[] = [
  ...ensembles.map((each): FaultTarget => ({ ...each, has: ['ensemble', 'disk'] })),
  {
    name: 'our server',
    has: [],
    missing: process.env['FAULT_TARGET'] === 'mixed' ? 'FAULT_TARGET=mixed asks for ensembles' : undefined,
    start: ourServer,
  },
]

for (const { name, has, missing, start } of targets) {
  if (missing !== undefined) console.log(`faults on ${name}: skipped, because ${missing}`)
  const isPossible = ({ needs }: Fault): boolean => needs === undefined || has.includes(needs)
  describe.skipIf(missing !== undefined)(name, () => {
    let servers: Servers
    let load: Workload | undefined
    beforeAll(async () => {
      servers = await start()
    })
    afterAll(() => servers.close())
    afterEach(async ({ task }) => {
      await load?.close()
      load = undefined
      if (task.result?.state !== 'fail') return
      // At once: the summary of many rounds comes late.
      const at = new Date().toISOString().slice(11, 23)
      for (const { message } of task.result.errors ?? []) console.log(`${at} ${task.name} failed: ${message}`)
      for (const index of all(servers)) console.log(`server ${index + 1} said:\n${servers.said(index)}`)
      // What is left of a fault that went wrong must not fail the next one.
      await servers.close()
      servers = await start()
    })

    for (let time = 1; time <= times; time++) {
      for (const [i, fault] of faults.entries()) {
        if (!isPossible(fault)) continue
        const why = fault.needs === 'disk' ? missingFillableDisk() : undefined
        if (why !== undefined && time === 1) console.log(`${fault.name}: skipped, because ${why}`)
        const label = times === 1 ? fault.name : `${fault.name} (${time} of ${times})`
        test.skipIf(why !== undefined)(label, async () => {
          const wires = fault.onWire ? await Promise.all(servers.ports.map((port) => proxy(port))) : []
          onTestFinished(async () => void (await Promise.all(wires.map((wire) => wire.close()))))
          const ports = fault.onWire ? wires.map(({ port }) => port) : servers.ports
          load = await Workload.start(ports, `/fault-${time}-${i}`)
          await load.progress(150)
          const awayMs = (await fault.run(servers, load, wires)) ?? 0
          await load.progress(100)
          // A busy machine starts servers slowly. A client that found none for longer than its session lasts gives the session up.
          const keepsSessions = awayMs < sessionTimeout
          if (!keepsSessions) console.log(`${label}: away for ${Math.round(awayMs)} ms, so sessions may be lost`)
          const wrong = await load.finish(keepsSessions)
          const told = [...load.told].map(([outcome, count]) => `${outcome}: ${count}`)
          console.log(`${label}: ${told.join(', ')}`)
          expect(wrong.slice(0, 20)).toEqual([])
        })
      }
    }
  })
}
