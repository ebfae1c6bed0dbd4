/** The writes that make a subtree a copy of another one, perhaps of another cluster. */
import type { ZnodePath } from '@lightkeeper/client'
import { placed, type WholeTree } from '../compare/compare.ts'
import type { ReadZnode } from '../compare/read-whole.ts'
import { type ImportPlan, planImport } from '../transfer/plan.ts'

export interface CopyPlanOptions {
  /** The root of what is copied. */
  readonly from: ZnodePath
  /** What is at `from` now, without the server's own znodes. */
  readonly source: WholeTree<ReadZnode>
  /** What is at the place of the copy now, without the server's own znodes; empty where nothing is. */
  readonly target: WholeTree<ReadZnode>
  /** An ephemeral belongs to its session: `refuse` the copy, `skip` it, or make it `persistent`. */
  readonly ephemerals: 'refuse' | 'skip' | 'persistent'
}

/** Paths of the steps are below the root of the copy. @throws RangeError that names an ephemeral where these are refused. */
export function planCopy({ from, source, target, ephemerals }: CopyPlanOptions): ImportPlan {
  if (ephemerals === 'refuse') {
    for (const [path, { type }] of source) {
      if (type !== 'ephemeral') continue
      throw new RangeError(
        `${placed(from, path)} is an ephemeral, which belongs to its session: skip it, or make it persistent`,
      )
    }
  }
  return planImport(source, target, { ephemerals: ephemerals === 'refuse' ? 'skip' : ephemerals })
}
