/** Three real processes on real sockets and disks: any of them is killed under load, and nobody loses a write or a session. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { ask, freePorts } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { type OurProcess, ourProcess } from '../support/our-process.ts'
import { sleep, until } from '../support/wait.ts'
import { SteadyWriters } from './steady-writers.ts'

/** The long lane asks for 200 or more. */
const cycles = Number(process.env['KILL_CYCLES'] ?? 4)
const size = 3

/** The digests of its tree that a server keeps, by zxid. */
async function digestsAt(port: number): Promise<ReadonlyMap<string, string>> {
  const lines = (await ask(port, 'hash')).split('\n').filter((line) => line.includes(': '))
  return new Map(lines.map((line) => line.split(': ', 2) as [string, string]))
}

test(
  `three servers have every acknowledged write and every session after each of ${cycles} kills under load`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-ensemble-'))
    const ports = await freePorts(size * 3)
    const clientPorts = ports.slice(0, size)
    const members = clientPorts.map((_, i) => `server.${i + 1}=127.0.0.1:${ports[size + i]}:${ports[2 * size + i]}`)
    const processes: (OurProcess | undefined)[] = []
    const start = async (i: number): Promise<void> => {
      processes[i] = await ourProcess([join(folder, `${i + 1}`, 'zoo.cfg')])
    }
    const modeOf = async (port: number): Promise<string | undefined> =>
      /^Mode: (.*)$/m.exec(await ask(port, 'srvr').catch(() => ''))?.[1]
    const leader = async (): Promise<number> => {
      let modes: (string | undefined)[] = []
      await until(async () => {
        modes = await Promise.all(clientPorts.map(modeOf))
        return modes.includes('leader') && modes.every((mode) => mode === 'leader' || mode === 'follower')
      })
      return modes.indexOf('leader')
    }
    for (const [i, port] of clientPorts.entries()) {
      const dataDir = join(folder, `${i + 1}`)
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
      const lines = [
        ...[`dataDir=${dataDir}`, `clientPort=${port}`, 'tickTime=200', 'initLimit=25', 'syncLimit=10'],
        ...['maxSessionTimeout=20000', 'snapCount=2000', 'preAllocSize=1024'],
        ...['maxClientCnxns=0', 'admin.enableServer=false', '4lw.commands.whitelist=*', ...members],
      ]
      writeFileSync(join(dataDir, 'zoo.cfg'), `${lines.join('\n')}\n`)
    }
    try {
      await Promise.all(clientPorts.map((_, i) => start(i)))
      await leader()
      const connectString = clientPorts.map((port) => `127.0.0.1:${port}`).join(',')
      const holder = await connect(connectString, { sessionTimeout: 20_000 })
      await holder.create('/held', '', { mode: 'ephemeral' })
      const owner = holder.sessionId
      const writers = await SteadyWriters.start(connectString, 2, 4)
      for (let cycle = 0; cycle < cycles; cycle++) {
        // Another moment of the load each time; the leader every second time.
        await sleep(60 + ((cycle * 37) % 200))
        const leads = await leader()
        const victim = cycle % 2 === 0 ? leads : (leads + 1 + ((cycle % 4) >> 1)) % size
        await processes[victim]?.end('SIGKILL')
        const before = writers.acknowledged
        await until(() => writers.acknowledged > before)
        const survivors = clientPorts.filter((_, i) => i !== victim).map((port) => `127.0.0.1:${port}`)
        expect(await writers.check(survivors.join(',')), `kill ${cycle}`).toEqual([])
        await start(victim)
        await leader()
      }
      // Each of the three keeps a digest for every 128 transactions.
      const before = writers.acknowledged
      await until(() => writers.acknowledged > before + 400)
      await writers.close()
      expect((await holder.exists('/held'))?.ephemeralOwner).toBe(owner)
      const digests: ReadonlyMap<string, string>[] = []
      for (const port of clientPorts) {
        expect(await writers.check(`127.0.0.1:${port}`)).toEqual([])
        digests.push(await digestsAt(port))
        expect(await ask(port, 'mntr')).toMatch(/^zk_digest_mismatches_count\t0$/m)
      }
      const [first, ...others] = digests as [ReadonlyMap<string, string>, ...ReadonlyMap<string, string>[]]
      for (const other of others) {
        const common = [...first].filter(([zxid]) => other.has(zxid))
        expect(common.length).toBeGreaterThan(0)
        expect(common).toEqual(common.map(([zxid]) => [zxid, other.get(zxid)]))
      }
      for (const each of processes) expect(each?.errors()).not.toMatch(/ERROR|DIFFERS/)
      await holder.close()
      for (const each of processes) expect(await each?.end('SIGTERM')).toBe(0)
    } finally {
      for (const each of processes) await each?.end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  },
  60_000 + cycles * 10_000,
)
