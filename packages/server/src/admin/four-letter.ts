/**
 * Four-letter words: commands sent as the first four bytes of a connection, answered in the form in which Apache answers them
 * (FourLetterCommands.java and siblings), which scripts and other programs parse.
 */
import { formatHex } from '@lightkeeper/protocol'
import type { Runtime } from '@lightkeeper/runtime'
import { hasVote } from '../ensemble-view.ts'
import { latin1Text } from '../latin1.ts'
import type { Replica } from '../replica.ts'
import type { Storage } from '../storage/storage.ts'
import { version } from '../version.ts'
import { BoundedText } from './bounded-text.ts'
import { connectionLine, dump, whole } from './connections.ts'
import { configurationFacts, mode, resetConnectionStats, resetServerStats } from './facts.ts'
import { znodeCount } from './figures.ts'
import { logFailed } from './health.ts'
import { JavaDouble } from './json.ts'
import { monitorPairs, readFigures } from './monitor.ts'
import type { ServerView } from './view.ts'

/** Where words look besides the listener. */
export interface WordSources {
  /** Undefined where data is in memory only. */
  readonly storage: Storage | undefined
}

/** What a word is answered from: a server that serves clients. */
interface Asked {
  readonly server: ServerView
  readonly replica: Replica
  readonly sources: WordSources
  readonly runtime: Runtime
  /** What stands behind the four bytes. */
  readonly argument: Uint8Array
}

type Answer = (asked: Asked) => string | Promise<string>

/** Apache's words for a server that serves no clients at the moment. */
const notServing = 'This ZooKeeper instance is not currently serving requests\n'

/** Words that have an answer then too: the process is well, and it is unknown whether it may write. */
const whileNobodyServes = new Map([
  ['ruok', 'imok'],
  ['isro', 'null'],
])

/** Bytes behind the word: `stmk` has a mask of eight. */
const argumentBytes = new Map([['stmk', 8]])

const answers = new Map<string, Answer>([
  // Monitoring scripts compare the four bytes, so there is no newline. Only a restart helps where the log failed.
  ['ruok', ({ replica }) => (replica.logFailure === undefined ? 'imok' : `${logFailed}\n`)],
  ['isro', ({ replica }) => (mode(replica) === 'read-only' ? 'ro' : 'rw')],
  ['srvr', (asked) => `${head(asked)}${summary(asked)}`],
  ['stat', (asked) => `${head(asked)}Clients:\n${connections(asked, true)}\n${summary(asked)}`],
  ['cons', (asked) => `${connections(asked, false)}\n`],
  ['crst', resetConnections],
  ['srst', resetStats],
  ['conf', configuration],
  ['dirs', directories],
  ['dump', dumped],
  ['envi', environment],
  ['mntr', monitored],
  ['wchs', watchSummary],
  ['wchc', watchesByWatcher],
  ['wchp', watchesByPath],
  ['gtmk', ({ server }) => `${server.trace.mask}`],
  ['stmk', setTraceMask],
  ['hash', digests],
])

export class FourLetterWords {
  readonly server: ServerView
  readonly sources: WordSources
  readonly runtime: Runtime

  constructor(server: ServerView, sources: WordSources, runtime: Runtime) {
    this.server = server
    this.sources = sources
    this.runtime = runtime
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
    const { server, sources, runtime } = this
    const { replica } = server
    if (replica === undefined) return whileNobodyServes.get(word) ?? notServing
    return answers.get(word)?.({ server, replica, sources, runtime, argument: bytes.subarray(4) }) ?? ''
  }

  #isAllowed(word: string): boolean {
    const { fourLetterWordWhitelist: allowed, readOnlyModeEnabled } = this.server.config
    // Scripts that come with Apache depend on srvr, so it is always answered there; clients that look for a quorum on isro.
    if (word === 'srvr' || (word === 'isro' && readOnlyModeEnabled)) return true
    return allowed.includes('*') || allowed.includes(word)
  }
}

function wordOf(bytes: Uint8Array): string {
  return latin1Text(bytes.subarray(0, 4))
}

function head({ replica }: Asked): string {
  const isReadOnly = mode(replica) === 'read-only'
  return `Zookeeper version: ${version}\n${isReadOnly ? 'READ-ONLY mode; serving only read-only clients\n' : ''}`
}

function summary({ server, replica }: Asked): string {
  const { latency, received, sent } = server.stats
  return [
    `Latency min/avg/max: ${whole(latency.min)}/${new JavaDouble(latency.average).toString()}/${whole(latency.max)}`,
    `Received: ${received}`,
    `Sent: ${sent}`,
    `Connections: ${server.connections.size}`,
    `Outstanding: ${replica.desk.outstanding}`,
    `Zxid: ${formatHex(replica.lastZxid)}`,
    `Mode: ${mode(replica)}`,
    `Node count: ${znodeCount(replica)}`,
    ...proposalSizes(replica),
    '',
  ].join('\n')
}

