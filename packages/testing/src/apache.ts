/**
 * A real Apache ZooKeeper, when this machine has one: 3.8 from Debian's packages, 3.9 from jars that scripts/peers.mjs fetched.
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

export type ApacheVersion = '3.8' | '3.9'

export interface ApacheOptions {
  /** Servers: 1 stands alone, 3 and more form an ensemble on this machine. Default 1. */
  readonly size?: number
  /** Default 3.8. */
  readonly version?: ApacheVersion
  /** Lines of zoo.cfg; keys that Apache reads from the JVM (`zookeeper.…`, `znode.container.…`) become properties. */
  readonly config?: Readonly<Record<string, string | number>>
  /** Options of the JVM, besides ours for a quick start. */
  readonly jvm?: readonly string[]
  /** A folder of yours for data and logs, one sub-folder a server; it stays. Default: a temporary one, removed at the end. */
  readonly dataDir?: string
}

export interface ApacheServer extends AsyncDisposable {
  readonly connectString: string
  /** Client ports, in the order of the servers. */
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
  close(): Promise<void>
}

export type Availability =
  | { readonly available: true; readonly version: string; readonly classPath: string }
  | { readonly available: false; readonly reason: string }

const debianJars = '/usr/share/java'
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
const fetchedJars = fileURLToPath(new URL('../../../.cache/apache-3.9', import.meta.url))

/** Whether a server of that line can be started here, and if not, why. */
export function apacheAvailable(version: ApacheVersion): Availability {
  if (spawnSync('java', ['-version']).status !== 0)
    return { available: false, reason: 'there is no java on this machine' }
  if (version === '3.9') {
    if (!existsSync(fetchedJars))
      return { available: false, reason: 'its jars were not fetched; node scripts/peers.mjs does it' }
    const server = readdirSync(fetchedJars).find((jar) => /^zookeeper-3\.9\.\d+\.jar$/.test(jar))
    if (server === undefined) return { available: false, reason: 'the fetched jars hold no zookeeper-3.9.x.jar' }
    return {
      available: true,
      version: server.slice('zookeeper-'.length, -'.jar'.length),
      classPath: `${fetchedJars}/*`,
    }
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
  const ensemble =
    size === 1 ? [] : members.map(({ quorum, election }, i) => `server.${i + 1}=127.0.0.1:${quorum}:${election}`)
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
    writeFileSync(join(data, 'zoo.cfg'), [...lines, ...ensemble, ''].join('\n'))
    return { data, port: client, child: undefined as ChildProcess | undefined, output: '' }
  })
  const properties = given.filter(([key]) => jvmKeys.test(key)).map(([key, value]) => `-D${key}=${value}`)
  const jvm = [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dzookeeper.admin.enableServer=false',
    // Quiet, but not about why it ended.
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
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
      server.output = (server.output + chunk.toString()).slice(-20_000)
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
  return {
    connectString: servers.map(({ port }) => `127.0.0.1:${port}`).join(','),
    ports: servers.map(({ port }) => port),
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
    close,
    [Symbol.asyncDispose]: close,
  }
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
