/**
 * The quotas of a tree: which paths have limits, and what is used below each. Both stand in znodes below /zookeeper/quota. A change
 * counts for the deepest limit above it alone, and usage is written without a version, a watch or a transaction, as in Apache.
 */
import { eachOf } from './descendant-counts.ts'
import { PathTrie } from './path-trie.ts'
import { formatUsage, type Limits, parseLimits, parseUsage, type Usage } from './quota.ts'
import type { ZnodeIndex } from './znode-index.ts'

export const quotaRoot = '/zookeeper/quota'
export const limitsName = 'zookeeper_limits'
export const statsName = 'zookeeper_stats'

/** The quota of one path. */
export interface Quota {
  readonly path: string
  /** Undefined where the text cannot be read: it limits nothing then. */
  readonly limits: Limits | undefined
  /** Undefined where there is no znode that counts it: the limits have no effect then. */
  readonly usage: Usage | undefined
}

/** What its two znodes say is read once, and again when one of them is written. */
class KnownQuota implements Quota {
  readonly path: string
  readonly #nodes: ZnodeIndex
  #limits: Limits | undefined
  #usage: Usage | undefined
  #hasLimits = false
  #hasUsage = false

  constructor(path: string, nodes: ZnodeIndex) {
    this.path = path
    this.#nodes = nodes
  }

  get limits(): Limits | undefined {
    if (!this.#hasLimits) {
      const node = this.#nodes.get(`${quotaRoot}${this.path}/${limitsName}`)
      this.#limits = node === undefined ? undefined : parseLimits(node.data)
      this.#hasLimits = true
    }
    return this.#limits
  }

  get usage(): Usage | undefined {
    if (!this.#hasUsage) {
      const node = this.#nodes.get(`${quotaRoot}${this.path}/${statsName}`)
      this.#usage = node === undefined ? undefined : parseUsage(node.data)
      this.#hasUsage = true
    }
    return this.#usage
  }

  add(count: number, bytes: number): void {
    const { usage } = this
    if (usage === undefined) return
    this.#usage = { count: usage.count + count, bytes: usage.bytes + bytes }
    const stats = this.#nodes.get(`${quotaRoot}${this.path}/${statsName}`)
    if (stats !== undefined) stats.data = formatUsage(this.#usage)
  }

  forget(): void {
    this.#hasLimits = false
    this.#hasUsage = false
  }
}

export class Quotas {
  readonly #nodes: ZnodeIndex
  readonly #byPath = new PathTrie<KnownQuota>()

  constructor(nodes: ZnodeIndex) {
    this.#nodes = nodes
  }

  /** The quota that a change at `path` counts for: the deepest one at or above it, undefined where there is none. */
  covering(path: string): Quota | undefined {
    return this.#covering(path)
  }

  /** Znodes came or went at `path`, or their data grew. */
  used(path: string, count: number, bytes: number): void {
    this.#covering(path)?.add(count, bytes)
  }

  /** A znode below /zookeeper was created. A limit starts to count; a znode for the usage is overwritten with what is there now. */
  created(path: string): void {
    const limited = targetOf(path, limitsName)
    if (limited !== undefined) this.#byPath.set(limited, new KnownQuota(limited, this.#nodes))
    const counted = targetOf(path, statsName)
    if (counted !== undefined) this.#recount(counted)
  }

  /** A znode below /zookeeper was deleted. */
  deleted(path: string): void {
    const limited = targetOf(path, limitsName)
    if (limited !== undefined) this.#byPath.delete(limited)
    this.written(path)
  }

  /** The data of a znode below /zookeeper was set. */
  written(path: string): void {
    const target = targetOf(path, limitsName) ?? targetOf(path, statsName)
    if (target !== undefined) this.#byPath.get(target)?.forget()
  }

  /** The whole tree was loaded; `paths` are those below /zookeeper/quota. */
  loaded(paths: readonly string[]): void {
    for (const path of paths) this.created(path)
  }

  #covering(path: string): KnownQuota | undefined {
    if (this.#byPath.size === 0) return undefined
    let deepest: KnownQuota | undefined
    this.#byPath.above(path, (quota) => {
      // The root carries no limits: they would stand under an empty name.
      if (quota.path !== '') deepest = quota
    })
    return deepest
  }

  #recount(path: string): void {
    const stats = this.#nodes.get(`${quotaRoot}${path}/${statsName}`)
    if (stats === undefined) return
    let count = 0
    let bytes = 0
    const top = this.#nodes.get(path)
    if (top !== undefined) {
      eachOf(top, (node) => {
        count++
        bytes += node.dataLength
      })
    }
    stats.data = formatUsage({ count, bytes })
    this.#byPath.get(path)?.forget()
  }
}

/** `/a/b` for `/zookeeper/quota/a/b/zookeeper_limits`, undefined for any other path. */
function targetOf(path: string, name: typeof limitsName | typeof statsName): string | undefined {
  if (!path.startsWith(`${quotaRoot}/`) || !path.endsWith(`/${name}`)) return undefined
  return path.slice(quotaRoot.length, path.length - name.length - 1)
}
