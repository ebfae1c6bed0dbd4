/**
 * A real Apache ZooKeeper, alone or as an ensemble, if this machine has one. This is host code on purpose: it starts processes, and
 * to wait for a process means to ask until it answers.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cables, lay } from './cables.ts'
import { type ApacheVersion, apacheAvailable } from './installation.ts'
import { freePorts } from './ports.ts'
import { ApacheProcess, removeAtExit, removeNow } from './process.ts'
import { jvmOptions, zooCfg } from './zoo-cfg.ts'

export interface ApacheOptions {
  /** The number of servers: 1 is standalone, 3 or more are an ensemble on this machine. Default 1. */
  readonly size?: number
  /** Default 3.8. */
  readonly version?: ApacheVersion
  /** Lines of zoo.cfg. Keys that Apache reads from the JVM (`zookeeper.…`, `znode.container.…`) become properties. */
  readonly config?: Readonly<Record<string, string | number>>
  /** More classes, in the form of a class path. */
  readonly jars?: string
  /** Options of the JVM, added to ours for a quick start. */
  readonly jvm?: readonly string[]
  /** How much a server prints, for `said`; needs slf4j-simple, which Debian has and the fetched jars do not. Default: errors. */
  readonly logLevel?: 'error' | 'info'
  /** A folder for data and logs, with a sub-folder for each server; it is kept. Default: a temporary one, removed at the end. */
  readonly dataDir?: string
  /**
   * Clients and other servers reach each server through proxies of this process, so that it can be cut off. Unlike network
   * namespaces this needs no special rights. Default false.
   */
  readonly cuttable?: boolean
}

export interface ApacheServer extends AsyncDisposable {
  readonly connectString: string
  /** Client ports, in the order of the servers; with `cuttable` the ports of the proxies. */
  readonly ports: readonly number[]
  readonly version: string
  /** SIGKILL: nothing is flushed, sessions are not closed. `index` counts from 0. */
  kill(index?: number): Promise<void>
  /** SIGTERM: an orderly end, as an operator would stop it. */
  stop(index?: number): Promise<void>
  /** Starts a server again with its port and data, after killing it if it runs; resolves when it serves. */
  restart(index?: number): Promise<void>
  /** SIGSTOP and SIGCONT: the machine hangs, its sockets stay open. */
  pause(index?: number): void
  resume(index?: number): void
  /**
   * A partition: nothing passes between this server and the others or its clients, and no connection is closed. Bytes that were
   * under way arrive after `heal`. @throws Error without the option `cuttable`.
   */
  cut(index?: number): void
  heal(index?: number): void
  /** The end of the output of a server since its last start; `logLevel` sets how much it prints. */
  said(index?: number): string
  /** The leader, or the standalone server; undefined while no server, or more than one, reports that it leads. */
  leader(): Promise<number | undefined>
  close(): Promise<void>
}

/** @throws Error that says why it cannot be started, or contains the end of its log if it does not come up. */
export async function apache(options: ApacheOptions = {}): Promise<ApacheServer> {
  const line = options.version ?? '3.8'
  const found = apacheAvailable(line)
  if (!found.available) throw new Error(`Apache ZooKeeper ${line} cannot be started: ${found.reason}`)
  const size = options.size ?? 1
  const own = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'lightkeeper-apache-')) : undefined
  if (own !== undefined) removeAtExit(own)
  const directory = own ?? (options.dataDir as string)
  const ports = await freePorts(size * 3)
  const members = Array.from({ length: size }, (_, i) => ({
    client: ports[i * 3] as number,
    quorum: ports[i * 3 + 1] as number,
    election: ports[i * 3 + 2] as number,
  }))
  const cables = options.cuttable ? await lay(members) : undefined
  const config = options.config ?? {}
  const classPath = options.jars === undefined ? found.classPath : `${found.classPath}:${options.jars}`
  const jvm = jvmOptions(config, options.logLevel ?? 'error', options.jvm ?? [])
  const servers = members.map(({ client }, i) => {
    const dataDir = join(directory, `${i + 1}`)
    const file = join(dataDir, 'zoo.cfg')
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
    writeFileSync(file, zooCfg(config, { dataDir, clientPort: client, members: membersAsSeenBy(i) }))
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    const args = [...jvm, '-cp', classPath, main, file]
    return new ApacheProcess({ version: found.version, args, port: client, temporary: own })
  })

  /** Lines of zoo.cfg; none for a standalone server. */
  function membersAsSeenBy(index: number): string[] {
    if (size === 1) return []
    return members.map((member, i) => {
      const { quorum, election } = cables?.between(index, i) ?? member
      return `server.${i + 1}=127.0.0.1:${quorum}:${election}`
    })
  }
  const kill = async (index = 0): Promise<void> => servers[index]?.end('SIGKILL')
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.end('SIGKILL')))
    await cables?.close()
    if (own !== undefined) removeNow(own)
  }
  try {
    for (const server of servers) server.start()
    await Promise.all(servers.map((server) => server.serving()))
  } catch (error) {
    await close()
    throw error
  }
  const clientPorts = cables?.clientPorts ?? members.map(({ client }) => client)
  return {
    connectString: clientPorts.map((port) => `127.0.0.1:${port}`).join(','),
    ports: clientPorts,
    version: found.version,
    kill,
    stop: async (index = 0) => servers[index]?.end('SIGTERM'),
    async restart(index = 0) {
      await kill(index)
      servers[index]?.start()
      await servers[index]?.serving()
    },
    pause: (index = 0) => servers[index]?.signal('SIGSTOP'),
    resume: (index = 0) => servers[index]?.signal('SIGCONT'),
    cut: (index = 0) => needed(cables).set(index, true),
    heal: (index = 0) => needed(cables).set(index, false),
    said: (index = 0) => servers[index]?.output ?? '',
    async leader() {
      const modes = await Promise.all(servers.map((server) => server.mode()))
      const leading = [...modes.keys()].filter((i) => modes[i] === 'leader' || modes[i] === 'standalone')
      return leading.length === 1 ? leading[0] : undefined
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function needed(cables: Cables | undefined): Cables {
  if (cables === undefined) throw new Error('only servers started with the option cuttable can be cut off')
  return cables
}
