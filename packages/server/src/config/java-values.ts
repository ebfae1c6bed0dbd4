/** Numbers and booleans in the forms in which Apache takes them: each key is read there by one of these methods of Java. */
import { ConfigError } from './config-error.ts'

/** What was read in another way than its writer may think: a line at start. */
export type Note = (text: string) => void

export type Read = (value: string, key: string, note: Note) => string | number | boolean

const int32 = { min: -0x8000_0000, max: 0x7fff_ffff }

/** Integer.parseInt: decimal, with a sign at the most. */
export function parsedInt(value: string, key: string): number {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= int32.min && number <= int32.max) return number + 0
  throw new ConfigError(key, value, `an integer${commentHint(value)}`)
}

/** Long.parseLong, as far as JavaScript counts exactly. */
export function parsedLong(value: string, key: string): number {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isSafeInteger(number)) return number + 0
  throw new ConfigError(key, value, `an integer${commentHint(value)}`)
}

/** Integer.decode and Long.decode: `0x10`, `#10` and `010` too, which is 8. */
export function decoded(value: string, key: string): number {
  const match = /^([+-]?)(?:(?:0[xX]|#)([0-9a-fA-F]+)|0([0-7]+)|(\d+))$/.exec(value)
  const [, sign, hex, octal, decimal] = match ?? []
  const digits = hex ?? octal ?? decimal
  const radix = hex !== undefined ? 16 : octal !== undefined ? 8 : 10
  const number = digits === undefined ? Number.NaN : Number.parseInt(digits, radix) * (sign === '-' ? -1 : 1)
  // "08" is no octal number, and no decimal one there either.
  if (Number.isSafeInteger(number) && !(decimal !== undefined && /^0./.test(decimal))) return number + 0
  throw new ConfigError(key, value, `an integer${commentHint(value)}`)
}

/** QuorumPeerConfig.parseBoolean: true or false in any case, nothing else. */
export function strictBoolean(value: string, key: string): boolean {
  const lower = value.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw new ConfigError(key, value, `true or false${commentHint(value)}`)
}

/** Boolean.parseBoolean and Boolean.getBoolean: true in any case; everything else is false, which is worth a line. */
export function looseBoolean(value: string, key: string, note: Note): boolean {
  const lower = value.toLowerCase()
  if (lower !== 'true' && lower !== 'false')
    note(`${key}=${shown(value)} counts as false, as in Apache: only true is true`)
  return lower === 'true'
}

/** `yes` alone is yes. */
export function exactlyYes(value: string, key: string, note: Note): boolean {
  if (value !== 'yes' && value !== 'no') note(`${key}=${shown(value)} counts as no, as in Apache: only yes is yes`)
  return value === 'yes'
}

/** `no` alone is no. */
export function notNo(value: string, key: string, note: Note): boolean {
  if (value !== 'yes' && value !== 'no') note(`${key}=${shown(value)} counts as yes, as in Apache: only no is no`)
  return value !== 'no'
}

export const text: Read = (value) => value

/** Numbers below `least` count as `least`; a line says so where `isSilent` does not forbid it. */
export function atLeast(least: number, read: (value: string, key: string) => number, isSilent = false): Read {
  return (value, key, note) => {
    const number = read(value, key)
    if (number >= least) return number
    if (!isSilent) note(`${key}=${number} counts as ${least}, as in Apache`)
    return least
  }
}

/** A value as a message shows it. */
export function shown(value: string): string {
  return /^[!-~]{1,60}$/.test(value) ? value : JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}

/** People write comments behind values; in this format they are part of the value. */
function commentHint(value: string): string {
  return /\S\s+[#!]/.test(value) || /\S\s*\/\//.test(value) ? '; a comment behind a value is part of the value' : ''
}
