/**
 * A real Apache ZooKeeper, alone or as an ensemble, if this machine has one. This is host code on purpose: it starts processes, and
 * to wait for a process means to ask until it answers.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boolean, list, OptionSet, oneOf, text, whole, withMethods } from '@lightkeeper/client/arguments'
import { type Cables, lay } from './cables.ts'
import { type ApacheVersion, apacheAvailable } from './installation.ts'
import { freePorts } from './ports.ts'
import { ApacheProcess, removeAtExit, removeNow } from './process.ts'
import { jvmOptions, zooCfg } from './zoo-cfg.ts'

/** The options of `apache`. */
export interface ApacheOptions {
  /**
   * The number of servers: 1 is standalone, 3 or more are an ensemble on this machine. With guests it may be 0, where others start all
   * members. Default 1.
   */
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
  /**
   * Members that others start: servers of ours, or Apache's on a directory that ours left. They have lines in all files. Where there are
   * servers at all, they must be a quorum without guests. Default none.
   */
  readonly guests?: number
  /** Whether guests have a vote: all of them, or one after the other. Default `observer`. */
  readonly guestRole?: GuestRole | readonly GuestRole[]
  /** Guests have the smallest numbers: among equal histories another server is elected. Default: the largest. */
  readonly guestsFirst?: boolean
  /**
   * The hosts at which servers look for each other. With several of them each server has several addresses, for which `config` and `jvm`
   * must switch on `multiAddress.enabled`. `cuttable` has the first one alone. Default 127.0.0.1.
   */
  readonly hosts?: readonly string[]
}

export type GuestRole = 'observer' | 'participant'

/** A member that is not started with the ensemble. */
export interface Guest {
  /** Its number in the ensemble, as in `myid`. */
  readonly sid: number
  /** The port where it should accept clients. */
  readonly clientPort: number
  /** The port where clients reach it: the same one, or with `cuttable` that of a proxy. */
  readonly reachedAt: number
  /** The lines `server.N=…` of its file, by key. */
  readonly lines: Readonly<Record<string, string>>
  /** Writes the `zoo.cfg` and the `myid` of this member into `dataDir`. Returns the path of the `zoo.cfg`. `more` are lines of it alone. */
  configure(dataDir: string, more?: ApacheOptions['config']): string
  /** Starts a server of Apache as this member, after `configure`. Resolves when it serves. */
  start(dataDir: string, more?: ApacheOptions['config']): Promise<GuestProcess>
}

/** A server of others that is a member of an ensemble of Apache's. */
export interface GuestProcess {
  /** SIGTERM. Resolves when the process has ended. */
  stop(): Promise<void>
  /** SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>
  /** SIGSTOP: it hangs, its sockets stay open. */
  pause(): void
  /** SIGCONT: ends `pause`. */
  resume(): void
  /** The end of its output. */
  said(): string
  /** The mode that `srvr` reports; undefined if the server does not answer. */
  mode(): Promise<string | undefined>
}

/** Apache servers that run as processes, made by `apache`. */
export interface ApacheServer extends AsyncDisposable {
  /** Addresses of all servers, with commas between them; with `cuttable` those of the proxies. Guests are not in it. */
  readonly connectString: string
  /** Client ports, in the order of the servers; with `cuttable` the ports of the proxies. */
  readonly ports: readonly number[]
  /** The version that was found, for example `3.8.1`. */
  readonly version: string
  /** The members that others start, as many as the option `guests` says. */
  readonly guests: readonly Guest[]
  /** The data directory of a server. */
  directoryOf(index: number): string
  /** SIGKILL: nothing is flushed, sessions are not closed. `index` counts from 0. */
  kill(index?: number): Promise<void>
  /** SIGTERM: an orderly end, as an operator would stop it. */
  stop(index?: number): Promise<void>
  /** Starts a server again with its port and data, after killing it if it runs; resolves when it serves. */
  restart(index?: number): Promise<void>
  /** SIGSTOP: the machine hangs, its sockets stay open. */
  pause(index?: number): void
  /** SIGCONT: ends `pause`. */
  resume(index?: number): void
  /**
   * A partition: nothing passes between this server and the others or its clients, and no connection is closed. Bytes that were
   * under way arrive after `heal`. The indexes of guests follow those of the servers. @throws Error without the option `cuttable`.
   */
  cut(index?: number): void
  /** Ends `cut`; what was under way arrives. */
  heal(index?: number): void
  /** The end of the output of a server since its last start; `logLevel` sets how much it prints. */
  said(index?: number): string
  /** The leader, or the standalone server; undefined while no server, or more than one, reports that it leads. */
  leader(): Promise<number | undefined>
  /** Kills every server, and each guest that was started here. Deletes their files unless `dataDir` was given. Stops the proxies. */
  close(): Promise<void>
}

const roles = oneOf('observer', 'participant')

const apacheOptions = new OptionSet<ApacheOptions>({
  size: whole('servers', 0, 99),
  version: oneOf('3.5', '3.8', '3.9'),
  config: withMethods('an object of lines by key'),
  jars: text,
  jvm: list(text, 'an array of options'),
  logLevel: oneOf('error', 'info'),
  dataDir: text,
  cuttable: boolean,
  guests: whole('guests', 0, 99),
  guestRole: (value, name, operation) =>
    Array.isArray(value) ? list(roles, 'an array of roles')(value, name, operation) : roles(value, name, operation),
  guestsFirst: boolean,
  hosts: list(text, 'an array of hosts'),
})

