/**
 * Quotas: limits and usage below /zookeeper/quota, in the text format of StatsTrack.java. Usage is counted only for the deepest
 * limit above a changed znode. Stats are written without a version, a watch or a transaction, as in Apache.
 */
import { PathTrie } from './path-trie.ts'

export const quotaRoot = '/zookeeper/quota'
export const limitsName = 'zookeeper_limits'
export const statsName = 'zookeeper_stats'

/** -1 means no limit, or for usage: not known. */
export interface QuotaNumbers {
  readonly count: number
  readonly bytes: number
  readonly countHard: number
  readonly bytesHard: number
}

/** Missing, empty and malformed numbers are read as -1, which limits nothing. */
export function parseQuota(data: Uint8Array | null): QuotaNumbers {
  const values = new Map<string, number>()
  let text = ''
  for (const byte of data ?? []) text += String.fromCharCode(byte)
  for (const piece of text.split(/[,;]+/)) {
    const [name = '', value = ''] = piece.split('=')
    const number = Number(value)
    values.set(name, value === '' || !Number.isFinite(number) ? -1 : number)
  }
  return {
    count: values.get('count') ?? -1,
    bytes: values.get('bytes') ?? -1,
    countHard: values.get('countHardLimit') ?? -1,
    bytesHard: values.get('byteHardLimit') ?? -1,
  }
}

export function formatUsage(count: number, bytes: number): Uint8Array {
  return Uint8Array.from(`count=${count},bytes=${bytes}`, (character) => character.charCodeAt(0))
}

/** `/a/b` for `/zookeeper/quota/a/b/zookeeper_limits`, undefined for any other path. */
export function quotaTarget(path: string, name: typeof limitsName | typeof statsName): string | undefined {
  if (!path.startsWith(quotaRoot) || !path.endsWith(`/${name}`)) return undefined
  return path.slice(quotaRoot.length, path.length - name.length - 1)
}

/** The paths with limits. */
export class QuotaPaths {
  readonly #paths = new PathTrie<true>()

  get size(): number {
    return this.#paths.size
  }

  add(path: string): void {
    this.#paths.set(path, true)
  }

  remove(path: string): void {
    this.#paths.delete(path)
  }

  /** The deepest path with limits at or above `path`; undefined for system znodes, and where there is none. */
  covering(path: string): string | undefined {
    if (this.#paths.size === 0 || path === '/zookeeper' || path.startsWith('/zookeeper/')) return undefined
    let deepest = 0
    this.#paths.above(path, (_value, end) => {
      // The root has no limits: their znode would have an empty name.
      if (end > 1) deepest = end
    })
    return deepest === 0 ? undefined : path.slice(0, deepest)
  }
}
