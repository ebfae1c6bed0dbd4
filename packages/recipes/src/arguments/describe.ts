/** What came instead of a value that was asked for, in words. Runs code of the value only where what it throws goes nowhere. */

const textMax = 60
const keysMax = 6

const short = (text: string): string => (text.length > textMax ? `${text.slice(0, textMax)}…` : text)

/** Short, and safe to print: an object by its keys, never by what they hold. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(short(value))}`
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`
  if (typeof value === 'bigint') return value < 1n << 64n && value > -(1n << 64n) ? `${value}n` : 'a very large bigint'
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
    if (kind !== 'Object') return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${short(kind)}`
    const keys = Object.keys(value)
    const more = keys.length > keysMax ? ', …' : ''
    return keys.length === 0 ? 'an object without keys' : `{ ${keys.slice(0, keysMax).map(short).join(', ')}${more} }`
  } catch {
    return 'an object that cannot be looked at'
  }
}
