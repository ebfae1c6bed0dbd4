/** One setting: its key in a zoo.cfg, how its text is read there, what is checked, its default, and whether it may change. */
import { ConfigError } from './config-error.ts'
import { parsedInt, type Read, strictBoolean, text } from './java-values.ts'

/** What a default may depend on. */
export interface Known {
  /** The time of the start, milliseconds since 1970. */
  readonly wall: number
  /** The value of a setting that stands above this one in its room; undefined where that one is wrong. */
  value(name: string): unknown
}

/** `T` is what the server works with. */
export interface Setting<T> {
  /** The key in a zoo.cfg; undefined where only `startServer` has the setting. */
  readonly key: string | undefined
  /** Makes an option of the text in a file. */
  readonly read: Read
  /** Makes the value of an option. @throws ConfigError that names it `name`. */
  check(given: unknown, name: string): T
  defaultOf(known: Known): T
  /** The option that a zoo.cfg means which does not name the key, where Apache has another default than `startServer`. */
  readonly inFile: unknown
  /** Whether a reload may change it: all code that uses it reads it anew from the configuration each time. */
  readonly isLive: boolean
  /** Whether its value is never shown. */
  readonly isSecret: boolean
  /** The value as a zoo.cfg would say it. */
  show(value: T): string
  /** A text that differs for every two values that differ; never shown. A reload compares values by it. */
  identityOf(value: T): string
}

/** The settings of a room by the name of their option. */
export type Settings = Readonly<Record<string, Setting<unknown>>>

/** A setting for each option of `O`, no more and no less. */
export type SettingsFor<O> = { readonly [N in keyof O]-?: Setting<unknown> }

/** The values of settings. */
export type ConfigOf<S> = { readonly [N in keyof S]: S[N] extends Setting<infer T> ? T : never }

interface Row<T> {
  /** The key in a zoo.cfg. Without it only `startServer` has the setting. */
  readonly key?: string
  /** How the text of a file is read, as Apache reads this key. Default: the strictest form of the type. */
  readonly read?: Read
  readonly byDefault: T | ((known: Known) => T)
  /** The option that a zoo.cfg without the key means, where Apache has another default. */
  readonly inFile?: unknown
  readonly isLive?: boolean
  readonly isSecret?: boolean
}

export const int32Max = 0x7fff_ffff

/** A setting with a check of its own. */
export function setting<T>(
  row: Row<T> & { check(given: unknown, name: string): T; show?(value: T): string; identityOf?(value: T): string },
): Setting<T> {
  const { byDefault, show = String } = row
  return {
    key: row.key,
    read: row.read ?? text,
    check: row.check,
    defaultOf: typeof byDefault === 'function' ? (byDefault as (known: Known) => T) : () => byDefault,
    inFile: row.inFile,
    isLive: row.isLive ?? false,
    isSecret: row.isSecret ?? false,
    show,
    identityOf: row.identityOf ?? show,
  }
}

/** A whole number from `min` to `max`. */
export function integer(row: Row<number> & { readonly min: number; readonly max?: number }): Setting<number> {
  const { min, max = int32Max } = row
  return setting({
    read: parsedInt,
    ...row,
    check(given, name) {
      if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given
      throw new ConfigError(name, given, `an integer from ${min} to ${max}`)
    },
  })
}

/** true or false. `words` are those of a zoo.cfg where it has others. */
export function flag(row: Row<boolean> & { readonly words?: readonly [yes: string, no: string] }): Setting<boolean> {
  const [yes, no] = row.words ?? ['true', 'false']
  return setting({
    read: strictBoolean,
    ...row,
    check(given, name) {
      if (typeof given === 'boolean') return given
      throw new ConfigError(name, given, 'true or false')
    },
    show: (value) => (value ? yes : no),
  })
}

/** One of some words. */
export function oneOf<const W extends string>(row: Row<W> & { readonly words: readonly W[] }): Setting<W> {
  const { words } = row
  return setting({
    ...row,
    check(given, name) {
      const found = words.find((word) => word === given)
      if (found !== undefined) return found
      throw new ConfigError(name, given, `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`)
    },
  })
}

/** The path of a directory, or of a file, that may be left out. */
export function path(row: { readonly key: string; readonly what: string }): Setting<string | undefined> {
  return setting<string | undefined>({
    key: row.key,
    byDefault: undefined,
    check(given, name) {
      if (typeof given === 'string' && given !== '' && !given.includes('\0')) return given
      throw new ConfigError(name, given, `the path of a ${row.what}`)
    },
    show: (value) => value ?? '',
  })
}
