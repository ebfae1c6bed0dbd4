/**
 * What each argument of a recipe must be, checked before anything is sent. A check gives back what the recipe goes on with: the value
 * itself where it cannot change, else a copy. What is refused is a TypeError, or a RangeError for a number of the right type, and
 * names the argument, what came and what is expected; a string that is no path is KeeperError BAD_ARGUMENTS, as in the client.
 */
import { type Acl, type Client, type Codec, type Data, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import { describe } from './describe.ts'

/** @throws TypeError, RangeError. `name` is the argument's, `operation` that of the call. */
export type Check<T> = (value: unknown, name: string, operation: string) => T

/** One row for each option; the compiler finds a missing one. */
type Table<O> = { readonly [K in keyof Required<O>]: Check<Exclude<O[K], undefined>> }

export function wrongType(operation: string, name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${operation}: ${name} must be ${expected}, not ${describe(value)}`)
}

export function outOfRange(operation: string, name: string, expected: string, value: unknown): RangeError {
  return new RangeError(`${operation}: ${name} must be ${expected}, not ${describe(value)}`)
}

/** What a user's own code throws while a value is looked at becomes the cause of a TypeError. */
export function looking<T>(name: string, operation: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    if (isOurs(error)) throw error
    throw new TypeError(`${operation}: ${name} cannot be read`, { cause: error })
  }
}

function isOurs(error: unknown): boolean {
  try {
    return error instanceof TypeError || error instanceof RangeError || KeeperError.is(error)
  } catch {
    return false
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' || typeof value === 'function') && value !== null

/**
 * A plain copy of a user's options, each read once. A name that is not in the table is refused unless it stands for undefined: with
 * a misspelt name an option would silently have its default.
 */
export function optionsOf<O>(table: Table<O>): (value: O | undefined, operation: string, name?: string) => O {
  const known = Object.keys(table)
  return (value, operation, name = 'options') =>
    looking(name, operation, () => {
      if (value === undefined) return {} as O
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw wrongType(operation, name, 'an object', value)
      }
      const given = value as Record<string, unknown>
      const copy: Record<string, unknown> = {}
      for (const [option, check] of Object.entries(table) as [string, Check<unknown>][]) {
        const each = given[option]
        if (each !== undefined) copy[option] = check(each, `${name}.${option}`, operation)
      }
      for (const option of Object.keys(given)) {
        if (known.includes(option) || given[option] === undefined) continue
        const words = describe(option).replace('the string ', '')
        throw new TypeError(`${operation}: ${name} has no ${words}: it has ${known.join(', ')}`)
      }
      return copy as O
    })
}

/** Anything; the recipe does not look at it. */
export const anything: Check<never> = (value) => value as never

export const boolean: Check<boolean> = (value, name, operation) => {
  if (typeof value !== 'boolean') throw wrongType(operation, name, 'true or false', value)
  return value
}

/** A limit of time: above 0; Infinity is none. */
export const timeout: Check<number> = (value, name, operation) => {
  if (typeof value !== 'number') throw wrongType(operation, name, 'a number of milliseconds', value)
  // NaN too.
  if (!(value > 0)) throw outOfRange(operation, name, 'more than 0 milliseconds', value)
  return value
}

/** A number of `unit` (empty for a bare number) from `least` to `most`, whole unless it is said otherwise. */
export function number(unit: string, least: number, most: number, isWhole = true): Check<number> {
  const what = `${isWhole ? 'a whole number' : 'a number'}${unit === '' ? '' : ` of ${unit}`}`
  const bounds = most >= Number.MAX_VALUE ? `from ${least} on` : `from ${least} to ${most}`
  return (value, name, operation) => {
    if (typeof value !== 'number') throw wrongType(operation, name, what, value)
    const fits = value >= least && value <= most && (!isWhole || Number.isInteger(value) || value === Infinity)
    if (!fits) throw outOfRange(operation, name, `${what} ${bounds}`, value)
    return value
  }
}

export function oneOf<const T extends readonly (string | boolean)[]>(...values: T): Check<T[number]> {
  const expected = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join(' or ')
  return (value, name, operation) => {
    if (!values.includes(value as T[number])) throw wrongType(operation, name, expected, value)
    return value as T[number]
  }
}

// Reads a slot that only true signals have: neither a Proxy nor an object that looks like one gets through.
const abortedOf = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get as (this: unknown) => boolean

export const signal: Check<AbortSignal> = (value, name, operation) => {
  try {
    abortedOf.call(value)
  } catch {
    throw wrongType(operation, name, 'an AbortSignal', value)
  }
  return value as AbortSignal
}

/** A function, which is called by itself. */
export function callable<T>(value: unknown, name: string, operation: string): T {
  if (typeof value !== 'function') throw wrongType(operation, name, 'a function', value)
  return value as T
}

/** An object with these methods, which stays the user's own. */
export function withMethods<T>(expected: string, ...methods: readonly string[]): Check<T> {
  return (value, name, operation) =>
    looking(name, operation, () => {
      if (
        !isObject(value) ||
        methods.some((method) => typeof (value as Record<string, unknown>)[method] !== 'function')
      )
        throw wrongType(operation, name, expected, value)
      return value as T
    })
}

/** Text, also empty, without a half of a character: UTF-8 cannot write that, and something else would be stored. */
export const text: Check<string> = (value, name, operation) => {
  if (typeof value !== 'string') throw wrongType(operation, name, 'a string', value)
  // A method younger than the types this is compiled against.
  if ((value as string & { isWellFormed(): boolean }).isWellFormed()) return value
  throw new TypeError(`${operation}: ${name} must be well-formed text: it holds one half of a surrogate pair`)
}

/** The name of a znode: text without a slash that a server takes. */
export const nodeName: Check<string> = (value, name, operation) => {
  const own = text(value, name, operation)
  const problem = own.includes('/') ? 'it has a slash' : pathProblemOf(`/${own}`)
  if (problem === undefined) return own
  throw new TypeError(`${operation}: ${name} must be the name of a znode, not ${describe(value)}: ${problem}`)
}

function pathProblemOf(path: ZnodePath): string | undefined {
  try {
    op.check(path)
    return path === '/' ? 'it is empty' : undefined
  } catch (error) {
    return KeeperError.is(error) ? error.message.replace(/^[A-Z_]+: | \([^)]*\)$/g, '') : 'no path has it'
  }
}

const charactersMax = 1 << 20

export const path: Check<ZnodePath> = (value, name, operation) => {
  if (typeof value !== 'string') throw wrongType(operation, name, 'a string', value)
  const own = value as ZnodePath
  const problem = own.length > charactersMax ? `a path of ${own.length} characters is too long` : undefined
  const shown = own.slice(0, 100)
  if (problem !== undefined)
    throw new KeeperError('BAD_ARGUMENTS', { message: problem, path: shown, operation, outcome: 'not-sent' })
  if (own !== '/' && pathProblemOf(own) !== undefined) {
    const message = pathProblemOf(own)
    throw new KeeperError('BAD_ARGUMENTS', { message, path: shown, operation, outcome: 'not-sent' })
  }
  return own
}

/** A path that is not the root. */
export const pathBelow: Check<ZnodePath> = (value, name, operation) => {
  const own = path(value, name, operation)
  if (own !== '/') return own
  const message = 'the root itself cannot be used for this: name a znode below it'
  throw new KeeperError('BAD_ARGUMENTS', { message, path: own, operation, outcome: 'not-sent' })
}

/** Most entries of a list. A hostile `length` must not become a loop. */
const entriesMax = 1 << 20

/** A copy, each entry checked; its length is read once. */
export function list<T>(entry: Check<T>, expected: string): Check<T[]> {
  return (value, name, operation) =>
    looking(name, operation, () => {
      if (!Array.isArray(value)) throw wrongType(operation, name, expected, value)
      const { length } = value
      if (length > entriesMax) throw outOfRange(operation, `${name}.length`, `at most ${entriesMax}`, length)
      const entries: T[] = []
      for (let i = 0; i < length; i++) entries.push(entry(value[i], `${name}[${i}]`, operation))
      return entries
    })
}

const permissionsMax = 31
const aclEntry: Check<Acl> = (value, name, operation) => {
  const expected = '{ perms, id: { scheme, id } }, as in openAcl or from digestAcl()'
  if (!isObject(value)) throw wrongType(operation, name, expected, value)
  const { perms, id: identity } = value as { perms?: unknown; id?: unknown }
  if (typeof perms !== 'number' || !isObject(identity)) throw wrongType(operation, name, expected, value)
  const { scheme, id } = identity as { scheme?: unknown; id?: unknown }
  if (!Number.isInteger(perms) || perms < 0 || perms > permissionsMax) {
    throw outOfRange(operation, `${name}.perms`, `a sum of permission bits, 0 to ${permissionsMax}`, perms)
  }
  return {
    perms,
    id: { scheme: text(scheme, `${name}.id.scheme`, operation), id: text(id, `${name}.id.id`, operation) },
  }
}
export const acl: Check<readonly Acl[]> = list(aclEntry, 'a list of { perms, id: { scheme, id } }, as openAcl')

const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined

/** A copy of bytes. @throws TypeError also for bytes that were transferred away. */
export const bytesOf: Check<Uint8Array> = (value, name, operation) => {
  if (kindOf.call(value) !== 'Uint8Array') throw wrongType(operation, name, 'a Uint8Array', value)
  const own = value as Uint8Array
  try {
    return new Uint8Array(new Uint8Array(own.buffer, own.byteOffset, own.byteLength))
  } catch (cause) {
    throw new TypeError(`${operation}: ${name} was transferred away: its buffer is detached`, { cause })
  }
}

/** Text, bytes, or null for none. */
export const data: Check<Data> = (value, name, operation) => {
  if (value === null) return null
  if (typeof value === 'string') return text(value, name, operation)
  if (kindOf.call(value) === 'Uint8Array') return looking(name, operation, () => bytesOf(value, name, operation))
  throw wrongType(operation, name, 'a string, a Uint8Array or null', value)
}

const codecOf = withMethods<Codec<unknown>>('a codec with encode() and decode(), such as json()', 'encode', 'decode')
export function codec<T>(value: unknown, name: string, operation: string): Codec<T> {
  return codecOf(value, name, operation) as Codec<T>
}

const clientOf = withMethods<Client>('a client from connect()', 'create', 'watch', 'states')
/** The two arguments nearly every recipe begins with. */
export function checkPlace(zk: unknown, place: unknown, operation: string): void {
  clientOf(zk, 'zk', operation)
  pathBelow(place, 'path', operation)
}
/** As `checkPlace`, where the root will do. */
export function checkPlaceOrRoot(zk: unknown, place: unknown, operation: string): void {
  clientOf(zk, 'zk', operation)
  path(place, 'path', operation)
}
export const client: Check<Client> = clientOf
