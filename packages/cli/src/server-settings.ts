/**
 * Settings of `lightkeeper server`: flags of a Java machine, overridden by a zoo.cfg, overridden by the command line; and warnings
 * about settings with another effect than in Apache.
 */
import { readFileSync } from 'node:fs'
import type { ServerOptions } from '@lightkeeper/server'

export interface ServerFlags {
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly 'data-dir'?: string | undefined
  readonly 'in-memory'?: boolean | undefined
  readonly 'accept-loss'?: boolean | undefined
  readonly verbose?: boolean | undefined
  /** `key=value`. */
  readonly set?: readonly string[] | undefined
  /** `-Dname=value`, without `-D`. */
  readonly define?: readonly string[] | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

export interface ServerSettings {
  readonly options: ServerOptions
  /** Where each option comes from, as a message shows it. */
  readonly origins: ReadonlyMap<string, string>
  /** Worth a line each at start. */
  readonly warnings: readonly { readonly message: string; readonly facts?: Readonly<Record<string, string>> }[]
}

/**
 * Reads `file`, if there is one, and the files that it may name.
 * @throws ConfigError naming every key that cannot be used.
 */
export async function serverSettings(
  file: string | undefined,
  flags: ServerFlags,
  environment: Environment = process.env,
): Promise<ServerSettings> {
  const { ConfigError, optionsOf, parseZooCfg } = await import('@lightkeeper/server')
  const warnings: { message: string; facts?: Readonly<Record<string, string>> }[] = []
  const more = pairsOf(flags.set ?? [])
  const sources = { jvmFlags: jvmFlags(flags, environment), readFile: readText, dataDir: flags['data-dir'] }
  const cfg =
    file === undefined ? optionsOf(more, sources) : parseZooCfg(readText(file), { ...sources, name: file, more })
  for (const note of cfg.notes) warnings.push({ message: note })
  if (cfg.unknown.length > 0) {
    warnings.push({ message: 'no such settings, nothing came of them', facts: { keys: cfg.unknown.join(' ') } })
  }
  if (cfg.ignored.length > 0) {
    warnings.push({ message: 'settings have no effect on this server', facts: { keys: cfg.ignored.join(' ') } })
  }
  const origins = new Map(cfg.origins)
  const given: Record<string, unknown> = { ...cfg.options }
  for (const [option, value, flag] of optionsOfFlags(flags)) {
    given[option] = value
    origins.set(option, flag)
  }
  given['logLevel'] ??= 'info'
  // As in Apache 3.9, where a file that says nothing of it has the admin pages; here they are on this machine alone.
  if (file !== undefined && given['adminEnableServer'] === undefined) {
    given['adminEnableServer'] = true
    origins.set('adminEnableServer', 'default of a zoo.cfg')
  }
  const options: ServerOptions = given
  if (options.acceptLoss === true && options.members !== undefined) {
    warnings.push({ message: '--accept-loss has no effect on a member: it gets what is lost from its leader' })
  }
  if (file !== undefined) {
    // As in Apache: a server that loses its data with the process must be requested; a misspelt key must not lead to
    // one.
    if (options.dataDir === undefined && !flags['in-memory']) {
      throw ConfigError.refused('dataDir', `is not set in ${file}; --data-dir D or --in-memory say where data is kept`)
    }
    if (cfg.options.clientPortAddress !== undefined && options.clientPort === undefined) {
      throw ConfigError.refused('clientPort', `is not set in ${file}, and clientPortAddress is`)
    }
    const isSecure = options.secureClientPort !== undefined
    const addresses = [
      ...(options.clientPortAddress !== undefined || (isSecure && options.clientPort === undefined)
        ? []
        : ['clientPortAddress']),
      ...(isSecure && options.secureClientPortAddress === undefined ? ['secureClientPortAddress'] : []),
    ]
    if (addresses.length > 0) {
      const where = addresses.join(' and ')
      const verb = addresses.length > 1 ? 'say' : 'says'
      const message =
        options.clientPort === undefined && !isSecure
          ? 'no clientPort is set: listening on 127.0.0.1:2181, where Apache accepts no clients'
          : `listening on 127.0.0.1 alone, where Apache listens on all addresses; ${where} ${verb} where`
      warnings.push({ message })
    }
    const path = [options.dataDir, options.dataLogDir].find((each) => each !== undefined && /[^\0-\x7f]/.test(each))
    if (path !== undefined && flags['data-dir'] !== path) {
      const message = 'the file is read as ISO 8859-1, as in Apache; other letters are written \\u00fc'
      warnings.push({ message, facts: { directory: path } })
    }
  }
  if (!flags['in-memory']) return { options, origins, warnings }
  for (const option of ['dataDir', 'dataLogDir']) origins.set(option, '--in-memory')
  return { options: { ...options, dataDir: undefined, dataLogDir: undefined }, origins, warnings }
}

/** What the options of the command line set, each under its own name. */
function optionsOfFlags(flags: ServerFlags): [option: keyof ServerOptions, value: unknown, flag: string][] {
  const given: [keyof ServerOptions, unknown, string][] = []
  if (flags.port !== undefined) given.push(['clientPort', flags.port, '--port'])
  if (flags.host !== undefined) given.push(['clientPortAddress', flags.host, '--host'])
  if (flags['data-dir'] !== undefined) given.push(['dataDir', flags['data-dir'], '--data-dir'])
  if (flags['accept-loss']) given.push(['acceptLoss', true, '--accept-loss'])
  if (flags.verbose) given.push(['logLevel', 'debug', '--verbose'])
  return given
}

/** The flags that zkServer.sh passes to Java, in its order; a later one counts more. */
function jvmFlags({ define = [] }: ServerFlags, environment: Environment): [name: string, flags: string][] {
  const variables = ['SERVER_JVMFLAGS', 'JVMFLAGS'].map((name): [string, string] => [name, environment[name] ?? ''])
  return [...variables, ['the command line', define.map((each) => `-D${each}`).join(' ')]]
}

function pairsOf(settings: readonly string[]): [key: string, value: string][] {
  return settings.map((pair) => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
}

/** Java reads these files as ISO 8859-1. A byte order mark, which editors put in front, is left out. */
function readText(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`)
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new Error(`cannot read ${file}: it is UTF-16; save it as plain text`)
  }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return bytes.toString('latin1', hasMark ? 3 : 0)
}
