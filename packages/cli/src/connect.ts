/** From the common options, the environment and a profile to a client. */
import { readFileSync } from 'node:fs'
import type { AuthOption, Client, ConnectOptions, SaslMechanism, TlsOptions, ZnodePath } from '@lightkeeper/client'
import { type Connecting, type Kind, type Option, UsageError } from './command.ts'
import { connectingDefaults, connectingOptions, secretSettings, variableOf } from './connecting.ts'
import { identity, yesNo } from './kinds.ts'
import { valueOf } from './parse.ts'
import { isOpenToOthers, type Profile, readProfile } from './profile.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where and how a command connects. */
export interface Connection {
  /** The connect string, with the chroot. */
  readonly target: string
  /** Whether the command line, the environment or the profile names servers; otherwise `target` is the default. */
  readonly isNamed: boolean
  readonly options: ConnectOptions
  /** The admin port of one of the servers. */
  readonly admin: URL | undefined
  /** What a command that this one runs needs in its environment to connect in the same way; it has no secrets. */
  readonly environment: Readonly<Record<string, string>>
}

/** All settings by name. Those that are files are relative to the file of profiles where they come from there. */
const settings: Readonly<Record<string, Option<unknown>>> = { ...connectingOptions, ...secretSettings }
const profileKeys = Object.keys(settings).filter((name) => name !== 'profile')

/** Two ways to say one thing: where a source says one, sources below it say neither. */
const alternatives = [
  ['auth', 'auth-file'],
  ['sasl-password', 'sasl-password-file'],
  ['tls-key-password', 'tls-key-password-file'],
] as const

type Values = Readonly<Record<string, unknown>>

/**
 * The command line counts most. A profile that it names comes next, and then the environment says nothing of connections. Without one,
 * the environment comes next, then the profile that the environment names, then the defaults.
 * @throws UsageError for what is wrong in any of them; nothing is sent then.
 */
export async function connectionOf(given: Connecting, environment: Environment = process.env): Promise<Connection> {
  const sources: Values[] = [given]
  const named = given['profile'] as string | undefined
  const byVariable = environment[variableOf('profile')] || undefined
  if (named === undefined) sources.push(await fromEnvironment(environment))
  const profileName = named ?? byVariable
  if (profileName !== undefined) sources.push(await fromProfile(profileName, environment))
  const values = merged(sources)
  const target = await targetOf(values)
  const tls = tlsOf(values)
  const sasl = await saslOf(values)
  const auth = await authOf(values)
  const timeout = values['timeout'] as number | undefined
  const connectTimeout = (values['connect-timeout'] as number | undefined) ?? timeout
  const sessionTimeout = values['session-timeout'] as number | undefined
  return {
    target,
    isNamed: values['server'] !== undefined,
    options: {
      sessionTimeout: sessionTimeout ?? Number(connectingDefaults['session-timeout']),
      connectTimeout: connectTimeout ?? Number(connectingDefaults['connect-timeout']),
      ...(timeout !== undefined && { requestTimeout: timeout }),
      ...(auth.length > 0 && { auth }),
      ...(tls !== undefined && { tls }),
      ...(sasl !== undefined && { sasl }),
    },
    admin: values['admin'] as URL | undefined,
    environment: passedOn(given, environment, target),
  }
}

/** @throws UsageError for wrong options; otherwise the errors of `connect`, with the causes in the message. */
export async function connectTo(given: Connecting, more: ConnectOptions = {}): Promise<Client> {
  const { target, options } = await connectionOf(given)
  return connectBy({ target, options }, more)
}

