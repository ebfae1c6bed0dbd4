/** The options of `connect`, and what each must be. No error message contains a secret. */
import type { Runtime } from '@lightkeeper/runtime'
import type { SaslMechanism } from '../auth/sasl.ts'
import type { Tls } from '../auth/tls.ts'
import type { AuthOption, ConnectOptions, Credentials } from '../options.ts'
import {
  boolean,
  type Check,
  callable,
  interval,
  list,
  OptionSet,
  oneOf,
  secretText,
  signal,
  text,
  timeout,
  whole,
  withMethods,
  wrongType,
} from './checks.ts'
import { isBytes, steady } from './data.ts'
import { describeType } from './describe.ts'

const intMax = 0x7fff_ffff

/** Credentials, or a function that returns them. Bytes are copied, since every connection shows them again. */
export const credentials: Check<Credentials> = (value, name, operation) => {
  if (typeof value === 'function') return value as Credentials
  const own = plainCredentials(value)
  if (own !== undefined) return own
  const expected = 'well-formed text, a Uint8Array, or a function that gives one of them'
  throw new TypeError(`${operation}: ${name} must be ${expected}, not ${describeType(value)}`)
}

/** A credential that a server accepts; undefined for anything else. */
export function plainCredentials(value: unknown): string | Uint8Array | undefined {
  if (typeof value === 'string')
    return (value as string & { isWellFormed(): boolean }).isWellFormed() ? value : undefined
  return isBytes(value) ? steady(value, 'credentials', 'auth').slice() : undefined
}

/** Reads the two properties by name; they have no default. */
export const identity: Check<AuthOption> = (value, name, operation) => {
  const expected = '{ scheme, credentials }'
  if (typeof value !== 'object' || value === null) throw wrongType(operation, name, expected, value)
  const own = identities.check(value, name, operation)
  if (own.scheme === undefined || own.credentials === undefined) throw wrongType(operation, name, expected, value)
  return own
}
const identities = new OptionSet<AuthOption>({ scheme: text, credentials })

const tls: Check<Tls> = (value, name, operation) => {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (typeof value === 'boolean' || typeof value === 'function' || isObject) return value as Tls
  throw wrongType(operation, name, 'true, options of node:tls, or a function that gives them', value)
}

const mechanism = withMethods('a mechanism with name and start(), such as digestMd5()', 'start')
const sasl: Check<SaslMechanism> = (value, name, operation) => {
  const own = mechanism(value, name, operation) as SaslMechanism
  text(own.name, `${name}.name`, operation)
  return own
}

const servers = list(text, 'a list of servers, host:port each, or a function')
const preferred: Check<Exclude<ConnectOptions['preferred'], undefined>> = (value, name, operation) =>
  typeof value === 'function' ? (value as (server: string) => boolean) : servers(value, name, operation)

const patience = new OptionSet<{ readonly patience: number }>({ patience: timeout })
const heartbeatThread: Check<boolean | { readonly patience: number }> = (value, name, operation) => {
  if (typeof value === 'boolean') return value
  const own = patience.check(value, name, operation)
  if (own.patience === undefined) throw wrongType(operation, name, 'true, false or { patience: milliseconds }', value)
  return own
}

const runtime = new OptionSet<Partial<Runtime>>({
  clock: withMethods('a clock', 'now', 'wall', 'after', 'turnEnd'),
  random: withMethods('a source of chance', 'bytes', 'below'),
  network: withMethods('a network', 'connect'),
  http: withMethods('an HTTP server', 'listen'),
  disk: withMethods('a disk'),
  log: callable,
  machine: withMethods('a machine', 'facts', 'descriptors'),
  memory: withMethods('a memory', 'heap', 'collect'),
  trace: withMethods('a trace', 'channel', 'span'),
})

const backoff = new OptionSet<NonNullable<ConnectOptions['backoff']>>({ baseMs: interval, maxMs: interval })

const logLevel = oneOf('debug', 'info', 'warn', 'error')
const logOrLevel: Check<Exclude<ConnectOptions['log'], undefined>> = (value, name, operation) =>
  typeof value === 'function' ? callable(value, name, operation) : logLevel(value, name, operation)

export const connectOptions = new OptionSet<ConnectOptions>({
  sessionTimeout: whole('milliseconds', 1, intMax),
  connectTimeout: timeout,
  lazy: boolean,
  signal,
  attach: secretText,
  auth: list(identity, 'a list of { scheme, credentials }'),
  tls,
  sasl,
  onExpired: oneOf('renew', 'close'),
  preferred,
  rebalanceAfter: interval,
  heartbeatThread,
  readOnly: boolean,
  queueLimit: whole('requests', 0, Number.POSITIVE_INFINITY),
  requestTimeout: timeout,
  backoff: backoff.check,
  log: logOrLevel,
  requestBytesMax: whole('bytes', 1, intMax),
  replyBytesMax: whole('bytes', 1, intMax),
  runtime: runtime.check,
})