function proposalSizes({ leadership }: Replica): string[] {
  if (leadership === undefined) return []
  const { last, min, max } = leadership.proposalSizes
  return [`Proposal sizes last/min/max: ${last}/${min}/${max}`]
}

function connections({ server }: Asked, isBrief: boolean): string {
  const text = new BoundedText()
  for (const connection of server.connections) {
    if (!text.hasRoom) break
    text.line(connectionLine(connection, isBrief))
  }
  return text.toString()
}

function resetConnections({ server }: Asked): string {
  resetConnectionStats(server)
  return 'Connection stats reset.\n'
}

function resetStats({ server, sources }: Asked): string {
  resetServerStats(server, sources.storage)
  return 'Server stats reset.\n'
}

async function configuration({ server, replica, sources, runtime }: Asked): Promise<string> {
  const { initLimit, syncLimit } = server.config
  const { ensemble } = replica
  const facts = Object.entries(await configurationFacts(server, sources.storage, runtime))
  const lines = facts.map(([key, value]) => `${key}=${value}\n`)
  if (ensemble === undefined) return lines.join('')
  const { electionPort, quorumPort, text } = ensemble
  // Nothing ends the last line, as in Apache (QuorumZooKeeperServer.java). Without a leader it leaves the members out.
  const peerType = hasVote(ensemble) ? 0 : 1
  const ofMember = { initLimit, syncLimit, electionAlg: 3, electionPort, quorumPort, peerType }
  return [
    ...lines,
    ...Object.entries(ofMember).map(([key, value]) => `${key}=${value}\n`),
    replica.role === 'read-only' ? '' : `membership: \n${text}`,
  ].join('')
}

async function directories({ sources }: Asked): Promise<string> {
  const sizes = await sources.storage?.sizes()
  return `datadir_size: ${sizes?.snapshots ?? 0}\nlogdir_size: ${sizes?.logs ?? 0}\n`
}

function dumped({ server, replica, runtime }: Asked): string {
  const { clock } = runtime
  const text = new BoundedText()
  dump({ server, replica }, clock.now(), clock.wall(), text)
  return text.toString()
}

function environment({ runtime }: Asked): string {
  const facts = [...runtime.machine.facts()].map(([key, value]) => `${key}=${value}\n`)
  return `Environment:\nzookeeper.version=${version}\n${facts.join('')}`
}

async function monitored({ server, replica, sources, runtime }: Asked): Promise<string> {
  const all = await readFigures(server, replica, sources.storage, runtime)
  return monitorPairs(replica, all)
    .map(([name, value]) => `zk_${name}\t${value.toString()}\n`)
    .join('')
}

function watchSummary({ replica }: Asked): string {
  const { data } = replica.watches
  return `${data.watcherCount} connections watching ${data.pathCount} paths\nTotal watches:${data.size}\n`
}

/** Who watches data, session by session; Apache leaves watches of children out. */
function watchesByWatcher({ replica, server }: Asked): string {
  const byWatcher = replica.watches.data.byWatcher()
  const text = new BoundedText()
  for (const connection of server.connections) {
    const paths = byWatcher.get(connection)
    if (paths === undefined) continue
    if (!text.hasRoom) break
    text.line(formatHex(connection.session?.id ?? 0n))
    for (const path of paths) text.line(`\t${path}`)
  }
  return `${text.toString()}\n`
}

function watchesByPath({ replica, server }: Asked): string {
  const idOf = new Map<unknown, string>()
  for (const connection of server.connections) idOf.set(connection, formatHex(connection.session?.id ?? 0n))
  const text = new BoundedText()
  for (const [path, watchers] of replica.watches.data.byPath()) {
    if (!text.hasRoom) break
    text.line(path)
    for (const watcher of watchers) text.line(`\t${idOf.get(watcher) ?? '0x0'}`)
  }
  return `${text.toString()}\n`
}

function setTraceMask({ server, argument }: Asked): string {
  server.trace.mask = new DataView(argument.buffer, argument.byteOffset, argument.length).getBigInt64(0)
  return `${server.trace.mask}`
}

function digests({ replica }: Asked): string {
  const lines = replica.applier.digests.map(([zxid, digest]) => `${zxid.toString(16)}: ${BigInt.asIntN(64, digest)}\n`)
  return lines.join('')
}
