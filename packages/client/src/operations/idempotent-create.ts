/** A create that succeeds where the znode is there as wanted, whichever client made it. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { CallContext } from './call.ts'
import type { CreateResult } from './create.ts'
import { find } from './reads.ts'
import { type Observed, sameBytes } from './verdict.ts'

/** Times in a row that a znode may exist when it is to be made, and not when it is looked for. */
const triesMax = 3

/** @throws KeeperError NODE_EXISTS where another znode has the name: with other data, of another kind, of another session. */
export async function createUnlessThere(
  context: CallContext,
  path: ZnodePath,
  wanted: { readonly data: Uint8Array | null; readonly mode: CreateOptions['mode'] },
  create: (options: CallOptions) => Promise<CreateResult>,
  budget: Budget,
): Promise<CreateResult> {
  // The session that ephemerals must be of is that of the call, not one that came after it.
  const { sessionId } = context.session
  for (let tries = 1; ; tries++) {
    try {
      return await create(budget.step())
    } catch (error) {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      const found = await find(context, path, budget.step()).catch((refusal: unknown) => {
        // One that may not be read is not known to be the same.
        throw KeeperError.is(refusal, 'NO_AUTH') ? error : refusal
      })
      if (found !== undefined) {
        if (!isWanted(found, wanted.data, wanted.mode ?? 'persistent', sessionId)) throw error
        return { path, stat: found.stat }
      }
      // Deleted between the two: now it can be made. A server that says so again and again shows us only one side of the tree.
      if (tries === triesMax) throw error
      await budget.again(error)
    }
  }
}

/** ACLs are left out: few may read them. */
function isWanted(
  { data, stat }: Observed,
  wanted: Uint8Array | null,
  mode: NonNullable<CreateOptions['mode']>,
  sessionId: bigint,
): boolean {
  const { kind } = stat
  const isSameKind = typeof mode === 'object' ? typeof kind === 'object' && kind.ttl === mode.ttl : kind === mode
  return isSameKind && (mode !== 'ephemeral' || stat.ephemeralOwner === sessionId) && sameBytes(data, wanted)
}
