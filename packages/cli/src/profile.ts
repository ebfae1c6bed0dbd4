/** The file of profiles: named sets of the common options. */
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { UsageError } from './command.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A profile: its settings as texts, or lists of texts. */
export interface Profile {
  readonly settings: Readonly<Record<string, readonly string[]>>
  /** The file and the name, for messages. */
  readonly place: string
  /** The absolute name of a file that the profile names: relative to the file of profiles, and `~` is the home directory. */
  readonly fileOf: (name: string) => string
}

/** Where profiles are: `$LIGHTKEEPER_PROFILES`, else `lightkeeper/profiles.json` in the user's folder of configurations. */
export function profilesFile(environment: Environment): string {
  const given = environment['LIGHTKEEPER_PROFILES']
  if (given) return given
  return join(environment['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'lightkeeper', 'profiles.json')
}

/** @throws UsageError where the file cannot be read, or has no such profile. */
export async function readProfile(name: string, environment: Environment, known: readonly string[]): Promise<Profile> {
  const file = profilesFile(environment)
  const profiles = parsed(file)
  const profile = profiles[name]
  const { nearestName } = await import('@lightkeeper/runtime')
  if (profile === undefined) {
    const names = Object.keys(profiles)
    const nearest = nearestName(name, names)
    const hint = nearest === undefined ? `it has ${names.join(', ') || 'none'}` : `did you mean ${nearest}?`
    throw new UsageError(`--profile: ${file} has no profile "${name}"; ${hint}`)
  }
  const place = `profile ${name} in ${file}`
  if (!isObject(profile)) throw new UsageError(`${place}: an object is expected, like {"server": "host:2181"}`)
  const settings: Record<string, readonly string[]> = {}
  for (const [key, value] of Object.entries(profile)) {
    if (!known.includes(key)) {
      const nearest = nearestName(key, known)
      const meant = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`
      throw new UsageError(`${place}: no option ${key}; ${meant}`)
    }
    const texts = Array.isArray(value) ? value : [value]
    if (!texts.every((each) => ['string', 'number', 'boolean'].includes(typeof each))) {
      throw new UsageError(`${place}: ${key} must be a text, a number, true or false, or a list of them`)
    }
    settings[key] = texts.map(String)
  }
  return { settings, place, fileOf: (given) => absolute(given, dirname(resolve(file))) }
}

/** The names of all profiles; empty where the file cannot be read. */
export function profileNames(environment: Environment): readonly string[] {
  try {
    return Object.keys(parsed(profilesFile(environment)))
  } catch {
    return []
  }
}

/** Whether other users may read the file. A system without such permissions says no. */
export function isOpenToOthers(environment: Environment): boolean {
  try {
    return process.platform !== 'win32' && (statSync(profilesFile(environment)).mode & 0o077) !== 0
  } catch {
    return false
  }
}

function parsed(file: string): Readonly<Record<string, unknown>> {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--profile: cannot read ${file}: ${(error as Error).message}`)
  }
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    // The message of the parser may show a part of the file, and the file may have passwords.
    const place = /\(line \d+ column \d+\)|at position \d+/.exec((error as Error).message)?.[0] ?? ''
    throw new UsageError(`--profile: ${file} is not JSON ${place}`.trimEnd())
  }
  if (!isObject(value))
    throw new UsageError(`--profile: ${file}: an object is expected, with a member for each profile`)
  return value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function absolute(name: string, directory: string): string {
  if (name === '~' || name.startsWith('~/')) return join(homedir(), name.slice(1))
  return isAbsolute(name) ? name : join(directory, name)
}
