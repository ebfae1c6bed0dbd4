/**
 * A real Apache ZooKeeper, when this machine has one: 3.8 from Debian's packages, 3.5 and 3.9 from jars that scripts/peers.mjs fetched.
 * Host code on purpose: it starts processes, and waiting for one means asking until it answers. None of them outlives this
 * process, however it ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Proxy, proxy } from './proxy.ts'

export type ApacheVersion = '3.5' | '3.8' | '3.9'

export interface ApacheOptions {
  /** Servers: 1 stands alone, 3 and more form an ensemble on this machine. Default 1. */
  readonly size?: number
  /** Default 3.8. */
  readonly version?: ApacheVersion
  /** Lines of zoo.cfg; keys that Apache reads from the JVM (`zookeeper.…`, `znode.container.…`) become properties. */
  readonly config?: Readonly<Record<string, string | number>>
  /** Options of the JVM, besides ours for a quick start. */
  readonly jvm?: readonly string[]
  /**
   * How much a server prints, for `said`; needs slf4j-simple, which Debian has and the fetched jars have not.
   * Default: errors.
   */
  readonly logLevel?: 'error' | 'info'
  /** A folder of yours for data and logs, one sub-folder a server; it stays. Default: a temporary one, removed at the end. */
  readonly dataDir?: string
  /**
   * Clients and other servers reach each server through proxies of this process, so that it can be cut off. Needs no rights, as
   * network namespaces would. Default false.
   */
  readonly cuttable?: boolean
}

export interface ApacheServer extends AsyncDisposable {
  readonly connectString: string
  /** Client ports, in the order of the servers; those of the proxies where there are some. */
  readonly ports: readonly number[]
  readonly version: string
  /** SIGKILL: nothing is flushed, sessions are not closed. `index` counts from 0. */
  kill(index?: number): Promise<void>
  /** SIGTERM: an orderly end, as an operator asks for it. */
  stop(index?: number): Promise<void>
  /** Starts a server again on its port and data, killing it first if it runs; resolves when it serves. */
  restart(index?: number): Promise<void>
  /** SIGSTOP and SIGCONT: the machine hangs, its sockets stay. */
  pause(index?: number): void
  resume(index?: number): void
  /**
   * A partition: nothing passes between this server and the others or its clients, and no connection is closed. What was under
   * way arrives after `heal`. @throws Error without the option `cuttable`.
   */
  cut(index?: number): void
  heal(index?: number): void
  /** The end of what a server has printed since it was started last; `logLevel` says how much it prints. */
  said(index?: number): string
  /** The server that leads, or stands alone; undefined while none says so, or more than one does. */
  leader(): Promise<number | undefined>
  close(): Promise<void>
}

export type Availability =
  | { readonly available: true; readonly version: string; readonly classPath: string }
  | { readonly available: false; readonly reason: string }

export const debianJars = '/usr/share/java'
const debianClasses = [
  'zookeeper',
  'zookeeper-jute',
  // Debian's netty-all is a list of these, and lacks some.
  'netty-all',
  'netty-buffer',
  'netty-codec',
  'netty-common',
  'netty-handler',
  'netty-resolver',
  'netty-transport',
  'netty-transport-native-unix-common',
  'slf4j-api',
  'slf4j-simple',
  'log4j-over-slf4j',
  'metrics-core',
  'snappy-java',
  'commons-cli',
  'commons-io',
  'jline',
  'jackson-core',
  'jackson-databind',
  'jackson-annotations',
  'json-simple',
  'servlet-api',
]
const fetchedJars = (version: ApacheVersion): string =>
  fileURLToPath(new URL(`../../../.cache/apache-${version}`, import.meta.url))

/** Whether a server of that line can be started here, and if not, why. */
export function apacheAvailable(version: ApacheVersion): Availability {
  if (spawnSync('java', ['-version']).status !== 0)
    return { available: false, reason: 'there is no java on this machine' }
  if (version !== '3.8') {
    const jars = fetchedJars(version)
    if (!existsSync(jars))
      return { available: false, reason: 'its jars were not fetched; node scripts/peers.mjs does it' }
    const releases = readdirSync(jars).map((jar) => /^zookeeper-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1])
    const release = releases.find((each) => each?.startsWith(`${version}.`))
    if (release === undefined)
      return { available: false, reason: `the fetched jars hold no zookeeper-${version}.x.jar` }
    return { available: true, version: release, classPath: `${jars}/*` }
  }
  if (!existsSync(`${debianJars}/zookeeper.jar`))
    return { available: false, reason: 'the Debian package zookeeper is not installed' }
  // Debian's jar has no version in its name; a link beside it has.
  const named = readdirSync(debianJars).map((jar) => /^zookeeper-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1])
  const release = named.find((each) => each?.startsWith('3.8.'))
  if (release === undefined) {
    const others = named.filter((each) => each !== undefined)
    return { available: false, reason: `the Debian package zookeeper is of version ${others.join(', ') || 'unknown'}` }
  }
  const jars = debianClasses.map((name) => `${debianJars}/${name}.jar`).filter((jar) => existsSync(jar))
  return { available: true, version: release, classPath: jars.join(':') }
}

