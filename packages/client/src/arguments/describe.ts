/** Describes a wrong value in words. Code of the value may run; what it throws is ignored. */

const textMax = 60
const keysMax = 6

/** Short, and safe to print: a string in quotes, an object by its keys, never by its values. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the string ${JSON.stringify(value.length > textMax ? `${value.slice(0, textMax)}…` : value)}`
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return value < 1n << 64n && value > -(1n << 64n) ? `${value}n` : 'a very large bigint'
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : describeObject(value)
  }
}

/** For secrets: shows only the type. */
export function describeType(value: unknown): string {
  if (typeof value === 'string') return 'a string of another form'
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
    if (kind !== 'Object') return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`
    const keys = Object.keys(value)
    const shown = keys.slice(0, keysMax).map((key) => (key.length > textMax ? `${key.slice(0, textMax)}…` : key))
    return keys.length === 0 ? 'an object without keys' : `{ ${shown.join(', ')}${keys.length > keysMax ? ', …' : ''} }`
  } catch {
    return 'an object that cannot be looked at'
  }
}

/** The name in `known` that the user most likely meant by `name`; undefined where none is similar. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name)
  let best: string | undefined
  let least = Math.min(4, 1 + Math.floor(wanted.length / 3))
  for (const each of known) {
    const distance = distanceOf(wanted, plain(each))
    if (distance < least) {
      least = distance
      best = each
    }
  }
  return best
}

/** A name as other languages spell it: `session_timeout`, `Session-Timeout`, or with a unit at the end. */
function plain(name: string): string {
  const letters = name
    .slice(0, textMax)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
  return letters.length > 4 ? letters.replace(/ms$|millis$/, '') : letters
}

/** The number of insertions, deletions and replacements between two words (Levenshtein). */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] as number) + (from[i] === to[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
