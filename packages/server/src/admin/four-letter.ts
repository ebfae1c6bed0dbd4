/** Four-letter words: commands sent as the first four bytes of a connection (FourLetterCommands.java and siblings). */
import { formatHex } from '@lightkeeper/protocol'
import type { ClientListener } from '../transport/client-listener.ts'
import { version } from '../version.ts'

type Answer = (server: ClientListener) => string

const answers: Readonly<Record<string, Answer>> = {
  // Monitoring scripts compare the four bytes, so there is no newline. Only a restart helps where the log failed.
  ruok: ({ replica }) => (replica.logFailure === undefined ? 'imok' : 'the log failed; restart this server\n'),
  isro: ({ replica }) => (replica.logFailure === undefined ? 'rw' : 'ro'),
  srvr: (server) => `${versionLine()}\n${summary(server)}`,
  stat: (server) => `${versionLine()}\nClients:\n${bounded(connectionLines(server))}\n${summary(server)}`,
  mntr: (server) =>
    metrics(server)
      .map(([name, value]) => `zk_${name}\t${value}\n`)
      .join(''),
  conf: (server) => configuration(server),
  cons: (server) => `${bounded(connectionLines(server))}\n`,
  dump: (server) => bounded(sessionsAndEphemerals(server)),
  wchs: (server) => watchSummary(server),
  srst(server) {
    server.replica.stats.reset()
    return 'Server stats reset.\n'
  },
}

/** Words Apache knows and we do not answer yet; they must not be taken for the length of a frame. */
const known = new Set([...Object.keys(answers), 'crst', 'envi', 'dirs', 'wchc', 'wchp', 'gtmk', 'stmk', 'hash'])

/** Undefined when the four bytes are no command, but the length of a frame. */
export function answerFourLetterWord(word: string, server: ClientListener): string | undefined {
  if (!known.has(word)) return undefined
  const { fourLetterWordWhitelist: allowed } = server.config
  const answer = answers[word]
  // Scripts that come with Apache depend on srvr, so it is always answered there.
  if (answer === undefined || !(word === 'srvr' || allowed.includes('*') || allowed.includes(word))) {
    return `${word} is not executed because it is not in the whitelist.\n`
  }
  return answer(server)
}

/** Apache counts the root twice, since it stands under two paths there. */
function znodeCount({ replica }: ClientListener): number {
  return replica.tree.nodes.size + 1
}

function mode({ replica }: ClientListener): string {
  return replica.logFailure === undefined ? 'standalone' : 'read-only'
}

function versionLine(): string {
  return `Zookeeper version: ${version}`
}

function summary(server: ClientListener): string {
  const { replica } = server
  const { stats } = replica
  return [
    `Latency min/avg/max: ${whole(stats.latencyMin)}/${stats.latencyAverage.toFixed(4)}/${whole(stats.latencyMax)}`,
    `Received: ${stats.received}`,
    `Sent: ${stats.sent}`,
    `Connections: ${server.connections.size}`,
    `Outstanding: ${replica.outstanding}`,
    `Zxid: ${formatHex(replica.lastZxid)}`,
    `Mode: ${mode(server)}`,
    `Node count: ${znodeCount(server)}`,
    '',
  ].join('\n')
}

function metrics(server: ClientListener): [name: string, value: string | number][] {
  const { replica } = server
  const { stats, tree, watches, sessions } = replica
  return [
    ['version', version],
    ['server_state', mode(server)],
    ['avg_latency', stats.latencyAverage.toFixed(4)],
    ['max_latency', whole(stats.latencyMax)],
    ['min_latency', whole(stats.latencyMin)],
    ['packets_received', stats.received],
    ['packets_sent', stats.sent],
    ['num_alive_connections', server.connections.size],
    ['outstanding_requests', replica.outstanding],
    ['znode_count', znodeCount(server)],
    ['watch_count', watches.data.size + watches.children.size],
    ['ephemerals_count', tree.ephemeralCount],
    ['approximate_data_size', tree.dataSize],
    ['global_sessions', sessions.size],
  ]
}

function configuration({ config }: ClientListener): string {
  const lines = {
    clientPort: config.clientPort,
    secureClientPort: -1,
    dataDir: config.dataDir ?? '',
    dataLogDir: config.dataLogDir ?? config.dataDir ?? '',
    tickTime: config.tickTime,
    maxClientCnxns: config.maxClientCnxns,
    minSessionTimeout: config.minSessionTimeout,
    maxSessionTimeout: config.maxSessionTimeout,
    clientPortListenBacklog: config.clientPortListenBacklog,
    serverId: 0,
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** Characters of an answer; what is longer is cut off, and says so. */
const answerMax = 1 << 20

function bounded(lines: Iterable<string>): string {
  let text = ''
  for (const line of lines) {
    if (text.length + line.length > answerMax) return `${text}... cut off, there is more\n`
    text += line
  }
  return text
}

function* connectionLines(server: ClientListener): Generator<string> {
  for (const { remote, unanswered, received, sent } of server.connections) {
    yield ` /${remote}[1](queued=${unanswered.length},recved=${received},sent=${sent})\n`
  }
}

function* sessionsAndEphemerals({ replica }: ClientListener): Generator<string> {
  yield `SessionTracker dump:\nGlobal Sessions(${replica.sessions.size}):\n`
  for (const session of replica.sessions.values()) yield `${formatHex(session.id)}\t${session.timeoutMs}ms\n`
  const owners = replica.tree.ephemerals()
  yield `ephemeral nodes dump:\nSessions with Ephemerals (${owners.size}):\n`
  for (const [session, paths] of owners) {
    yield `${formatHex(session)}:\n`
    for (const path of paths) yield `\t${path}\n`
  }
}

function watchSummary({ replica }: ClientListener): string {
  const { data } = replica.watches
  return `${data.watcherCount} connections watching ${data.pathCount} paths\nTotal watches:${data.size}\n`
}

function whole(value: number): number {
  return Math.round(value)
}
