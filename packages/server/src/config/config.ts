/** Settings of a server: names and defaults of zoo.cfg in camel case, all checked before anything is opened. */
import { nearestName } from '@lightkeeper/runtime'
import { ConfigError, describe, Problems } from './config-error.ts'
import type { AdminOptions, admin } from './keys/admin.ts'
import type { AuthOptions, auth } from './keys/auth.ts'
import type { EnsembleOptions, ensemble } from './keys/ensemble.ts'
import type { LimitOptions, limits } from './keys/limits.ts'
import type { ListeningOptions, listening } from './keys/listening.ts'
import type { LogOptions, log } from './keys/log.ts'
import type { SessionOptions, sessions } from './keys/sessions.ts'
import type { DataOptions, storage } from './keys/storage.ts'
import type { TlsPortOptions, tls } from './keys/tls.ts'
import type { ZnodeOptions, znodes } from './keys/znodes.ts'
import { aliases, rooms, settings } from './rooms.ts'
import type { ConfigOf } from './setting.ts'

/** What `startServer` takes. Whatever is left out or undefined has its default. */
export interface ServerOptions
  extends ListeningOptions,
    DataOptions,
    SessionOptions,
    TlsPortOptions,
    LimitOptions,
    ZnodeOptions,
    AuthOptions,
    AdminOptions,
    LogOptions,
    EnsembleOptions {}

/** What a server works with: every setting, checked. */
export interface ServerConfig
  extends ConfigOf<typeof listening.settings>,
    ConfigOf<typeof storage.settings>,
    ConfigOf<typeof sessions.settings>,
    ConfigOf<typeof limits.settings>,
    ConfigOf<typeof tls.settings>,
    ConfigOf<typeof znodes.settings>,
    ConfigOf<typeof auth.settings>,
    ConfigOf<typeof admin.settings>,
    ConfigOf<typeof log.settings>,
    ConfigOf<typeof ensemble.settings> {}

/**
 * Checks options and fills in defaults. `wall` is the time of the start, milliseconds since 1970. `kept` has settings, by name, that
 * have this value whatever the options say.
 * @throws ConfigError that names every setting that cannot be used.
 */
export function resolveConfig(
  options: ServerOptions,
  wall: number,
  kept: ReadonlyMap<string, unknown> = new Map(),
): ServerConfig {
  const problems = new Problems()
  const given = read(options, problems)
  const values: Record<string, unknown> = {}
  const known = { wall, value: (name: string) => values[name] }
  for (const room of rooms) {
    const before = problems.length
    for (const [option, setting] of Object.entries(room.settings)) {
      const { name = option, value } = given.get(option) ?? {}
      if (kept.has(option)) values[option] = kept.get(option)
      else if (value === undefined) values[option] = setting.defaultOf(known)
      else values[option] = problems.try(() => setting.check(value, name))
    }
    if (problems.length === before) problems.try(() => room.check?.(values))
  }
  problems.throwAny()
  // Every row of every room was resolved. V8 made a hash table of the object while it grew; its copy is read faster.
  return { ...values } as unknown as ServerConfig
}

/** What was given, by the long name of the option, with the name under which it was given. */
type Given = ReadonlyMap<string, { readonly name: string; readonly value: unknown }>

/** Reads every option once. @throws ConfigError for what is no object of options. */
function read(options: unknown, problems: Problems): Given {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError('options', options, 'an object; see ServerOptions')
  }
  const given = new Map<string, { name: string; value: unknown }>()
  for (const name of namesOf(options)) {
    const value = problems.try(() => valueOf(options, name))
    if (value === undefined) continue
    const option = aliases.get(name) ?? name
    const other = given.get(option)
    if (other !== undefined && other.value !== value) problems.try(() => refuseContradiction(name, value, other))
    given.set(option, { name, value })
  }
  return given
}

/** The value of an option. @throws ConfigError for an option that does not exist, or that cannot be read. */
function valueOf(options: object, name: string): unknown {
  if (!settings.has(name) && !aliases.has(name)) {
    const nearest = nearestName(name, [...settings.keys(), ...aliases.keys()])
    const hint = nearest === undefined ? 'see ServerOptions' : `did you mean ${nearest}?`
    throw ConfigError.refused(JSON.stringify(name).slice(1, -1).slice(0, 100), `is no such setting; ${hint}`)
  }
  let value: unknown
  try {
    value = (options as Record<string, unknown>)[name]
  } catch (error) {
    const problem = ConfigError.refused(name, 'cannot be read: its getter throws')
    problem.cause = error
    throw problem
  }
  if (value === null) throw new ConfigError(name, value, 'a value, or undefined for the default')
  return value
}

function namesOf(options: object): string[] {
  try {
    return Object.keys(options)
  } catch (error) {
    const problem = ConfigError.refused('options', 'cannot be read')
    problem.cause = error
    throw problem
  }
}

/** The short name and the long one must not say two things; the error names the short one. */
function refuseContradiction(
  name: string,
  value: unknown,
  other: { readonly name: string; readonly value: unknown },
): never {
  const [short, long] = aliases.has(name) ? [{ name, value }, other] : [other, { name, value }]
  throw new ConfigError(short.name, short.value, `what ${long.name} says, which is ${describe(long.value)}`)
}
