/**
 * Stands in line for something that only the first in line may have: an ephemeral sequential znode of our own, and one watch on the
 * znode that we wait for. A pure function over names decides who waits for whom; tenure.ts is what the first gets.
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

/** How to create our znodes in a line. */
export interface EntrySpec {
  /** Parent of the contenders; created as a container where it is missing. */
  readonly path: ZnodePath
  /** The text between the unique mark of a name and its number: `lock-`. */
  readonly marker: string
  /** The form of the mark: `_c_<uuid>-`, or 32 hex digits. */
  readonly names: 'curator' | 'kazoo'
  readonly data?: Data | undefined
  /** The ACL of the contender, and of `path` where we create it. Znodes above `path` are shared with others. */
  readonly acl?: readonly Acl[] | undefined
  /** The uppermost znode that gets the ACL. Default `path`. */
  readonly root?: ZnodePath | undefined
}

/** A line: how to create our znodes in it, and who waits for whom, decided only from names. */
export interface LineSpec extends EntrySpec {
  standing(children: readonly string[], own: string): Standing | Outranked
  /** Called with the line whenever `own` has to wait. */
  readonly onWait?: (children: readonly string[], own: string) => void
}

/** It would be our turn, but a contender behind us goes first: we move to the end of the line. */
export interface Outranked {
  readonly kind: 'outranked'
}

/**
 * Stands in line until it is our turn. Goes to the end of the line again where the session expires or our znode is deleted
 * meanwhile. Rejects with the reason of `limit`, or with the error of a failed request; then nothing of ours is left.
 */
export async function contend(zk: Client, line: LineSpec, limit: Limit): Promise<Tenure> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, line, limit, false)
    if (turn instanceof Tenure) return turn
    if (turn !== 'busy') await again(turn, races, line)
  }
}

/** As `contend`, but resolves to undefined instead of waiting. */
export async function contendAtOnce(zk: Client, line: LineSpec, limit: Limit): Promise<Tenure | undefined> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, line, limit, true)
    if (turn instanceof Tenure) return turn
    if (turn === 'busy') return undefined
    await again(turn, races, line)
  }
}

/**
 * `vanished`: our znode was gone before we saw it in line. `gone`: it was gone later. `outranked`: another contender goes first.
 */
type Turn = Tenure | 'gone' | 'vanished' | 'outranked' | 'busy'

/**
 * Resolves when it makes sense to take another place in line. A place that was lost with its session or was deleted is a reason to
 * try again. If each new znode vanishes at once, it is not.
 * @throws KeeperError NO_NODE then; the reason of the limit.
 */
export async function again(
  turn: 'gone' | 'vanished' | 'outranked',
  races: Races,
  { path }: { readonly path: ZnodePath },
): Promise<void> {
  if (turn !== 'vanished') return races.won()
  const message = 'each znode that this client created was deleted at once, by another client'
  await races.lost(new KeeperError('NO_NODE', { path, operation: 'create', message }))
}

async function enterOnce(zk: Client, line: LineSpec, limit: Limit, isTry: boolean): Promise<Turn> {
  const entering = enter(zk, line, limit)
  // Sent right after the create: a list that has our znode is as good as a later one.
  const early = zk.children(line.path, limit.step).catch(() => undefined)
  const own = await entering
  let turn: Turn = 'vanished'
  try {
    turn = await turnOf(zk, line, own, limit, isTry, (await early)?.children)
    return turn
  } finally {
    // Sent before the caller gets the error, and not awaited: the deletion may last until the session ends.
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
  // The client looks for the znode of a create whose reply was lost, and deletes it; otherwise the next create finds it.
  const create = () => createBelow(zk, below(path, marker), data, options, { acl, root })
  return createOwn(zk, create, { signal: limit.signal, isRetried: isReplyLost })
}

/** Creates a znode of our own without a number, at a path from `nextPath` that no other client uses. */
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

/** The connection or the session was lost after the request was sent. A client with too many waiting requests refuses earlier. */
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
      // The list is not older than our znode, so it has every contender before us.
      const children = list ?? (await zk.children(line.path, limit.step)).children
      if (!isCurrent(zk, own)) return 'gone'
      const standing = line.standing(children, own.name)
      if (standing.kind === 'gone') return isInLine ? 'gone' : 'vanished'
      if (standing.kind === 'outranked') return 'outranked'
      isInLine = true
      if (standing.kind === 'first') {
        const tenure = new Tenure(zk, own)
        // Without a lease, for example after a pause of this process, nothing is certain: we go to the end of the line again.
        return tenure.signal.aborted ? 'gone' : tenure
      }
      if (isTry) return 'busy'
      line.onWait?.(children, own.name)
      const ahead = await watched(zk, below(line.path, standing.name), limit)
      if (ahead === undefined) {
        // It has left meanwhile: the next list does not have it.
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

/** Watches the znode ahead of us; undefined where it is gone already. A read then leaves no watch, but `exists` would. */
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
