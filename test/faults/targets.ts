/** What faults are done to: an ensemble of Apache servers, one of ours, one of both kinds, or one process of ours. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheVersion, apache, ask, freePorts, type Guest, lay } from '@lightkeeper/testing'
import { freePort, type OurProcess, ourProcess } from '../support/our-process.ts'
import { missingTarget, type TargetName, targetName } from '../support/target.ts'
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

/** Settings of every member, under which an election takes less than a second. */
const times = { tickTime: 300, initLimit: 15, syncLimit: 5, snapCount: 5_000 }

/** A folder for three members; the last one has a disk that can be full where there can be one. */
class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'lightkeeper-faults-'))
  readonly #last = join(this.path, '3')
  readonly #disk: ReturnType<typeof fillableDisk> | undefined
  readonly #guard: ChildProcess

  constructor() {
    mkdirSync(this.#last)
    this.#disk = missingFillableDisk() === undefined ? fillableDisk(this.#last) : undefined
    // Tests that are interrupted leave no file system behind either: a shell waits for the end
    // of a pipe that only we hold open, and for the servers to be gone.
    const script = 'read -r _; sleep 2; umount -l "$1"; rm -rf -- "$2"'
    this.#guard = spawn('sh', ['-c', script, 'sh', this.#last, this.path], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    this.#guard.unref()
  }

  fillDisk(): void {
    if (this.#disk === undefined) throw new Error('the disk of this server cannot be filled')
    this.#disk.fill()
  }

  freeDisk(): void {
    this.#disk?.free()
  }

  remove(): void {
    this.#guard.kill('SIGKILL')
    if (this.#disk !== undefined) spawnSync('umount', ['-l', this.#last])
    rmSync(this.path, { recursive: true, force: true })
  }
}

async function leaderAmong(find: () => Promise<number | undefined>): Promise<number> {
  for (let tries = 0; tries < 300; tries++) {
    const found = await find()
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error('no leader was elected')
}

/** Three servers of Apache. */
export async function apacheEnsemble(version: ApacheVersion): Promise<Servers> {
  const folder = new Folder()
  const config = { ...times, 'zookeeper.preAllocSize': 256 }
  const options = { size: 3, version, dataDir: folder.path, cuttable: true, config, logLevel: 'info' } as const
  const servers = await apache(options).catch((error: unknown) => {
    folder.remove()
    throw error
  })
  return {
    ...servers,
    leader: () => leaderAmong(() => servers.leader()),
    cut: (index) => servers.cut(index),
    heal: (index) => servers.heal(index),
    said: (index) => servers.said(index),
    fillDisk: () => folder.fillDisk(),
    freeDisk: () => folder.freeDisk(),
    async close() {
      await servers.close()
      folder.remove()
    },
  }
}

/** The mode that `srvr` reports; undefined if the server does not answer. */
async function modeAt(port: number): Promise<string | undefined> {
  return /^Mode: (.*)$/m.exec(await ask(port, 'srvr').catch(() => ''))?.[1]
}

/** One server of an ensemble, as a process. */
interface Member {
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown>
  /** SIGSTOP and SIGCONT. */
  pause(): void
  resume(): void
  said(): string
}

/** What an ensemble is put together from. */
interface Parts {
  readonly folder: Folder
  /** The own port of each server, and the one where clients reach it through a cable. */
  readonly clientPorts: readonly number[]
  readonly ports: readonly number[]
  /** Starts a server; it may not serve yet. */
  start(index: number): Promise<Member>
  /** Pulls the cables of a server, or puts them in again. */
  set(index: number, isCut: boolean): void
  close(): Promise<void>
}

function ourMember({ child, end, errors }: OurProcess): Member {
  return { end, pause: () => void child.kill('SIGSTOP'), resume: () => void child.kill('SIGCONT'), said: errors }
}

async function started({ folder, clientPorts, ports, start, set, close: closeParts }: Parts): Promise<Servers> {
  const running: Member[] = []
  const end = async (index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const ending = running[index]?.end(signal)
    // A paused process would not react to SIGTERM.
    running[index]?.resume()
    await ending
  }
  const begin = async (index: number): Promise<void> => {
    running[index] = await start(index)
    for (let tries = 0; (await modeAt(clientPorts[index] as number)) === undefined; tries++) {
      if (tries > 600) throw new Error(`server ${index + 1} does not serve: ${running[index]?.said().slice(-2_000)}`)
      await sleep(50)
    }
  }
  const all = [...clientPorts.keys()]
  const close = async (): Promise<void> => {
    await Promise.all(all.map((index) => end(index, 'SIGKILL')))
    await closeParts()
    folder.remove()
  }
  const begun = await Promise.allSettled(all.map(begin))
  for (const each of begun) {
    if (each.status === 'fulfilled') continue
    await close()
    throw each.reason
  }
  return {
    ports,
    kill: (index) => end(index, 'SIGKILL'),
    stop: (index) => end(index, 'SIGTERM'),
    async restart(index) {
      await end(index, 'SIGKILL')
      await begin(index)
    },
    pause: (index) => running[index]?.pause(),
    resume: (index) => running[index]?.resume(),
    leader: () =>
      leaderAmong(async () => {
        const modes = await Promise.all(clientPorts.map(modeAt))
        const leading = all.filter((i) => modes[i] === 'leader')
        return leading.length === 1 ? leading[0] : undefined
      }),
    cut: (index) => set(index, true),
    heal: (index) => set(index, false),
    fillDisk: () => folder.fillDisk(),
    freeDisk: () => folder.freeDisk(),
    said: (index) => running[index]?.said().slice(-20_000) ?? '',
    close,
  }
}

/** Settings of a member of ours besides its directory and port. */
const ourSettings = {
  ...times,
  preAllocSize: 256,
  maxClientCnxns: 0,
  'admin.enableServer': 'false',
  '4lw.commands.whitelist': '*',
}

/** Three processes of ours, with the same cables between them. */
export async function ourEnsemble(): Promise<Servers> {
  const folder = new Folder()
  const ports = await freePorts(9)
  const members = [0, 1, 2].map((i) => {
    const [client, quorum, election] = ports.slice(3 * i) as [number, number, number]
    return { client, quorum, election }
  })
  const cables = await lay(members)
  const files = members.map(({ client }, i) => {
    const dataDir = join(folder.path, `${i + 1}`)
    mkdirSync(dataDir, { recursive: true })
    const settings = { ...ourSettings, dataDir, clientPort: client, clientPortAddress: '127.0.0.1' }
    const lines = members.map((member, to) => {
      const { quorum, election } = cables.between(i, to) ?? member
      return `server.${to + 1}=127.0.0.1:${quorum}:${election}`
    })
    const file = join(dataDir, 'zoo.cfg')
    writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
    writeFileSync(file, [...Object.entries(settings).map((pair) => pair.join('=')), ...lines, ''].join('\n'))
    return file
  })
  return started({
    folder,
    clientPorts: members.map(({ client }) => client),
    ports: cables.clientPorts,
    start: async (index) => ourMember(await ourProcess([files[index] as string])),
    set: (index, isCut) => cables.set(index, isCut),
    close: () => cables.close(),
  })
}

/** Three members on their directories: first those of Apache, then ours. */
async function mixedEnsemble(version: ApacheVersion, apaches: number): Promise<Servers> {
  const folder = new Folder()
  const config = { ...ourSettings, 'zookeeper.preAllocSize': 256 }
  const options = { size: 0, guests: 3, guestRole: 'participant', cuttable: true, logLevel: 'info' } as const
  const ground = await apache({ version, config, ...options })
  const { guests } = ground
  return started({
    folder,
    clientPorts: guests.map(({ clientPort }) => clientPort),
    ports: guests.map(({ reachedAt }) => reachedAt),
    async start(index) {
      const guest = guests[index] as Guest
      const dataDir = join(folder.path, `${index + 1}`)
      if (index >= apaches) return ourMember(await ourProcess([guest.configure(dataDir)]))
      const theirs = await guest.start(dataDir)
      return { ...theirs, end: (signal) => (signal === 'SIGKILL' ? theirs.kill() : theirs.stop()) }
    },
    set: (index, isCut) => (isCut ? ground.cut(index) : ground.heal(index)),
    close: () => ground.close(),
  })
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

export interface Target {
  readonly name: string
  /** Why it cannot be had on this machine. */
  readonly missing: string | undefined
  start(): Promise<Servers>
}

const apacheName: TargetName = targetName === 'apache-3.9' ? 'apache-3.9' : 'apache-3.8'

const asked = process.env['FAULT_TARGET']
/** Why a kind is not among those that FAULT_TARGET asks for. Without it, all but the mixed ones run. */
const notAsked = (kind: 'apache' | 'ours' | 'mixed'): string | undefined => {
  if (asked === undefined || asked === '') return kind === 'mixed' ? 'only FAULT_TARGET=mixed asks for it' : undefined
  return asked === kind ? undefined : `FAULT_TARGET=${asked} asks for others`
}

export const ensembles: readonly Target[] = [
  {
    name: `three servers of ${apacheName}`,
    missing: notAsked('apache') ?? missingTarget(apacheName),
    start: () => apacheEnsemble(apacheName === 'apache-3.9' ? '3.9' : '3.8'),
  },
  { name: 'three servers of ours', missing: notAsked('ours'), start: ourEnsemble },
  ...[2, 1].map((apaches) => ({
    name: `${apaches} of Apache 3.9 and ${3 - apaches} of ours`,
    missing: notAsked('mixed') ?? missingTarget('apache-3.9'),
    start: () => mixedEnsemble('3.9', apaches),
  })),
]
