/** Reads, changes, and writes if no other client wrote meanwhile; otherwise it starts again. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { Data, UpdateOptions } from '../options.ts'
import type { ZnodeStat } from '../stat.ts'
import type { CallContext } from './call.ts'
import { createZnode } from './create-call.ts'
import { find } from './reads.ts'
import { setData } from './set.ts'

export type Change = (current: Uint8Array | undefined) => Data | undefined | Promise<Data | undefined>

export interface UpdateResult {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

const empty = new Uint8Array(0)
const createdByOther = ['NODE_EXISTS'] as const
const changedByOther = ['BAD_VERSION', 'NO_NODE'] as const

/** `bytesOf` refuses a value that fits into no request, before anything is sent. */
export async function update(
  context: CallContext,
  path: ZnodePath,
  change: Change,
  bytesOf: (data: Data) => Uint8Array | null,
  options: UpdateOptions,
): Promise<UpdateResult> {
  const { idempotent = false, create = {} } = options
  const budget = context.budget('update', path, options)
  for (;;) {
    const found = await find(context, path, budget.step())
    const next = await budget.within(change(found?.data))
    if (next === undefined) {
      if (found !== undefined) return found
      throw new KeeperError('NO_NODE', { path, operation: 'update' })
    }
    const data = bytesOf(next)
    try {
      if (found === undefined) {
        const { stat } = await createZnode(context, path, data, { ...create, idempotent, ...budget.step() })
        return { data: data ?? empty, stat }
      }
      const { version } = found.stat
      const stat = await setData(context, path, data, { version, ...budget.step() }, idempotent)
      return { data: data ?? empty, stat }
    } catch (error) {
      // Another client was faster: it wrote, deleted or created the znode. The next round reads its result. A create without a
      // parent is no race, since nothing in this call creates the parent.
      const lost = found === undefined ? createdByOther : changedByOther
      if (!lost.some((code) => KeeperError.is(error, code))) throw error
      await budget.again(error)
    }
  }
}
