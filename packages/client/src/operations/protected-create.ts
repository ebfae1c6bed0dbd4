/**
 * A create that is not repeated blindly (Curator's protected mode): the name carries a mark of its own, and after a lost reply
 * the parent is searched for it before anything is sent again.
 */
import { joinPath, KeeperError, nodeName, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import type { CallOptions, CreateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { ZnodeStat } from '../stat.ts'
import type { CreateResult } from './op.ts'

/** What it needs of a client. */
export interface CreateHost {
  readonly clock: Clock
  readonly random: Random
  readonly sessionId: bigint
  readonly isOver: boolean
  /** One attempt, whose lost reply nobody looks into. */
  createOnce(path: ZnodePath, options: CallOptions): Promise<CreateResult>
  deleteOnce(path: ZnodePath, options: CallOptions): Promise<void>
  sync(path: ZnodePath, options: CallOptions): Promise<void>
  names(path: ZnodePath, options: CallOptions): Promise<readonly string[]>
  stat(path: ZnodePath, options: CallOptions): Promise<ZnodeStat | undefined>
}

/** Bounds of the wait between attempts to remove what a create that was given up may have left. */
const cleanUpMsMin = 1_000
const cleanUpMsMax = 30_000
const attemptsMax = 8

export async function createProtected(
  host: CreateHost,
  path: ZnodePath,
  mode: CreateOptions['mode'],
  layout: 'curator' | 'bare',
  budget: Budget,
  signal?: AbortSignal,
): Promise<CreateResult> {
  const parent = parentPath(path) as ZnodePath
  const id = uuid(host.random.bytes(16))
  const mark = layout === 'bare' ? id.replaceAll('-', '') : `_c_${id}-`
  const marked = joinPath(parent, mark + nodeName(path))
  /** A create went out, and neither its reply nor a look at the parent has told what became of it. */
  let mayExist = false
  try {
    // Each try is on another connection than the last, which the session does not make without a pause. It is known by then that
    // the one before left nothing.
    for (let attempt = 1; ; attempt++) {
      try {
        return await host.createOnce(marked, budget.step())
      } catch (error) {
        // The reason of a signal tells of something else, also where it is an error of ours.
        mayExist ||= signal?.aborted === true || !KeeperError.is(error) || error.outcome === 'unknown'
        if (signal?.aborted || !mayExist || !KeeperError.is(error, 'CONNECTION_LOSS') || attempt > attemptsMax)
          throw error
      }
      const found = await findMarked(host, parent, mark, () => budget.step())
      const isOwn = mode !== 'ephemeral' || found?.stat.ephemeralOwner === host.sessionId
      if (found !== undefined && isOwn) return found
      // Made by a session that is gone: it would vanish under us.
      if (found !== undefined) await host.deleteOnce(found.path as ZnodePath, budget.step()).catch(ignoreMissing)
      mayExist = false
    }
  } catch (error) {
    if (!mayExist) throw error
    // Whatever gave up here, a create that may have gone through must not stay behind.
    void removeMarked(host, parent, mark)
    if (signal?.aborted || !KeeperError.is(error) || error.outcome === 'unknown') throw error
    // The search was refused or never sent; the create before it was sent.
    throw new KeeperError(error.code, { path, operation: 'create', outcome: 'unknown', cause: error })
  }
}

async function findMarked(
  host: CreateHost,
  parent: ZnodePath,
  mark: string,
  step: () => CallOptions,
): Promise<CreateResult | undefined> {
  try {
    // Another server may not have heard of the create yet. Any request under way from the connection that was lost is executed
    // before this one, or refused since the session has moved.
    await host.sync(parent, step())
    const name = (await host.names(parent, step())).find((child) => child.startsWith(mark))
    if (name === undefined) return undefined
    const path = joinPath(parent, name)
    const stat = await host.stat(path, step())
    return stat === undefined ? undefined : { path, stat }
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

/**
 * Goes on until it is certain that nothing is left, or nobody is left to ask: an answer ends it, whatever it is. A try fails alone
 * where the connection was lost or nothing came, which the next connection mends. Nobody waits for this.
 */
async function removeMarked(host: CreateHost, parent: ZnodePath, mark: string): Promise<void> {
  for (let waitMs = cleanUpMsMin; !host.isOver; waitMs = Math.min(cleanUpMsMax, waitMs * 2)) {
    try {
      const found = await findMarked(host, parent, mark, () => ({}))
      if (found !== undefined) await host.deleteOnce(found.path as ZnodePath, {})
      return
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE') || (KeeperError.is(error) && error.outcome === 'rejected')) return
      await new Promise<void>((resolve) => void host.clock.after(waitMs, resolve))
    }
  }
}

export function ignoreMissing(error: unknown): void {
  if (!KeeperError.is(error, 'NO_NODE')) throw error
}

/** Random bytes as a version 4 UUID, the form Curator uses. */
export function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte, i) => {
    const value = i === 6 ? (byte & 0x0f) | 0x40 : i === 8 ? (byte & 0x3f) | 0x80 : byte
    return value.toString(16).padStart(2, '0')
  }).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