/** The same for a connection that is known. */
export async function connectBy(
  { target, options }: Pick<Connection, 'target' | 'options'>,
  more: ConnectOptions = {},
): Promise<Client> {
  const { connect } = await import('@lightkeeper/client')
  try {
    return await connect(target, { ...options, ...more })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--server: ${error.message}`)
    if (error instanceof AggregateError) throw new Error(`cannot connect to ${target}: ${error.message}`)
    throw error
  }
}

/** The path that the server has for `path`: behind the chroot. */
export async function pathOnServer({ target }: Pick<Connection, 'target'>, path: ZnodePath): Promise<ZnodePath> {
  const { parseConnectString } = await import('@lightkeeper/client/arguments')
  const { chroot } = parseConnectString(target)
  return (path === '/' ? chroot || '/' : `${chroot}${path}`) as ZnodePath
}

function merged(sources: readonly Values[]): Values {
  const values: Record<string, unknown> = {}
  for (const source of sources) {
    const settled = new Set<string>(
      alternatives.filter((pair) => pair.some((each) => values[each] !== undefined)).flat(),
    )
    // A chroot behind the servers belongs to them, so one from a source below does not count.
    if (hasChroot(values['server'])) settled.add('chroot')
    for (const [name, value] of Object.entries(source)) {
      if (value !== undefined && values[name] === undefined && !settled.has(name)) values[name] = value
    }
  }
  return values
}

function hasChroot(server: unknown): boolean {
  return typeof server === 'string' && server.replace('dns-srv://', '').includes('/')
}

/** The settings of the environment, checked. An empty variable counts as none. */
async function fromEnvironment(environment: Environment): Promise<Values> {
  const values: Record<string, unknown> = {}
  for (const name of profileKeys) {
    const variable = variableOf(name)
    const text = environment[variable]
    if (!text) continue
    const texts = settings[name]?.isMany ? text.split('\n').filter((line) => line !== '') : [text]
    values[name] = await settingOf(name, `$${variable}`, texts)
  }
  return values
}

async function fromProfile(name: string, environment: Environment): Promise<Values> {
  const profile: Profile = await readProfile(name, environment, profileKeys)
  const hasSecret = ['auth', ...Object.keys(secretSettings)].some((key) => profile.settings[key] !== undefined)
  if (hasSecret && isOpenToOthers(environment)) {
    process.stderr.write(`lightkeeper: others may read the ${profile.place}, and it has a password: chmod 600 it\n`)
  }
  const values: Record<string, unknown> = {}
  for (const [key, texts] of Object.entries(profile.settings)) {
    const isFile = settings[key]?.kind?.complete === 'file'
    const absolute = isFile ? texts.map(profile.fileOf) : texts
    values[key] = await settingOf(key, `${key} of ${profile.place}`, absolute)
  }
  return values
}

async function settingOf(name: string, shown: string, texts: readonly string[]): Promise<unknown> {
  const { kind = yesNo, isMany } = settings[name] as Option<unknown>
  const read = []
  for (const text of texts) read.push(await valueOf(shown, kind as Kind<unknown>, text))
  if (isMany) return read
  if (read.length !== 1) throw new UsageError(`${shown} takes one value, and got ${read.length}`)
  return read[0]
}

async function targetOf(values: Values): Promise<string> {
  const server = (values['server'] as string | undefined) ?? (connectingDefaults['server'] as string)
  const chroot = values['chroot'] as string | undefined
  if (chroot === undefined) return server
  const { parseConnectString } = await import('@lightkeeper/client/arguments')
  const { servers, service } = parseConnectString(server)
  const hosts = service === undefined ? servers.join(',') : `srv:${service}`
  return chroot === '/' ? hosts : `${hosts}${chroot}`
}

function tlsOf(values: Values): ConnectOptions['tls'] {
  const { 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key } = values as Record<string, string | undefined>
  const passwordFile = values['tls-key-password-file'] as string | undefined
  if (values['tls'] === false) return undefined
  if (values['tls'] === undefined && ca === undefined && cert === undefined && key === undefined) return undefined
  if (key !== undefined && cert === undefined) throw new UsageError('--tls-key needs --tls-cert too')
  // Files are read before each connection, so that a command that runs for long takes over a renewed certificate.
  const read = (): TlsOptions => {
    const passphrase = secretFrom(values, 'tls-key-password', passwordFile)
    const own = cert === undefined ? undefined : bytesOf('--tls-cert', cert)
    const isPem = own?.includes('-----BEGIN') ?? false
    if (own !== undefined && isPem && key === undefined && !own.includes('PRIVATE KEY')) {
      throw new UsageError(`--tls-cert needs --tls-key too: ${cert} has no key`)
    }
    return {
      ...(ca !== undefined && { ca: bytesOf('--tls-ca', ca) }),
      ...(own !== undefined && (isPem ? { cert: own } : { pfx: own })),
      ...(isPem && { key: key === undefined ? own : bytesOf('--tls-key', key) }),
      ...(passphrase !== undefined && { passphrase }),
      ...(values['tls-any-host'] === true && { checkServerIdentity: () => undefined }),
    }
  }
  checkTls(read(), ca)
  return read
}

/** A wrong file would otherwise be found only when a server answers. */
function checkTls(options: TlsOptions, ca: string | undefined): void {
  if (ca !== undefined && !options.ca?.toString().includes('-----BEGIN CERTIFICATE-----')) {
    throw new UsageError(`--tls-ca must be a file with certificates in PEM; ${ca} has none`)
  }
}

async function saslOf(values: Values): Promise<SaslMechanism | undefined> {
  const username = values['sasl-user'] as string | undefined
  const file = values['sasl-password-file'] as string | undefined
  const mechanism = values['sasl'] ?? (username === undefined ? undefined : 'digest-md5')
  if (mechanism === undefined) return undefined
  if (mechanism === 'gssapi') return gssapi()
  const password = secretFrom(values, 'sasl-password', file)
  if (username === undefined) throw new UsageError('--sasl digest-md5 needs --sasl-user USER')
  if (password === undefined) {
    throw new UsageError(
      '--sasl digest-md5 needs --sasl-password-file FILE, or the password in LIGHTKEEPER_SASL_PASSWORD',
    )
  }
  const { digestMd5 } = await import('@lightkeeper/client')
  return digestMd5({ username, password })
}

/** The package is installed by those who need Kerberos, because it has native code. */
async function gssapi(): Promise<SaslMechanism> {
  const name = '@lightkeeper/gssapi'
  try {
    const loaded = (await import(name)) as { readonly gssapi: () => SaslMechanism }
    return loaded.gssapi()
  } catch (error) {
    throw new UsageError(`--sasl gssapi needs the packages ${name} and kerberos: ${(error as Error).message}`)
  }
}

async function authOf(values: Values): Promise<readonly AuthOption[]> {
  const given = (values['auth'] as readonly AuthOption[] | undefined) ?? []
  const file = values['auth-file'] as string | undefined
  if (file === undefined) return given
  const lines = bytesOf('--auth-file', file).toString('utf8').split(/\r?\n/)
  const read: AuthOption[] = []
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    read.push(await valueOf(`--auth-file ${file}, line ${i + 1}`, identity, line))
  }
  if (read.length === 0) throw new UsageError(`--auth-file ${file} has no line like digest:USER:PASSWORD`)
  return [...given, ...read]
}

/** A password from a setting or from the first line of a file. */
function secretFrom(values: Values, name: keyof typeof secretSettings, file: string | undefined): string | undefined {
  const direct = values[name] as string | undefined
  if (file === undefined) return direct
  if (direct !== undefined) throw new UsageError(`${name} and ${name}-file say the same; remove one of them`)
  const [line = ''] = bytesOf(`--${name}-file`, file).toString('utf8').split(/\r?\n/)
  if (line === '') throw new UsageError(`--${name}-file: the first line of ${file} is empty`)
  return line
}

function bytesOf(option: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`${option} must be a file that can be read, not "${file}": ${(error as Error).message}`)
  }
}

/** The settings for a command that this one runs. What the command line says must not meet other settings of the environment. */
function passedOn(given: Connecting, environment: Environment, target: string): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {}
  const isByProfile = given['profile'] !== undefined
  for (const name of Object.keys(settings)) {
    const variable = variableOf(name)
    const value = given[name]
    if (value !== undefined && name !== 'auth') passed[variable] = String(value)
    else if (isByProfile && environment[variable]) passed[variable] = ''
  }
  return { ...passed, [variableOf('server')]: target, [variableOf('chroot')]: given['chroot'] === '/' ? '/' : '' }
}
