/** What faults are done to: an ensemble of Apache servers, or one process of ours. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheVersion, apache, ask } from '@lightkeeper/testing'
import { freePort, type OurProcess, ourProcess } from '../support/our-process.ts'
import { sleep } from '../support/wait.ts'
import { fillableDisk, missingFillableDisk } from './fillable-disk.ts'

export interface Servers {
  readonly ports: readonly number[]
  kill(index: number): Promise<void>
  stop(index: number): Promise<void>
  restart(index: number): Promise<void>
  pause(index: number): void
  resume(index: number): void
  /** The one that leads. @throws Error when there is none in time. */
  leader(): Promise<number>
  cut(index: number): void
  heal(index: number): void
  /** The disk of the last server has no room left, until it is freed. */
  fillDisk(): void
  freeDisk(): void
  /** The end of what a server has printed, to be read when something went wrong. */
  said(index: number): string
  close(): Promise<void>
}

/** Three servers; the last one has a disk that can be full where there can be one. */
export async function apacheEnsemble(version: ApacheVersion): Promise<Servers> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-faults-'))
  const last = join(dataDir, '3')
  mkdirSync(last)
  const disk = missingFillableDisk() === undefined ? fillableDisk(last) : undefined
  const cleanUp = (): void => {
    if (disk !== undefined) spawnSync('umount', ['-l', last])
    rmSync(dataDir, { recursive: true, force: true })
  }
  // Tests that are interrupted leave no file system behind either: a shell waits for the end
  // of a pipe that only we hold open, and for the servers to be gone.
  const guard = spawn('sh', ['-c', 'read -r _; sleep 2; umount -l "$1"; rm -rf -- "$2"', 'sh', last, dataDir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  const config = { tickTime: 300, initLimit: 15, syncLimit: 5, snapCount: 5_000, 'zookeeper.preAllocSize': 256 }
  const options = { size: 3, version, dataDir, cuttable: true, config, logLevel: 'info' } as const
  const servers = await apache(options).catch((error: unknown) => {
    cleanUp()
    throw error
  })
  return {
    ...servers,
    async leader() {
      for (let tries = 0; tries < 300; tries++) {
        const found = await servers.leader()
        if (found !== undefined) return found
        await sleep(50)
      }
      throw new Error('no leader was elected')
    },
    cut: (index) => servers.cut(index),
    heal: (index) => servers.heal(index),
    said: (index) => servers.said(index),
    fillDisk() {
      if (disk === undefined) throw new Error('the disk of this server cannot be filled')
      disk.fill()
    },
    freeDisk: () => disk?.free(),
    async close() {
      await servers.close()
      guard.kill('SIGKILL')
      cleanUp()
    },
  }
}

/** Whether a server takes requests. */
export async function isServing(port: number): Promise<boolean> {
  return /^Mode: /m.test(await ask(port, 'srvr').catch(() => ''))
}

/** One server of ours in a process of its own. */
export async function ourServer(): Promise<Servers> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-faults-'))
  const port = await freePort()
  const settings = ['tickTime=300', 'snapCount=5000', 'preAllocSize=256', 'maxClientCnxns=0']
  const args = ['--port', `${port}`, '--data-dir', dataDir, ...settings.flatMap((each) => ['--set', each])]
  let running: OurProcess = await ourProcess(args)
  const only = (): never => {
    throw new Error('this is done to an ensemble')
  }
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => void (await running.end(signal))
  return {
    ports: [port],
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restart() {
      await end('SIGKILL')
      running = await ourProcess(args)
    },
    pause: () => void running.child.kill('SIGSTOP'),
    resume: () => void running.child.kill('SIGCONT'),
    leader: () => Promise.resolve(0),
    cut: only,
    heal: only,
    fillDisk: only,
    freeDisk: only,
    said: () => running.errors(),
    async close() {
      running.child.kill('SIGCONT')
      await end('SIGKILL')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
