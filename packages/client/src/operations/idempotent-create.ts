/** A create whose success is that the znode is there as wanted, whoever made it. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { CreateResult } from './op.ts'
import { type Observed, sameBytes } from './verdict.ts'

export interface IdempotentHost {
  readonly sessionId: bigint
  create(step: CallOptions): Promise<CreateResult>
  find(step: CallOptions): Promise<Observed | undefined>
}

/** Times in a row that a znode may exist when it is to be made, and not when it is looked for. */
const triesMax = 3

/** @throws KeeperError NODE_EXISTS where another znode has the name: with other data, of another kind, of another session. */
export async function createUnlessThere(
  host: IdempotentHost,
  path: ZnodePath,
  wanted: { readonly data: Uint8Array | null; readonly mode: CreateOptions['mode'] },
  budget: Budget,
): Promise<CreateResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await host.create(budget.step())
    } catch (error) {
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      const found = await host.find(budget.step()).catch((refusal: unknown) => {
        // One that may not be read is not known to be the same.
        throw KeeperError.is(refusal, 'NO_AUTH') ? error : refusal
      })
      if (found !== undefined) {
        if (!isWanted(found, wanted.data, wanted.mode ?? 'persistent', host.sessionId)) throw error
        return { path, stat: found.stat }
      }
      // Deleted between the two: now it can be made. Whoever says so again and again shows us only one side of the tree.
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
