/**
 * A create that is never repeated blindly (Curator's protected mode): the name carries a unique mark. After a lost reply we search
 * the parent for the mark before we send anything again.
 */
import { joinPath, KeeperError, nodeName, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import { isFinal } from '../session/states.ts'
import type { CallContext } from './call.ts'
import { type CreateResult, createOnce } from './create.ts'
import { deleteOnce } from './delete.ts'
import { childrenRead, existsRead, readZnode, sync } from './reads.ts'
import { ignoreMissing } from './recover.ts'
import { uuid } from './uuid.ts'

/** Bounds of the wait between attempts to delete what an abandoned create may have left. */
const cleanUpMsMin = 1_000
const cleanUpMsMax = 30_000
const attemptsMax = 8

export async function createProtected(
  context: CallContext,
  path: ZnodePath,
  data: Uint8Array | null,
  options: CreateOptions,
  budget: Budget,
): Promise<CreateResult> {
  const { session } = context
  const { signal } = options
  const isEphemeral = options.mode === 'ephemeral'
  const parent = parentPath(path) as ZnodePath
  const id = uuid(session.runtime.random.bytes(16))
  const mark = options.protected === 'bare' ? id.replaceAll('-', '') : `_c_${id}-`
  const marked = joinPath(parent, mark + nodeName(path))
  /** A create was sent, and neither its reply nor a look at the parent has shown what happened to it. */
  let mayExist = false
  const made = (result: CreateResult): CreateResult => {
    if (isEphemeral) session.ephemerals.add(result.path)
    return result
  }
  try {
    // Each try uses a new connection, and the session pauses before it makes one. By then we know that the try before left nothing.
    for (let attempt = 1; ; attempt++) {
      try {
        return made(await createOnce(context, marked, data, { ...options, ...budget.step() }, false))
      } catch (error) {
        // An abort reason says nothing about this create, even if it is a KeeperError.
        mayExist ||= signal?.aborted === true || !KeeperError.is(error) || error.outcome === 'unknown'
        if (signal?.aborted || !mayExist || !KeeperError.is(error, 'CONNECTION_LOSS') || attempt > attemptsMax)
          throw error
      }
      const found = await findMarked(context, parent, mark, () => budget.step())
      const isOwn = !isEphemeral || found?.stat.ephemeralOwner === session.sessionId
      if (found !== undefined && isOwn) return made(found)
      // An ephemeral of an ended session would vanish soon, so it is not our result.
      if (found !== undefined) await deleteUnrecovered(context, found.path, budget.step()).catch(ignoreMissing)
      mayExist = false
    }
  } catch (error) {
    if (!mayExist) throw error
    // Whatever the reason to give up: a create that may have been executed must not leave a znode behind.
    void removeMarked(context, parent, mark)
    if (signal?.aborted || !KeeperError.is(error) || error.outcome === 'unknown') throw error
    // The search was refused or never sent; but the create before it was sent.
    throw new KeeperError(error.code, { path, operation: 'create', outcome: 'unknown', cause: error })
  }
}

/** A delete; if its reply is lost, we do not look for the outcome. */
function deleteUnrecovered(context: CallContext, path: ZnodePath, options: CallOptions): Promise<void> {
  return deleteOnce(context, path, -1, options, undefined)
}

async function findMarked(
  context: CallContext,
  parent: ZnodePath,
  mark: string,
  step: () => CallOptions,
): Promise<CreateResult | undefined> {
  try {
    // Another server may not have seen the create yet. A request that is still under way on the lost connection is executed before
    // this one, or refused since the session has moved.
    await sync(context, parent, step())
    const { children } = await readZnode(context, childrenRead, parent, step())
    const name = children.find((child) => child.startsWith(mark))
    if (name === undefined) return undefined
    const path = joinPath(parent, name)
    const stat = await readZnode(context, existsRead, path, step())
    return stat === undefined ? undefined : { path, stat }
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

/**
 * Tries until it is certain that nothing is left, or the client has ended. Any answer ends it. Only a lost connection or a missing
 * reply makes a try fail, and the next connection mends that. No caller waits for this.
 */
async function removeMarked(context: CallContext, parent: ZnodePath, mark: string): Promise<void> {
  const { session } = context
  for (let waitMs = cleanUpMsMin; !isFinal(session.state); waitMs = Math.min(cleanUpMsMax, waitMs * 2)) {
    try {
      const found = await findMarked(context, parent, mark, () => ({}))
      if (found !== undefined) await deleteUnrecovered(context, found.path, {})
      return
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE') || (KeeperError.is(error) && error.outcome === 'rejected')) return
      await new Promise<void>((resolve) => void session.runtime.clock.after(waitMs, resolve))
    }
  }
}
