/** The requests that a plan consists of. */
import { op, type TransactionOp, type ZnodePath } from '@lightkeeper/client'
import { parentPath } from '@lightkeeper/protocol'
import type { WriteStep } from '../write-step.ts'

/** Well below the default limit of a server for one request. */
const batchBytesMax = 512 * 1024
const batchStepsMax = 500
/** Upper bound of the bytes of an operation without its path and data. */
const opBytes = 128

export type AclStep = Extract<WriteStep, { readonly kind: 'set acl' }>
export type OtherStep = Exclude<WriteStep, AclStep>
/** One transaction, or ACLs that are set at once. */
type Batch = { readonly steps: readonly OtherStep[]; readonly acls?: undefined } | { readonly acls: readonly AclStep[] }

/**
 * No transaction sets an ACL, so ACLs wait until a step needs them: one at the same znode, or one that creates or deletes a child of
 * it. Everything else is in order, and as many steps together as are small enough.
 */
export function* batchesOf(steps: readonly WriteStep[], atOnce = false): Generator<Batch, undefined> {
  let batch: OtherStep[] = []
  let bytes = 0
  const acls = new Map<string, AclStep>()
  function* flush(): Generator<Batch, undefined> {
    if (batch.length > 0) yield { steps: batch }
    batch = []
    bytes = 0
  }
  function* flushAll(): Generator<Batch, undefined> {
    yield* flush()
    if (acls.size > 0) yield { acls: [...acls.values()] }
    acls.clear()
  }
  for (const step of steps) {
    if (step.kind === 'set acl') {
      if (acls.size >= batchStepsMax || acls.has(step.path)) yield* flushAll()
      acls.set(step.path, step)
      continue
    }
    if (acls.has(step.path) || acls.has(parentPath(step.path))) yield* flushAll()
    const size = sizeOf(step)
    if (!atOnce && (bytes + size > batchBytesMax || batch.length >= batchStepsMax)) yield* flush()
    batch.push(step)
    bytes += size
  }
  yield* flushAll()
}

function sizeOf(step: OtherStep): number {
  const data = 'data' in step ? step.data.length : 0
  const acl = 'acl' in step ? step.acl.length * opBytes : 0
  return opBytes + 3 * step.path.length + data + acl
}

export function opOf(step: OtherStep): TransactionOp<unknown> {
  const path = step.path as ZnodePath
  switch (step.kind) {
    case 'create':
      return op.create(path, step.data, { acl: step.acl, mode: step.mode })
    case 'set':
      return op.set(path, step.data, { version: step.version })
    case 'delete':
      return op.delete(path, { version: step.version })
  }
}
