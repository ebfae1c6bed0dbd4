/**
 * Standing in line for something that only the first may have: an ephemeral sequential znode of our own, and one watch, on the one
 * znode to wait for. A pure function over names decides who waits for whom; tenure.ts is what the first gets.
 */
import { type Acl, type Client, type Data, KeeperError, type WatchedEvent, type ZnodePath } from '@lightkeeper/client'
import { createBelow } from './container.ts'
import { isGone } from './errors.ts'
import { firstOf } from './first-of.ts'
import type { Limit } from './limit.ts'
import type { Standing } from './line.ts'
import { createOwn, createOwnAt, isCurrent, type OwnEphemeral, withdraw } from './own-ephemeral.ts'
import { below } from './paths.ts'
import { Races } from './races.ts'
import { Tenure } from './tenure.ts'

/** How our znodes in a line are made. */
export interface EntrySpec {
  /** Parent of the contenders; made as a container where it is missing. */
  readonly path: ZnodePath
  /** What stands between the unique mark of a name and its number: `lock-`. */
  readonly marker: string
  /** The form of the mark: `_c_<uuid>-`, or 32 hex digits. */
  readonly names: 'curator' | 'kazoo'
  readonly data?: Data | undefined
  /** The ACL of the contender, and of `path` where it is made; what stands above that is shared with others. */
  readonly acl?: readonly Acl[] | undefined
  /** The uppermost znode that gets the ACL. Default `path`. */
  readonly root?: ZnodePath | undefined
}

/** A line: how our znodes in it are made, and who waits for whom in it, from names alone. */
export interface LineSpec extends EntrySpec {
  standing(children: readonly string[], own: string): Standing | Outranked
  /** Called with the line whenever `own` has to wait in it. */
  readonly onWait?: (children: readonly string[], own: string) => void
}

/** It would be our turn, but a contender behind us goes first: we go to the end of the line. */
export interface Outranked {
  readonly kind: 'outranked'
}

/**
 * Stands in line until it is our turn. Goes to the end of the line again where the session expires or our znode is deleted meanwhile.
 * Rejects with the reason of `limit`, and with the error of a request that failed; nothing of ours is left then.
 */
export async function contend(zk: Client, line: LineSpec, limit: Limit): Promise<Tenure> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, line, limit, false)
    if (turn instanceof Tenure) return turn
    if (turn !== 'busy') await again(turn, races, line)
  }
}

/** As `contend`, but resolves to undefined where that would mean to wait. */
export async function contendAtOnce(zk: Client, line: LineSpec, limit: Limit): Promise<Tenure | undefined> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, line, limit, true)
    if (turn instanceof Tenure) return turn
    if (turn === 'busy') return undefined
    await again(turn, races, line)
  }
}

/** `vanished`: it was gone before it was seen in line. `gone`: afterwards. `outranked`: another goes first. */
type Turn = Tenure | 'gone' | 'vanished' | 'outranked' | 'busy'

/**
 * Resolves when it makes sense to take another place in line. A place that went with its session or was deleted is worth another;
 * where each znode vanishes as soon as it is made, it is not.
 * @throws KeeperError NO_NODE then; the reason of the limit.
 */
export async function again(
  turn: 'gone' | 'vanished' | 'outranked',
  races: Races,
  { path }: { readonly path: ZnodePath },
): Promise<void> {
  if (turn !== 'vanished') return races.won()
  const message = 'each znode made here was gone at once: another client deletes them'
  await races.lost(new KeeperError('NO_NODE', { path, operation: 'create', message }))
}

async function enterOnce(zk: Client, line: LineSpec, limit: Limit, isTry: boolean): Promise<Turn> {
  const entering = enter(zk, line, limit)
  // Sent right behind the create: a list that has our znode in it is as good as one asked for later.
  const early = zk.children(line.path, limit.step).catch(() => undefined)
  const own = await entering
  let turn: Turn = 'vanished'
  try {
    turn = await turnOf(zk, line, own, limit, isTry, (await early)?.children)
    return turn
  } finally {
    // Sent before the caller learns of it, and not waited for: it may take until the session ends.
    if (!(turn instanceof Tenure)) void withdraw(zk, own)
  }
}