/**
 * @throws TypeError or RangeError for an option that does not exist or cannot be used; Error that says why it cannot be started, or
 * contains the end of its log if it does not come up.
 */
export async function apache(given: ApacheOptions = {}): Promise<ApacheServer> {
  const options = apacheOptions.of(given, 'apache')
  const line = options.version ?? '3.8'
  const found = apacheAvailable(line)
  if (!found.available) throw new Error(`Apache ZooKeeper ${line} cannot be started: ${found.reason}`)
  const size = options.size ?? 1
  const all = size + (options.guests ?? 0)
  const { guestRole = 'observer', guestsFirst = false, hosts = ['127.0.0.1'] } = options
  /** The role of a member, servers and guests. */
  const roleOf = (i: number): GuestRole =>
    i < size ? 'participant' : typeof guestRole === 'string' ? guestRole : (guestRole[i - size] ?? 'observer')
  const voters = Array.from({ length: all }, (_, i) => roleOf(i)).filter((role) => role === 'participant').length
  if (size > 0 && all > size && (size === 1 || size * 2 <= voters))
    throw new Error('guests need an ensemble with a quorum of its own')
  const guestCount = all - size
  /** Servers count from 0, guests behind them. */
  const sidOf = (i: number): number => (!guestsFirst ? i + 1 : i < size ? i + 1 + guestCount : i + 1 - size)
  const own = options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'lightkeeper-apache-')) : undefined
  if (own !== undefined) removeAtExit(own)
  const directory = own ?? (options.dataDir as string)
  const ports = await freePorts(all * 3)
  const members = Array.from({ length: all }, (_, i) => ({
    client: ports[i * 3] as number,
    quorum: ports[i * 3 + 1] as number,
    election: ports[i * 3 + 2] as number,
  }))
  const cables = options.cuttable ? await lay(members) : undefined
  const config = options.config ?? {}
  const classPath = options.jars === undefined ? found.classPath : `${found.classPath}:${options.jars}`
  const jvm = jvmOptions(config, options.logLevel ?? 'error', options.jvm ?? [])
  const clientPortOf = (i: number): number => (members[i] as (typeof members)[number]).client
  const configure = (i: number, dataDir: string, more: ApacheOptions['config'] = {}): string => {
    const file = join(dataDir, 'zoo.cfg')
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(join(dataDir, 'myid'), `${sidOf(i)}\n`)
    const settings = { ...config, ...(roleOf(i) === 'participant' ? {} : { peerType: 'observer' }), ...more }
    writeFileSync(file, zooCfg(settings, { dataDir, clientPort: clientPortOf(i), members: linesSeenBy(i) }))
    return file
  }
  const processOf = (i: number, file: string, temporary: string | undefined): ApacheProcess => {
    const args = [...jvm, '-cp', classPath, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', file]
    return new ApacheProcess({ version: found.version, args, port: clientPortOf(i), temporary })
  }
  const servers = members.slice(0, size).map((_, i) => processOf(i, configure(i, join(directory, `${i + 1}`)), own))
  const guestProcesses: ApacheProcess[] = []
  const guests = members.slice(size).map(({ client }, at): Guest => {
    const i = size + at
    return {
      sid: sidOf(i),
      clientPort: client,
      reachedAt: cables?.clientPorts[i] ?? client,
      lines: Object.fromEntries(linesSeenBy(i).map((line) => line.split('=', 2) as [string, string])),
      configure: (dataDir, more) => configure(i, dataDir, more),
      async start(dataDir, more) {
        const server = processOf(i, configure(i, dataDir, more), undefined)
        guestProcesses.push(server)
        server.start()
        await server.serving()
        return {
          stop: () => server.end('SIGTERM'),
          kill: () => server.end('SIGKILL'),
          pause: () => server.signal('SIGSTOP'),
          resume: () => server.signal('SIGCONT'),
          said: () => server.output,
          mode: () => server.mode(),
        }
      },
    }
  })

  /** Lines of zoo.cfg; none for a standalone server. */
  function linesSeenBy(index: number): string[] {
    if (all === 1) return []
    return members.map((member, i) => {
      const { quorum, election } = cables?.between(index, i) ?? member
      const addresses = (cables === undefined ? hosts : hosts.slice(0, 1)).map(
        (host) => `${host}:${quorum}:${election}${i < size ? '' : `:${roleOf(i)}`}`,
      )
      return `server.${sidOf(i)}=${addresses.join('|')}`
    })
  }
  const kill = async (index = 0): Promise<void> => servers[index]?.end('SIGKILL')
  const close = async (): Promise<void> => {
    await Promise.all([...servers, ...guestProcesses].map((server) => server.end('SIGKILL')))
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
  const clientPorts = (cables?.clientPorts ?? members.map(({ client }) => client)).slice(0, size)
  return {
    connectString: clientPorts.map((port) => `127.0.0.1:${port}`).join(','),
    ports: clientPorts,
    version: found.version,
    guests,
    directoryOf: (index) => join(directory, `${index + 1}`),
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
