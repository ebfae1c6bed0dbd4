/** The writes that make a subtree a copy of another one, perhaps of another cluster. */
import type { ZnodePath } from '@lightkeeper/client'
import { placed, type WholeTree, withoutSystem } from '../compare/compare.ts'
import type { ReadZnode } from '../compare/read-whole.ts'
import { type ImportPlan, planImport } from '../transfer/plan.ts'

export interface CopyPlanOptions {
  /** The root of what is copied. */
  readonly from: ZnodePath
  /** The path that the copy of `from` gets. */
  readonly to: ZnodePath
  /** What is at `from` now. */
  readonly source: WholeTree<ReadZnode>
  /** What is at `to` now; empty where nothing is. */
  readonly target: WholeTree<ReadZnode>
  /** An ephemeral belongs to its session: `refuse` the copy, `skip` it, or make it `persistent`. */
  readonly ephemerals: 'refuse' | 'skip' | 'persistent'
}

/** Paths of the steps are below `to`. @throws RangeError that names an ephemeral where these are refused. */
export function planCopy({ from, to, source, target, ephemerals }: CopyPlanOptions): ImportPlan {
  const own = withoutSystem(from, source)
  if (ephemerals === 'refuse') {
    for (const [path, { type }] of own) {
      if (type !== 'ephemeral') continue
      throw new RangeError(
        `${placed(from, path)} is an ephemeral, which belongs to its session: skip it, or make it persistent`,
      )
    }
  }
  return planImport(own, withoutSystem(to, target), { ephemerals: ephemerals === 'refuse' ? 'skip' : ephemerals })
}
