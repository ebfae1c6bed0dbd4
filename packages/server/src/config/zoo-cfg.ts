/** zoo.cfg: Java properties, and what its keys are called here (QuorumPeerConfig.java). */
import { ConfigError, type ServerOptions } from './config.ts'

export interface ZooCfg {
  readonly options: ServerOptions
  /** Keys Apache has and that change nothing here: worth a line at start. */
  readonly ignored: readonly string[]
}

type Convert = (value: string, key: string) => string | number | boolean

const number: Convert = (value, key) => {
  if (!/^-?\d+$/.test(value)) throw new ConfigError(key, value, 'an integer')
  return Number(value)
}
const flag: Convert = (value, key) => {
  if (value === 'true' || value === 'false') return value === 'true'
  throw new ConfigError(key, value, 'true or false')
}
const yesNo: Convert = (value) => value === 'yes' || value === 'true'
const text: Convert = (value) => value

const keys: Readonly<Record<string, readonly [keyof ServerOptions, Convert]>> = {
  clientPort: ['clientPort', number],
  clientPortAddress: ['clientPortAddress', text],
  clientPortListenBacklog: ['clientPortListenBacklog', number],
  dataDir: ['dataDir', text],
  dataLogDir: ['dataLogDir', text],
  forceSync: ['forceSync', (value) => value !== 'no'],
  snapCount: ['snapCount', number],
  snapSizeLimitInKb: ['snapSizeLimitInKb', number],
  preAllocSize: ['preAllocSize', number],
  'snapshot.compression.method': ['snapshotCompression', (value) => (value === '' ? 'none' : value)],
  'digest.enabled': ['digestEnabled', flag],
  'autopurge.snapRetainCount': ['autopurgeSnapRetainCount', number],
  'autopurge.purgeInterval': ['autopurgePurgeInterval', number],
  tickTime: ['tickTime', number],
  minSessionTimeout: ['minSessionTimeout', number],
  maxSessionTimeout: ['maxSessionTimeout', number],
  maxClientCnxns: ['maxClientCnxns', number],
  maxCnxns: ['maxCnxns', number],
  globalOutstandingLimit: ['globalOutstandingLimit', number],
  connectionOutstandingLimit: ['connectionOutstandingLimit', number],
  slowReaderPauseBytes: ['slowReaderPauseBytes', number],
  slowReaderCutBytes: ['slowReaderCutBytes', number],
  heldReplyBytes: ['heldReplyBytes', number],
  maxReplyBytes: ['maxReplyBytes', number],
  maxMultiOperations: ['maxMultiOperations', number],
  maxIdentities: ['maxIdentities', number],
  maxCnxnWatches: ['maxCnxnWatches', number],
  maxCnxnWatchBytes: ['maxCnxnWatchBytes', number],
  maxWatchBytes: ['maxWatchBytes', number],
  'jute.maxbuffer': ['juteMaxbuffer', number],
  'nio.sessionlessCnxnTimeout': ['sessionlessCnxnTimeout', number],
  extendedTypesEnabled: ['extendedTypesEnabled', flag],
  enforceQuota: ['enforceQuota', flag],
  skipACL: ['skipACL', yesNo],
  'DigestAuthenticationProvider.superDigest': ['superDigest', text],
  reconfigEnabled: ['reconfigEnabled', flag],
  '4lw.commands.whitelist': ['fourLetterWordWhitelist', text],
  'znode.container.checkIntervalMs': ['znodeContainerCheckIntervalMs', number],
  'znode.container.maxNeverUsedIntervalMs': ['znodeContainerMaxNeverUsedIntervalMs', number],
}

/**
 * Reads the text of a zoo.cfg. `sessionTimeout` values of -1 mean the default, as in Apache.
 * @throws ConfigError naming the key whose value cannot be used.
 */
export function parseZooCfg(content: string): ZooCfg {
  return optionsOf(parseProperties(content))
}

/** The same for `key=value` pairs from elsewhere, a command line for example. */
export function optionsOf(pairs: Iterable<readonly [key: string, value: string]>): ZooCfg {
  const options: Record<string, string | number | boolean> = {}
  const ignored: string[] = []
  const members: string[] = []
  for (const [given, value] of pairs) {
    const key = given.startsWith('zookeeper.') ? given.slice('zookeeper.'.length) : given
    const row = keys[key]
    if (/^server\.\d+$/.test(key)) members.push(`${given}=${value}`)
    if (row === undefined) ignored.push(given)
    else if (!(value === '-1' && /^(min|max)SessionTimeout$/.test(key))) options[row[0]] = row[1](value, key)
  }
  // With one line Apache stands alone too. A member's data must not be served by a server that knows nothing of the others.
  if (members.length > 1) {
    throw new ConfigError(
      'server.N',
      members.join(' '),
      'one line at the most: this server stands alone, in no ensemble',
    )
  }
  return { options: options as ServerOptions, ignored }
}

/** Java's properties format, as far as configuration files use it: comments, `=` or `:`, escapes, continued lines. */
function* parseProperties(content: string): Generator<[key: string, value: string]> {
  const lines = content.split(/\r\n|\n|\r/)
  for (let i = 0; i < lines.length; i++) {
    let line = (lines[i] as string).trimStart()
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue
    while (/(^|[^\\])(\\\\)*\\$/.test(line) && i + 1 < lines.length) {
      line = line.slice(0, -1) + (lines[++i] as string).trimStart()
    }
    const match = /^((?:\\.|[^\\=:\s])+)\s*[=:\s]?\s*(.*)$/.exec(line)
    if (match !== null) yield [unescape(match[1] as string), unescape((match[2] as string).trim())]
  }
}

function unescape(value: string): string {
  return value.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_all, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return { n: '\n', t: '\t', r: '\r', f: '\f' }[escaped] ?? escaped
  })
}
