/** Which znodes a search is for: conditions on the name, the path, the Stat and the data, all of which must hold. */
import type { WalkedZnode } from './walk.ts'

export interface FindConditions {
  /** The last name of the path. */
  readonly name?: RegExp
  /** The whole path. */
  readonly path?: RegExp
  /** The data, read as UTF-8. */
  readonly data?: RegExp
  /** The kind of the znode. */
  readonly type?: 'persistent' | 'ephemeral' | 'container' | 'ttl'
  /** The session of an ephemeral. */
  readonly owner?: bigint
  /** Written at this time or before. */
  readonly before?: Date
  /** Written at this time or after. */
  readonly after?: Date
  /** Bytes of data, at least. */
  readonly bytesMin?: number
  /** Bytes of data, at most. */
  readonly bytesMax?: number
  /** Children, at least. */
  readonly childrenMin?: number
}

export function typeOf({ stat }: WalkedZnode): NonNullable<FindConditions['type']> {
  return typeof stat.kind === 'object' ? 'ttl' : stat.kind
}

export function isFound(znode: WalkedZnode, wanted: FindConditions): boolean {
  const { stat, path } = znode
  const { name, data, type, owner, before, after, bytesMin = 0, bytesMax = Number.POSITIVE_INFINITY } = wanted
  if (name !== undefined && !name.test(path.slice(path.lastIndexOf('/') + 1))) return false
  if (wanted.path !== undefined && !wanted.path.test(path)) return false
  if (type !== undefined && typeOf(znode) !== type) return false
  if (owner !== undefined && (stat.kind !== 'ephemeral' || stat.ephemeralOwner !== owner)) return false
  if (before !== undefined && stat.modified > before) return false
  if (after !== undefined && stat.modified < after) return false
  if (stat.dataLength < bytesMin || stat.dataLength > bytesMax) return false
  if (stat.numChildren < (wanted.childrenMin ?? 0)) return false
  return data === undefined || data.test(new TextDecoder().decode(znode.data))
}

export interface GrepHit {
  /** From 1. */
  readonly line: number
  /** The line, without its end. */
  readonly text: string
}

/** The lines of the data that hold the pattern; none where the data is no text and does not match as a whole. */
export function grepLines(data: Uint8Array, pattern: RegExp): GrepHit[] {
  return new TextDecoder()
    .decode(data)
    .split(/\r?\n/)
    .flatMap((text, i) => (pattern.test(text) ? [{ line: i + 1, text }] : []))
}
