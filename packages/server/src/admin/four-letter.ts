/**
 * Four-letter words: commands sent as the first four bytes of a connection, answered in the form in which Apache answers them
 * (FourLetterCommands.java and siblings), which scripts and other programs parse.
 */
import { formatHex } from '@lightkeeper/protocol'
import type { Runtime } from '@lightkeeper/runtime'
import type { Storage } from '../storage/storage.ts'
import type { ClientListener } from '../transport/client-listener.ts'
import { version } from '../version.ts'
import { BoundedText } from './bounded-text.ts'
import { connectionLine, dump, whole } from './connections.ts'
import { decimal, metrics } from './monitor.ts'

/** Where words look besides the listener. */
export interface WordSources {
  /** Undefined where data is in memory only. */
  readonly storage: Storage | undefined
}

/** `argument` is what stands behind the four bytes. */
type Answer = (words: FourLetterWords, argument: Uint8Array) => string | Promise<string>

/** Bytes behind the word: `stmk` has a mask of eight. */
const argumentBytes = new Map([['stmk', 8]])

const answers = new Map<string, Answer>([
  // Monitoring scripts compare the four bytes, so there is no newline. Only a restart helps where the log failed.
  [
    'ruok',
    ({ server }) => (server.replica.logFailure === undefined ? 'imok' : 'the log failed; restart this server\n'),
  ],
  ['isro', ({ server }) => (server.replica.logFailure === undefined ? 'rw' : 'ro')],
  ['srvr', ({ server }) => `Zookeeper version: ${version}\n${summary(server)}`],
  ['stat', ({ server }) => `Zookeeper version: ${version}\nClients:\n${connections(server, true)}\n${summary(server)}`],
  ['cons', ({ server }) => `${connections(server, false)}\n`],
  ['crst', resetConnections],
  ['srst', resetStats],
  ['conf', configuration],
  ['dirs', directories],
  ['dump', dumped],
  ['envi', environment],
  ['mntr', monitored],
  ['wchs', ({ server }) => watchSummary(server)],
  ['wchc', ({ server }) => watchesByWatcher(server)],
  ['wchp', ({ server }) => watchesByPath(server)],
  ['gtmk', (words) => `${words.traceMask}`],
  ['stmk', setTraceMask],
  ['hash', ({ server }) => digests(server)],
])

export class FourLetterWords {
  readonly server: ClientListener
  readonly sources: WordSources
  readonly runtime: Runtime
  /** What `stmk` set and `gtmk` shows, Apache's default at first. It changes nothing here. */
  traceMask = 306n
  readonly startedAt: number

  constructor(server: ClientListener, sources: WordSources, runtime: Runtime) {
    this.server = server
    this.sources = sources
    this.runtime = runtime
    this.startedAt = runtime.clock.now()
  }

  /** Bytes of the word that `bytes`, four of them or more, begin with, and of what belongs to it; 0 where they are no word. */
  length(bytes: Uint8Array): number {
    const word = wordOf(bytes)
    if (!answers.has(word)) return 0
    return 4 + (this.#isAllowed(word) ? (argumentBytes.get(word) ?? 0) : 0)
  }

  /** `bytes` are as long as `length` says. */
  answer(bytes: Uint8Array): string | Promise<string> {
    const word = wordOf(bytes)
    if (!this.#isAllowed(word)) return `${word} is not executed because it is not in the whitelist.\n`
    return answers.get(word)?.(this, bytes.subarray(4)) ?? ''
  }

  #isAllowed(word: string): boolean {
    const { fourLetterWordWhitelist: allowed } = this.server.config
    // Scripts that come with Apache depend on srvr, so it is always answered there.
    return word === 'srvr' || allowed.includes('*') || allowed.includes(word)
  }
}

function wordOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 4))
}

/** Apache counts the root twice, since it stands under two paths there. */
function znodeCount({ replica }: ClientListener): number {
  return replica.tree.nodes.size + 1
}

function mode({ replica }: ClientListener): string {
  return replica.logFailure === undefined ? 'standalone' : 'read-only'
}

function summary(server: ClientListener): string {
  const { replica } = server
  const { latency, received, sent } = replica.stats
  return [
    `Latency min/avg/max: ${whole(latency.min)}/${decimal(latency.average)}/${whole(latency.max)}`,
    `Received: ${received}`,
    `Sent: ${sent}`,
    `Connections: ${server.connections.size}`,
    `Outstanding: ${replica.outstanding}`,
    `Zxid: ${formatHex(replica.lastZxid)}`,
    `Mode: ${mode(server)}`,
    `Node count: ${znodeCount(server)}`,
    '',
  ].join('\n')
}