/** Creates a znode of our own at the end of the line. */
export function enter(zk: Client, spec: EntrySpec, limit: Limit): Promise<OwnEphemeral> {
  const { path, marker, names, data = '', acl, root } = spec
  const options = {
    mode: 'ephemeral',
    sequential: true,
    protected: names === 'kazoo' ? 'bare' : true,
    ...limit.step,
    ...(acl === undefined ? {} : { acl }),
  } as const
  // The client looks for what a lost create may have left, and removes it, or the next create finds it.
  const create = () => createBelow(zk, below(path, marker), data, options, { acl, root })
  return createOwn(zk, create, { signal: limit.signal, isRetried: isReplyLost })
}

/** Creates a znode of our own without a number, at a path that `nextPath` gives and no other client uses. */
export function enterAt(
  zk: Client,
  nextPath: () => ZnodePath,
  { data = '', acl }: Pick<EntrySpec, 'data' | 'acl'>,
  limit: Limit,
): Promise<OwnEphemeral> {
  const options = { mode: 'ephemeral', ...limit.step, ...(acl === undefined ? {} : { acl }) } as const
  const how = { signal: limit.signal, isRetried: isReplyLost }
  return createOwnAt(zk, nextPath, (path) => zk.create(path, data, options), how)
}

/** The connection or the session was lost after the request was sent. A client with too many requests waiting refuses before that. */
function isReplyLost(error: unknown): boolean {
  if (KeeperError.is(error, 'SESSION_EXPIRED')) return true
  return KeeperError.is(error, 'CONNECTION_LOSS') && error.outcome === 'unknown'
}

async function turnOf(
  zk: Client,
  line: LineSpec,
  own: OwnEphemeral,
  limit: Limit,
  isTry: boolean,
  early: readonly string[] | undefined,
): Promise<Turn> {
  let isInLine = false
  const races = new Races(zk, limit.signal)
  try {
    for (let list = early?.includes(own.name) ? early : undefined; ; list = undefined) {
      // Not older than our znode, so every contender before us is in it.
      const children = list ?? (await zk.children(line.path, limit.step)).children
      if (!isCurrent(zk, own)) return 'gone'
      const standing = line.standing(children, own.name)
      if (standing.kind === 'gone') return isInLine ? 'gone' : 'vanished'
      if (standing.kind === 'outranked') return 'outranked'
      isInLine = true
      if (standing.kind === 'first') {
        const tenure = new Tenure(zk, own)
        // Without a lease, as after a pause of this process, nothing is certain: go to the end of the line again.
        return tenure.signal.aborted ? 'gone' : tenure
      }
      if (isTry) return 'busy'
      line.onWait?.(children, own.name)
      const ahead = await watched(zk, below(line.path, standing.name), limit)
      if (ahead === undefined) {
        // It has left meanwhile: the next list is without it.
        await races.lost(notThere(below(line.path, standing.name)), standing.name)
        continue
      }
      await firstOf([ahead.changed], limit.signal)
      limit.signal.throwIfAborted()
    }
  } catch (error) {
    if (isGone(error) && !limit.signal.aborted) return isInLine || error.code !== 'NO_NODE' ? 'gone' : 'vanished'
    throw error
  }
}

function notThere(path: ZnodePath): KeeperError {
  const message = 'the list of children names a znode that does not exist'
  return new KeeperError('DATA_INCONSISTENCY', { path, operation: 'get', message })
}

/** Watches the one ahead of us; undefined where it is gone already. A read leaves no watch then, as `exists` would. */
async function watched(
  zk: Client,
  path: ZnodePath,
  limit: Limit,
): Promise<{ readonly changed: Promise<WatchedEvent> } | undefined> {
  try {
    const { changed } = await zk.get(path, { ...limit.step, watch: true })
    return changed && { changed }
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE') && !limit.signal.aborted) return undefined
    throw error
  }
}
