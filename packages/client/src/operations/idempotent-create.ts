/** A create that succeeds where the wanted znode exists already, whichever client created it. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { CallContext } from './call.ts'
import type { CreateResult } from './create.ts'
import { find } from './reads.ts'
import { type Observed, sameBytes } from './verdict.ts'

/** How many times in a row the create may find the znode and the read not find it. */
const triesMax = 3

/**
 * @throws KeeperError NODE_EXISTS where another znode has the name: one with other data, of another kind, or of another session.
 */
export async function createUnlessThere(
  context: CallContext,
  path: ZnodePath,
  wanted: { readonly data: Uint8Array | null; readonly mode: CreateOptions['mode'] },
  create: (options: CallOptions) => Promise<CreateResult>,
  budget: Budget,
): Promise<CreateResult> {
  // An ephemeral must belong to the session of this call, not to a later session.
  const { sessionId } = context.session
  for (let tries = 1; ; tries++) {
    try {
      return await create(budget.step())
    } catch (error) {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      const found = await find(context, path, budget.step()).catch((refusal: unknown) => {
        // We cannot know that a znode is the same if we may not read it.
        throw KeeperError.is(refusal, 'NO_AUTH') ? error : refusal
      })
      if (found !== undefined) {
        if (!isWanted(found, wanted.data, wanted.mode ?? 'persistent', sessionId)) throw error
        return { path, stat: found.stat }
      }
      // The znode was deleted between the two, so we can create it now. A server that answers this again and again shows us only
      // one side of the tree.
      if (tries === triesMax) throw error
      await budget.again(error)
    }
  }
}

/** ACLs are not compared: few clients may read them. */
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