/** Keys that Apache takes from the JVM alone. */
const jvmKeys = /^(znode\.container\.|jute\.maxbuffer|readonlymode\.|zookeeper\.)/

/** Characters kept of what a server prints. */
const outputMax = 100_000

const running = new Set<ChildProcess>()
const temporary = new Set<string>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const directory of temporary) rmSync(directory, { recursive: true, force: true })
})

/**
 * Ends `child` when this process dies without running its exit handlers, of SIGKILL or of SIGINT: a shell in a process group of
 * its own waits for the end of a pipe that only we hold open.
 */
function guard(child: ChildProcess, directory: string | undefined): void {
  const clean = directory === undefined ? '' : '; rm -rf -- "$2"'
  const script = `read -r _; kill -9 "$1"${clean}`
  const watch = spawn('sh', ['-c', script, 'sh', `${child.pid}`, directory ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watch.on('error', () => {})
  watch.stdin.on('error', () => {})
  watch.unref()
  // Before anybody else can be given the process id.
  child.once('exit', () => watch.kill('SIGKILL'))
}

/** @throws Error saying why it cannot be had, or with the end of its log when it does not come up. */
export async function apache(options: ApacheOptions = {}): Promise<ApacheServer> {
  const line = options.version ?? '3.8'
  const found = apacheAvailable(line)
  if (!found.available) throw new Error(`Apache ZooKeeper ${line} cannot be started: ${found.reason}`)
  const size = options.size ?? 1
  const own = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'lightkeeper-apache-')) : undefined
  if (own !== undefined) temporary.add(own)
  const directory = own ?? (options.dataDir as string)
  const ports = await freePorts(size * 3)
  const members = Array.from({ length: size }, (_, i) => ({
    client: ports[i * 3] as number,
    quorum: ports[i * 3 + 1] as number,
    election: ports[i * 3 + 2] as number,
  }))
  const cables = options.cuttable ? await lay(members) : undefined
  const ensemble = (own: number): string[] => {
    if (size === 1) return []
    return members.map((member, i) => {
      const { quorum, election } = cables?.between(own, i) ?? member
      return `server.${i + 1}=127.0.0.1:${quorum}:${election}`
    })
  }
  const given = Object.entries(options.config ?? {})
  const servers = members.map(({ client }, i) => {
    const data = join(directory, `${i + 1}`)
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'myid'), `${i + 1}\n`)
    const settings = new Map<string, string | number>([
      ['tickTime', 2000],
      ['initLimit', 10],
      ['syncLimit', 5],
      ['maxClientCnxns', 0],
      ['admin.enableServer', 'false'],
      ['4lw.commands.whitelist', '*'],
      ...given.filter(([key]) => !jvmKeys.test(key)),
      ['dataDir', data],
      ['clientPort', client],
      ['clientPortAddress', '127.0.0.1'],
    ])
    const lines = [...settings].map(([key, value]) => `${key}=${value}`)
    writeFileSync(join(data, 'zoo.cfg'), [...lines, ...ensemble(i), ''].join('\n'))
    return { data, port: client, child: undefined as ChildProcess | undefined, output: '' }
  })
  const properties = given.filter(([key]) => jvmKeys.test(key)).map(([key, value]) => `-D${key}=${value}`)
  const jvm = [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dzookeeper.admin.enableServer=false',
    // One that looks for a leader asks again within seconds; by itself it waits up to a minute (FastLeaderElection.java).
    '-Dzookeeper.fastleader.maxNotificationInterval=2000',
    // Quiet by default, but not about why it ended.
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${options.logLevel ?? 'error'}`,
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    ...properties,
    ...(options.jvm ?? []),
  ]

  const start = (index: number): void => {
    const server = servers[index] as (typeof servers)[number]
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    const child = spawn('java', [...jvm, '-cp', found.classPath, main, join(server.data, 'zoo.cfg')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    server.output = ''
    const collect = (chunk: Buffer): void => {
      server.output = (server.output + chunk.toString()).slice(-outputMax)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    guard(child, own)
    running.add(child)
    child.once('exit', () => running.delete(child))
    server.child = child
  }
  const serving = async (index: number): Promise<void> => {
    const server = servers[index] as (typeof servers)[number]
    const deadline = Date.now() + 60_000
    // A word that is not allowed is answered too, by a server that is up.
    while (!/^Mode: |not in the whitelist/m.test(await ask(server.port, 'srvr').catch(() => ''))) {
      const { exitCode, signalCode } = server.child as ChildProcess
      const isGone = exitCode !== null || signalCode !== null
      if (isGone || Date.now() > deadline) {
        const how = isGone ? `it ended with ${exitCode ?? signalCode}` : 'it does not answer'
        throw new Error(`Apache ZooKeeper ${found.version} did not come up, ${how}: ${server.output.slice(-2_000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const end = async (index: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const child = servers[index]?.child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // One that is paused would never hear of SIGTERM.
    child.kill('SIGCONT')
    await gone
  }
  const kill = (index = 0): Promise<void> => end(index, 'SIGKILL')
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((_, i) => kill(i)))
    await cables?.close()
    if (own === undefined) return
    rmSync(own, { recursive: true, force: true })
    temporary.delete(own)
  }
  try {
    for (const index of servers.keys()) start(index)
    await Promise.all(servers.map((_, i) => serving(i)))
  } catch (error) {
    await close()
    throw error
  }
  const cut = (index: number, isCut: boolean): void => {
    if (cables === undefined) throw new Error('only servers started with the option cuttable can be cut off')
    cables.set(index, isCut)
  }
  const clientPorts = cables?.clientPorts ?? servers.map(({ port }) => port)
  return {
    connectString: clientPorts.map((port) => `127.0.0.1:${port}`).join(','),
    ports: clientPorts,
    version: found.version,
    kill,
    stop: (index = 0) => end(index, 'SIGTERM'),
    async restart(index = 0) {
      await kill(index)
      start(index)
      await serving(index)
    },
    pause: (index = 0) => void servers[index]?.child?.kill('SIGSTOP'),
    resume: (index = 0) => void servers[index]?.child?.kill('SIGCONT'),
    cut: (index = 0) => cut(index, true),
    heal: (index = 0) => cut(index, false),
    said: (index = 0) => servers[index]?.output ?? '',
    async leader() {
      const answers = await Promise.all(servers.map(({ port }) => ask(port, 'srvr').catch(() => '')))
      const leading = [...answers.keys()].filter((i) => /^Mode: (leader|standalone)$/m.test(answers[i] as string))
      return leading.length === 1 ? leading[0] : undefined
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Member {
  readonly client: number
  readonly quorum: number
  readonly election: number
}

/** A proxy in front of every client port, and a pair for every direction between two servers. */
interface Cables {
  readonly clientPorts: readonly number[]
  /** Where server `from` reaches server `to`; undefined for itself. */
  between(from: number, to: number): { readonly quorum: number; readonly election: number } | undefined
  set(index: number, isCut: boolean): void
  close(): Promise<void>
}

async function lay(members: readonly Member[]): Promise<Cables> {
  const clients = await Promise.all(members.map(({ client }) => proxy(client)))
  const pairs = new Map<
    string,
    { readonly quorum: Proxy; readonly election: Proxy; readonly ends: readonly number[] }
  >()
  for (const [from] of members.entries()) {
    for (const [to, { quorum, election }] of members.entries()) {
      if (from === to) continue
      // A server dials back to the address it is told, which must lead through a cable too.
      const opening = (bytes: Buffer): Buffer | undefined =>
        withElectionAddress(bytes, `127.0.0.1:${pairs.get(`${to} ${from}`)?.election.port}`)
      // A follower comes before its leader listens, and takes a refusal, but not an end, for a reason to wait.
      const pair = {
        quorum: await proxy(quorum, { patience: 1_000 }),
        election: await proxy(election, { opening }),
        ends: [from, to],
      }
      pairs.set(`${from} ${to}`, pair)
    }
  }
  const off = new Set<number>()
  return {
    clientPorts: clients.map(({ port }) => port),
    between(from, to) {
      const pair = pairs.get(`${from} ${to}`)
      return pair && { quorum: pair.quorum.port, election: pair.election.port }
    },
    set(index, isCut) {
      if (isCut) off.add(index)
      else off.delete(index)
      const pull = (cable: Proxy, ends: readonly number[]): void => {
        if (ends.some((end) => off.has(end))) cable.hang()
        else cable.heal()
      }
      for (const [i, cable] of clients.entries()) pull(cable, [i])
      for (const { quorum, election, ends } of pairs.values()) {
        pull(quorum, ends)
        pull(election, ends)
      }
    },
    async close() {
      const all = [...clients, ...[...pairs.values()].flatMap(({ quorum, election }) => [quorum, election])]
      await Promise.all(all.map((cable) => cable.close()))
    },
  }
}

/**
 * The initial message of an election connection (QuorumCnxManager.java, InitialMessage: version, sid, length, address) with
 * another address; undefined while it has not all come.
 */
export function withElectionAddress(bytes: Buffer, address: string): Buffer | undefined {
  if (bytes.length < 20) return undefined
  const end = 20 + bytes.readInt32BE(16)
  if (bytes.length < end) return undefined
  const head = Buffer.from(bytes.subarray(0, 20))
  head.writeInt32BE(Buffer.byteLength(address), 16)
  return Buffer.concat([head, Buffer.from(address), bytes.subarray(end)])
}

/** Sends a four-letter word and resolves to the answer. */
export function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.end(word))
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

/**
 * Ports nobody listens on, below the range that systems give to outgoing connections and to port 0: a server that is down must
 * find its port free again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const free = new Set<number>()
  for (let tries = 0; free.size < count; tries++) {
    if (tries > 1_000) throw new Error('no free ports on this machine')
    const port = randomInt(12_000, 32_000)
    if (await isFree(port)) free.add(port)
  }
  return [...free]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
