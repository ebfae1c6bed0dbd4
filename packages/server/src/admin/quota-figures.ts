/** Limits and usage of quotas, summed up for each top-level znode (QuotaMetricsUtils.java). */
import type { DataTree } from '../tree/data-tree.ts'
import { parseLimits, parseUsage } from '../tree/quota.ts'
import { limitsName, quotaRoot, statsName } from '../tree/quotas.ts'

export interface QuotaFigures {
  readonly countLimit: ReadonlyMap<string, number>
  readonly bytesLimit: ReadonlyMap<string, number>
  readonly count: ReadonlyMap<string, number>
  readonly bytes: ReadonlyMap<string, number>
}

/** Znodes below /zookeeper/quota that are looked at; with more, the rest is left out. */
const znodesMax = 10_000

/** The figures of `tree` now. Hard limits come before soft ones; -1 stands for none. */
export function quotaFigures(tree: DataTree): QuotaFigures {
  const found = { countLimit: new Map(), bytesLimit: new Map(), count: new Map(), bytes: new Map() }
  const paths = [quotaRoot]
  for (let at = 0; at < paths.length && at < znodesMax; at++) {
    const path = paths[at] as string
    const node = tree.get(path)
    if (node === undefined) continue
    for (const name of node.children?.keys() ?? []) paths.push(`${path}/${name}`)
    const [, , , namespace, ...rest] = path.split('/')
    const name = rest.at(-1)
    if (namespace === undefined) continue
    const limits = name === limitsName ? parseLimits(node.data) : undefined
    if (limits !== undefined) {
      const { count, bytes, countHard, bytesHard } = limits
      add(found.countLimit, namespace, countHard > -1 ? countHard : count)
      add(found.bytesLimit, namespace, bytesHard > -1 ? bytesHard : bytes)
    }
    if (name !== statsName) continue
    const { count, bytes } = parseUsage(node.data)
    add(found.count, namespace, count)
    add(found.bytes, namespace, bytes)
  }
  return found
}

function add(to: Map<string, number>, namespace: string, value: number): void {
  to.set(namespace, (to.get(namespace) ?? 0) + value)
}
