/** Pairs of key and value from several sources: which one counts, and where it stands. */
import { type Property, trimmed } from './java-properties.ts'
import type { Note } from './java-values.ts'

export interface Pair {
  readonly key: string
  readonly value: string
  /** Where it stands, as a message shows it: `zoo.cfg:12`, `--set`. */
  readonly origin: string
}

export const prefix = 'zookeeper.'

/** The pairs of a file that is called `name`. */
export function filePairs(properties: readonly Property[], name: string): Pair[] {
  return properties.map(([key, value, line]) => ({ key, value, origin: `${name}:${line}` }))
}

/**
 * One pair for each key, without the prefix `zookeeper.`. A later layer counts more than the ones before it. Within a layer the last
 * pair counts, and a key without the prefix counts more than one with it, as it does in Apache. A note says what is overridden by
 * chance: a key that stands twice, and a flag of the Java machine beside a line of the file.
 */
export function overlaid(layers: readonly (readonly Pair[])[], note: Note): Map<string, Pair> {
  const all = new Map<string, Pair>()
  for (const layer of layers) {
    for (const [key, pair] of lastOf(layer, note)) {
      const before = all.get(key)
      if (before?.origin.startsWith('-D') && before.value !== pair.value) {
        note(`${before.origin} has no effect, as in Apache: ${pair.origin} sets it`)
      }
      all.set(key, pair)
    }
  }
  return all
}

function lastOf(pairs: readonly Pair[], note: Note): Map<string, Pair> {
  const values = new Map<string, Pair>()
  const isPlain = new Set<string>()
  for (const { key: given, value: givenValue, origin } of pairs) {
    const value = trimmed(givenValue)
    const hasPrefix = given.startsWith(prefix)
    const key = trimmed(hasPrefix ? given.slice(prefix.length) : given)
    if (hasPrefix && isPlain.has(key)) continue
    if (!hasPrefix && isPlain.has(key) && values.get(key)?.value !== value) {
      note(`${key} is given twice; the last one counts`)
    }
    if (!hasPrefix) isPlain.add(key)
    values.set(key, { key, value, origin })
  }
  return values
}
