/** Values for which the client has no check. Each check returns a value that cannot change any more. */
import type { Codec, Data } from '@lightkeeper/client'
import {
  type Check,
  dataOf,
  isBytes,
  looking,
  outOfRange,
  steady,
  wellFormed,
  withMethods,
  wrongType,
} from '@lightkeeper/client/arguments'

/** Any value: the recipe does not look at it. */
export const anything: Check<never> = (value) => value as never

/** A number of `unit` (empty for a plain number) from `least` to `most`; by default it must be an integer. */
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

/** Well-formed text; may be empty. */
export const text: Check<string> = (value, name, operation) => {
  if (typeof value !== 'string') throw wrongType(operation, name, 'a string', value)
  return wellFormed(value, name, operation)
}

/** A copy of bytes. @throws TypeError, also for bytes that were transferred away. */
export const bytesOf: Check<Uint8Array> = (value, name, operation) => {
  if (!isBytes(value)) throw wrongType(operation, name, 'a Uint8Array', value)
  return steady(value, name, operation).slice()
}

/** Text, a copy of bytes, or null for none. */
export const data: Check<Data> = (value, name, operation) => {
  if (typeof value === 'string') return text(value, name, operation)
  const given = dataOf(value, name, operation)
  return given && given.slice()
}

const codecOf = withMethods<Codec<unknown>>('a codec with encode() and decode(), such as json()', 'encode', 'decode')

export function codec<T>(value: unknown, name: string, operation: string): Codec<T> {
  return looking(name, operation, () => codecOf(value, name, operation)) as Codec<T>
}
