/** What one room of the server says about its settings. `rooms.ts` has the list of them. */
import { type Note, type Read, text } from './java-values.ts'
import type { Settings } from './setting.ts'

export interface Room {
  /** What the server works with. */
  readonly settings: Settings
  /** Short names of options. */
  readonly aliases?: Readonly<Record<string, string>>
  /** Keys of which a part is free, like `authProvider.1`: all of them together make one option. */
  readonly families?: readonly Family[]
  /** Keys of Apache that change nothing here. The function checks their values as Apache does. */
  readonly idle?: IdleKeys
  /** The same for keys of which a part is free. */
  readonly idleFamilies?: readonly RegExp[]
  /** Keys that would promise more than this server does. */
  readonly refusals?: readonly Refusal[]
  /** What must hold between settings that are right by themselves. @throws ConfigError. */
  check?(config: Readonly<Record<string, unknown>>): void
}

export interface Family {
  readonly keys: RegExp
  /** The option that is made of them. */
  readonly option: string
  /** `values` are all that the sources have, by key, without the prefix `zookeeper.`. @throws ConfigError. */
  read(values: ReadonlyMap<string, string>, tools: FamilyTools): unknown
}

export interface FamilyTools {
  /** Reads a file that a value names; its errors are passed on. Undefined where files must not be read. */
  readonly readFile: ReadFile | undefined
  readonly note: Note
  /** What the sources have by key, beside the keys of the family. */
  readonly all: ReadonlyMap<string, string>
}

/** The text of a file, decoded as ISO 8859-1. */
export type ReadFile = (path: string) => string

export type IdleKeys = Readonly<Record<string, Read>>

/** The same check for many keys. */
export function idleKeys(keys: readonly string[], read: Read = text): IdleKeys {
  return Object.fromEntries(keys.map((key) => [key, read]))
}

/** A key that means security or membership and that this server cannot honour. */
export interface Refusal {
  readonly keys: RegExp
  /** Stands behind the key in the message. */
  readonly why: string
  /** Values that ask for nothing; `isOff` where there is no function. */
  readonly isHarmless?: (value: string, other: (key: string) => string | undefined) => boolean
}

/** `…=false` and the like ask for nothing. */
export function isOff(value: string): boolean {
  return /^(|false|no|none|off)$/i.test(value)
}
