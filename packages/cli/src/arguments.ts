/** Arguments that all commands with a connection share, and the errors for wrong ones. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type Client, type ConnectOptions, connect, type ZnodePath } from '@lightkeeper/client'
import { pathProblem } from '@lightkeeper/protocol'
import { nearestName, parseHost } from '@lightkeeper/runtime'
import { UsageError } from './command.ts'

/** The commands that run another command set it too. */
const defaultServer = process.env['LIGHTKEEPER_SERVER'] || '127.0.0.1:2181'

/** The options of every command that connects. */
export const connecting = {
  server: { type: 'string', short: 's', default: defaultServer },
  'session-timeout': { type: 'string', default: '30000' },
  'connect-timeout': { type: 'string', default: '10000' },
  json: { type: 'boolean', default: false },
} as const

/** The lines of `--help` for them; `json` is what `--json` does. */
export function connectingUsage(json: string): string {
  return `  -s, --server HOSTS    host:port,host:port…[/chroot] (default: $LIGHTKEEPER_SERVER, else 127.0.0.1:2181)
  --session-timeout MS  to ask for; the server may grant another (default: 30000)
  --connect-timeout MS  until it gives up finding a server (default: 10000)
  --json                ${json}
`
}

type Options = NonNullable<ParseArgsConfig['options']>

interface Parsed<O extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ readonly options: O }>>['values']
  readonly positionals: readonly string[]
  /** The arguments after `--`; undefined without `--`. */
  readonly command: readonly string[] | undefined
}

/** Splits the arguments at `--`, which is followed by a command, and parses those before it. */
export function parse<const O extends Options>(name: string, args: readonly string[], options: O): Parsed<O> {
  const at = args.indexOf('--')
  const own = at === -1 ? args : args.slice(0, at)
  const { values, positionals } = parseAll(name, own, options)
  return { values, positionals, command: at === -1 ? undefined : args.slice(at + 1) }
}

/** `parseArgs`, with errors for wrong usage. */
export function parseAll<const O extends Options>(
  name: string,
  args: readonly string[],
  options: O,
): Omit<Parsed<O>, 'command'> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (error) {
    throw wrongOptions(name, error, options)
  }
}

/** The error for what `parseArgs` refused, with the option that was probably meant. */
function wrongOptions(name: string, error: unknown, options: Options): UsageError {
  const { message } = error as Error
  const unknown = /^Unknown option '(-[^']*)'/.exec(message)?.[1]
  const nearest = unknown === undefined ? undefined : nearestName(unknown.replace(/^-+/, ''), Object.keys(options))
  const said = unknown === undefined ? message : `no option ${unknown}`
  const meant = nearest === undefined ? '' : `; did you mean --${nearest}?`
  return new UsageError(`${said}${meant}; see lightkeeper ${name} --help`)
}

/** The one argument that is a path. */
export function pathArgument(positionals: readonly string[]): ZnodePath {
  const [path, ...more] = positionals
  if (path === undefined) throw new UsageError('wants the path of a znode, like /locks/report')
  if (more.length > 0) throw new UsageError(`wants one path, got ${positionals.join(' ')}; a command stands behind --`)
  return checkPath('PATH', path)
}

export function checkPath(what: string, path: string): ZnodePath {
  const problem = pathProblem(path)
  if (problem !== undefined) throw new UsageError(`${what} "${path}": ${problem}`)
  return path as ZnodePath
}

/** Checks the host of an address, without a port: a name, or an IPv4 or IPv6 address. */
export function checkHost(option: string, text: string): void {
  try {
    parseHost(text)
  } catch (error) {
    throw new UsageError(`${option} wants a host: ${(error as Error).message}`)
  }
}

/** A whole number within bounds. */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${option} wants a whole number from ${min} to ${max}, got "${text}"`)
}

/** Timers count up to 24 days; a longer one would end at once. */
export function milliseconds(option: string, text: string, min = 0): number {
  return wholeNumber(option, text, min, 0x7fff_ffff)
}

interface Connecting {
  readonly server: string
  readonly 'session-timeout': string
  readonly 'connect-timeout': string
}

/**
 * @throws UsageError for a wrong connect string; otherwise the errors of `connect`, with the causes in the message.
 */
export async function connectTo(values: Connecting, options: ConnectOptions = {}): Promise<Client> {
  const sessionTimeout = milliseconds('--session-timeout', values['session-timeout'], 1)
  const connectTimeout = milliseconds('--connect-timeout', values['connect-timeout'], 1)
  try {
    return await connect(values.server, { sessionTimeout, connectTimeout, ...options })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--server: ${error.message}`)
    if (error instanceof AggregateError) throw new Error(`cannot connect to ${values.server}: ${error.message}`)
    throw error
  }
}
