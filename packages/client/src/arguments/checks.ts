/**
 * What each argument must be. A check returns what the client uses from then on: the value itself where it cannot change, else a
 * copy. So nothing that a user's object does later reaches a request. A check refuses with a TypeError, or with a RangeError for a
 * number of the right type. The message names the argument, the value and what is expected.
 */
import { KeeperError } from '@lightkeeper/protocol'
import { describe, describeType, nearest } from './describe.ts'

/** @throws TypeError, RangeError. `name` is the name of the argument, `operation` the name of the call. */
export type Check<T> = (value: unknown, name: string, operation: string) => T

/** One row for each option; the compiler finds a missing row. `O[K]` may be undefined, which means the default. */
export type Table<O> = { readonly [K in keyof Required<O>]: Check<Exclude<O[K], undefined>> }

export function wrongType(operation: string, name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${operation}: ${name} must be ${expected}, not ${describe(value)}`)
}

export function outOfRange(operation: string, name: string, expected: string, value: unknown): RangeError {
  return new RangeError(`${operation}: ${name} must be ${expected}, not ${describe(value)}`)
}

export const boolean: Check<boolean> = (value, name, operation) => {
  if (typeof value !== 'boolean') throw wrongType(operation, name, 'true or false', value)
  return value
}

/** A time limit in milliseconds: above 0. Infinity means no limit. */
export const timeout: Check<number> = (value, name, operation) => {
  if (typeof value !== 'number') throw wrongType(operation, name, 'a number of milliseconds', value)
  // NaN too.
  if (!(value > 0)) throw outOfRange(operation, name, 'more than 0 milliseconds', value)
  return value
}

/** A time between two events, milliseconds; 0 means "at once" or "never", as the option says. */
export const interval: Check<number> = (value, name, operation) => {
  if (typeof value !== 'number') throw wrongType(operation, name, 'a number of milliseconds', value)
  if (!(value >= 0)) throw outOfRange(operation, name, '0 milliseconds or more', value)
  return value
}

/** An integer from `least` to `most`, counted in `unit`. */
export function whole(unit: string, least: number, most: number): Check<number> {
  return (value, name, operation) => {
    if (typeof value !== 'number') throw wrongType(operation, name, `a whole number of ${unit}`, value)
    if (value >= least && value <= most && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)) return value
    throw outOfRange(operation, name, `a whole number of ${unit} from ${least} to ${most}`, value)
  }
}

/** The version of a znode, as a Stat has it. Versions wrap around at 2^31. */
export const version: Check<number> = (value, name, operation) => {
  if (typeof value !== 'number') throw wrongType(operation, name, 'a version as in a Stat', value)
  if ((value | 0) !== value) throw outOfRange(operation, name, 'an integer of 32 bits', value)
  return value
}

const longMax = (1n << 63n) - 1n

export const zxid: Check<bigint> = (value, name, operation) => {
  if (typeof value !== 'bigint') throw wrongType(operation, name, 'a zxid, which is a bigint', value)
  if (value < 0n || value > longMax) throw outOfRange(operation, name, 'from 0n to 2^63 - 1', value)
  return value
}

export function oneOf<const T extends readonly (string | boolean)[]>(...values: T): Check<T[number]> {
  const expected = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join(' or ')
  return (value, name, operation) => {
    if (!values.includes(value as T[number])) throw wrongType(operation, name, expected, value)
    return value as T[number]
  }
}

// Reads an internal slot that only real signals have. A Proxy that answers everything is no instance of the class.
const abortedOf = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get as (this: unknown) => boolean

export const signal: Check<AbortSignal> = (value, name, operation) => {
  if (!isSignal(value)) throw wrongType(operation, name, 'an AbortSignal', value)
  return value
}

function isSignal(value: unknown): value is AbortSignal {
  try {
    abortedOf.call(value)
    return value instanceof AbortSignal
  } catch {
    return false
  }
}

/** A function that is called as a method of an object, or by itself. */
export function callable<T>(value: unknown, name: string, operation: string): T {
  if (typeof value !== 'function') throw wrongType(operation, name, 'a function', value)
  return value as T
}

/** An object with these methods. It is not copied: its methods are called on it. */
export function withMethods<T>(expected: string, ...methods: readonly string[]): Check<T> {
  return (value, name, operation) => {
    const isObject = (typeof value === 'object' || typeof value === 'function') && value !== null
    if (!isObject || methods.some((method) => typeof (value as Record<string, unknown>)[method] !== 'function'))
      throw wrongType(operation, name, expected, value)
    return value as T
  }
}

export const text: Check<string> = (value, name, operation) => {
  if (typeof value !== 'string' || value === '') throw wrongType(operation, name, 'a string that is not empty', value)
  return wellFormed(value, name, operation)
}

/** As `text`, and it may be empty; the error does not show the value. */
export const secretText: Check<string> = (value, name, operation) => {
  if (typeof value !== 'string')
    throw new TypeError(`${operation}: ${name} must be a string, not ${describeType(value)}`)
  return value
}

/** Refuses half a surrogate pair: UTF-8 cannot write it, so something else would be stored. */
export function wellFormed(value: string, name: string, operation: string): string {
  // This method is younger than the types that this file is compiled with.
  if ((value as string & { isWellFormed(): boolean }).isWellFormed()) return value
  const at = Array.from(value).findIndex((char) => char.length === 1 && (char.charCodeAt(0) & 0xf800) === 0xd800)
  throw new TypeError(`${operation}: ${name} must be well-formed text: character ${at} is one half of a surrogate pair`)
}

/** The most entries of a list: more fit into no request. A hostile `length` must not cause an endless loop. */
const entriesMax = 1 << 20

/** A copy, each entry checked; its length is read once. */
export function list<T>(entry: Check<T>, expected: string): Check<T[]> {
  return (value, name, operation) => {
    if (!Array.isArray(value)) throw wrongType(operation, name, expected, value)
    const { length } = value
    if (length > entriesMax) throw outOfRange(operation, `${name}.length`, `at most ${entriesMax}`, length)
    const entries: T[] = []
    for (let i = 0; i < length; i++) entries.push(entry(value[i], `${name}[${i}]`, operation))
    return entries
  }
}

/** The options of a call that has none. They need no check. */
export const noOptions = Object.freeze({})

/** An error that a user's own code throws while an argument is read becomes the cause of a TypeError. */
export function looking<T>(name: string, operation: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    throw readable(name, operation, error)
  }
}

function readable(name: string, operation: string, error: unknown): unknown {
  if (isOurs(error)) return error
  return new TypeError(`${operation}: ${name} cannot be read`, { cause: error })
}

function isOurs(error: unknown): boolean {
  try {
    return error instanceof TypeError || error instanceof RangeError || KeeperError.is(error)
  } catch {
    return false
  }
}

/** The options of a call, by name. */
export class OptionSet<O extends object> {
  readonly #options: readonly string[]
  /** The names as messages show them. */
  readonly #names: readonly string[]
  readonly #checks: readonly Check<unknown>[]
  readonly #advice: Readonly<Record<string, string>>

  /** `advice` is for names that people know from other libraries. */
  constructor(table: Table<O>, advice: Readonly<Record<string, string>> = {}) {
    this.#options = Object.keys(table)
    this.#names = this.#options.map((option) => `options.${option}`)
    this.#checks = Object.values(table)
    this.#advice = advice
  }

  /**
   * Copies a user's options; each is read once. Refuses a name that is not in the table, unless its value is undefined: an option
   * with a misspelt name would silently have its default.
   * @throws TypeError, RangeError; a TypeError with a cause where the object throws when it is read.
   */
  of(value: unknown, operation: string): O {
    if (value === noOptions) return noOptions as O
    try {
      return this.#copy(value, 'options', this.#names, operation)
    } catch (error) {
      throw readable('options', operation, error)
    }
  }

  /** Checks an option itself, or an argument of another name. */
  readonly check: Check<O> = (value, name, operation) =>
    this.#copy(
      value,
      name,
      this.#options.map((option) => `${name}.${option}`),
      operation,
    )

  #copy(value: unknown, name: string, names: readonly string[], operation: string): O {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(operation, name, 'an object', value)
    }
    const given = value as Record<string, unknown>
    const copy: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      const option = this.#options[i] as string
      const each = given[option]
      if (each !== undefined) copy[option] = (this.#checks[i] as Check<unknown>)(each, names[i] as string, operation)
    }
    for (const option of Object.keys(given)) {
      if (!this.#options.includes(option) && given[option] !== undefined) throw this.#unknown(option, name, operation)
    }
    return copy as O
  }

  #unknown(option: string, name: string, operation: string): TypeError {
    const meant = nearest(option, this.#options)
    const known = `it has ${this.#options.join(', ')}`
    const own = Object.hasOwn(this.#advice, option) ? this.#advice[option] : undefined
    const advice = own ?? (meant === undefined ? known : `did you mean ${meant}?`)
    return new TypeError(`${operation}: ${name} has no ${describe(option).replace('the string ', '')}: ${advice}`)
  }
}