function connections(server: ClientListener, isBrief: boolean): string {
  const text = new BoundedText()
  for (const connection of server.connections) {
    if (!text.hasRoom) break
    text.line(connectionLine(connection, isBrief))
  }
  return text.toString()
}

function resetConnections({ server }: FourLetterWords): string {
  for (const connection of server.connections) {
    connection.received = 0
    connection.sent = 0
    connection.stats.reset()
  }
  return 'Connection stats reset.\n'
}

function resetStats({ server }: FourLetterWords): string {
  server.replica.stats.reset()
  return 'Server stats reset.\n'
}

async function configuration({ server, sources, runtime }: FourLetterWords): Promise<string> {
  const { config } = server
  const { storage } = sources
  const sizes = await storage?.sizes()
  const absolute = (path: string | undefined): string => {
    if (path === undefined || /^([/\\]|[A-Za-z]:)/.test(path)) return path ?? ''
    return `${runtime.machine.facts().get('user.dir') ?? ''}/${path}`
  }
  return Object.entries({
    clientPort: server.port,
    secureClientPort: -1,
    dataDir: absolute(storage?.snapshotDirectory),
    dataDirSize: sizes?.snapshots ?? 0,
    dataLogDir: absolute(storage?.logDirectory),
    dataLogSize: sizes?.logs ?? 0,
    tickTime: config.tickTime,
    maxClientCnxns: config.maxClientCnxns,
    minSessionTimeout: config.minSessionTimeout,
    maxSessionTimeout: config.maxSessionTimeout,
    clientPortListenBacklog: config.clientPortListenBacklog,
    serverId: 0,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

async function directories({ sources }: FourLetterWords): Promise<string> {
  const sizes = await sources.storage?.sizes()
  return `datadir_size: ${sizes?.snapshots ?? 0}\nlogdir_size: ${sizes?.logs ?? 0}\n`
}

function dumped({ server, runtime }: FourLetterWords): string {
  const { clock } = runtime
  const text = new BoundedText()
  dump(server, clock.now(), clock.wall(), text)
  return text.toString()
}

function environment({ runtime }: FourLetterWords): string {
  const facts = [...runtime.machine.facts()].map(([key, value]) => `${key}=${value}\n`)
  return `Environment:\nzookeeper.version=${version}\n${facts.join('')}`
}

async function monitored({ server, sources, runtime, startedAt }: FourLetterWords): Promise<string> {
  const descriptors = await runtime.machine.descriptors()
  const all = metrics(server, {
    mode: mode(server),
    znodeCount: znodeCount(server),
    uptimeMs: runtime.clock.now() - startedAt,
    snapshotTimes: sources.storage?.snapshotTimes,
    descriptors,
  })
  return all.map(([name, value]) => `zk_${name}\t${value}\n`).join('')
}

function watchSummary({ replica }: ClientListener): string {
  const { data } = replica.watches
  return `${data.watcherCount} connections watching ${data.pathCount} paths\nTotal watches:${data.size}\n`
}

/** Who watches data, session by session; Apache leaves watches of children out. */
function watchesByWatcher({ replica, connections: all }: ClientListener): string {
  const byWatcher = replica.watches.data.byWatcher()
  const text = new BoundedText()
  for (const connection of all) {
    const paths = byWatcher.get(connection)
    if (paths === undefined) continue
    if (!text.hasRoom) break
    text.line(formatHex(connection.session?.id ?? 0n))
    for (const path of paths) text.line(`\t${path}`)
  }
  return `${text.toString()}\n`
}

function watchesByPath({ replica, connections: all }: ClientListener): string {
  const idOf = new Map<unknown, string>()
  for (const connection of all) idOf.set(connection, formatHex(connection.session?.id ?? 0n))
  const text = new BoundedText()
  for (const [path, watchers] of replica.watches.data.byPath()) {
    if (!text.hasRoom) break
    text.line(path)
    for (const watcher of watchers.keys()) text.line(`\t${idOf.get(watcher) ?? '0x0'}`)
  }
  return `${text.toString()}\n`
}

function setTraceMask(words: FourLetterWords, argument: Uint8Array): string {
  words.traceMask = new DataView(argument.buffer, argument.byteOffset, argument.length).getBigInt64(0)
  return `${words.traceMask}`
}

function digests({ replica }: ClientListener): string {
  const lines = replica.digests.map(([zxid, digest]) => `${zxid.toString(16)}: ${BigInt.asIntN(64, digest)}\n`)
  return lines.join('')
}
