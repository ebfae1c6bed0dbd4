/**
 * Standing in line for something only the first may have: an ephemeral sequential znode of our own, and one watch, on the one
 * znode to wait for. Who waits for whom is decided by a pure function over names; what is had then lives in tenure.ts.
 */
import {
  type Acl,
  type Client,
  type CreateResult,
  type Data,
  KeeperError,
  type WatchedEvent,
  type ZnodePath,
} from '@lightkeeper/client'
import { Backoff } from './backoff.ts'
import { createBelow } from './container.ts'
import { deleteSurely } from './delete-surely.ts'
import { firstOf } from './first-of.ts'
import type { Limit } from './limit.ts'
import type { Standing } from './line.ts'
import { below, nameOf } from './paths.ts'
import { Races } from './races.ts'
import { Tenure } from './tenure.ts'

export interface Contest {
  /** Parent of the contenders; made as a container where it is missing. */
  readonly path: ZnodePath
  /** What stands between the unique mark of a name and its number: `lock-`. */
  readonly marker: string
  /** How the mark looks: `_c_<uuid>-`, or 32 hex digits. */
  readonly names: 'curator' | 'kazoo'
  readonly data?: Data | undefined
  /** The ACL of the contender, and of `path` where it is made; what stands above that is shared with others. */
  readonly acl?: readonly Acl[] | undefined
  /** The uppermost znode that gets the ACL. Default `path`. */
  readonly root?: ZnodePath | undefined
}

/** It would be our turn, and somebody behind us is to have it: we go to the end of the line. */
export interface Outranked {
  readonly kind: 'outranked'
}

/** Who waits for whom, from names alone. */
export interface Rule {
  /** Hears of the line whenever it has to wait in it. */
  readonly onWait?: (children: readonly string[], own: string) => void
  standing(children: readonly string[], own: string): Standing | Outranked
}

/** A znode of ours that stands in line. */
export interface Contender {
  readonly path: ZnodePath
  readonly name: string
  readonly czxid: bigint
  /** The session it belongs to. */
  readonly sessionId: bigint
  readonly epoch: number
}

/**
 * Stands in line until it is our turn. Where the session expires or somebody deletes our znode meanwhile, at its end again.
 * Rejects with the reason of `limit`, and with what a request of it fails with; nothing of ours is left then.
 */
export async function contend(zk: Client, contest: Contest & Rule, limit: Limit): Promise<Tenure> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, contest, limit, false)
    if (turn instanceof Tenure) return turn
    if (turn !== 'busy') await again(turn, races, contest)
  }
}

/** As `contend`, but resolves to undefined where that would mean to wait. */
export async function contendAtOnce(zk: Client, contest: Contest & Rule, limit: Limit): Promise<Tenure | undefined> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const turn = await enterOnce(zk, contest, limit, true)
    if (turn instanceof Tenure) return turn
    if (turn === 'busy') return undefined
    await again(turn, races, contest)
  }
}

/** `vanished`: it was gone before it was seen in line. `gone`: afterwards. `outranked`: another goes first. */
type Turn = Tenure | 'gone' | 'vanished' | 'outranked' | 'busy'

/**
 * The next place in line may last: this one went with its session, or by somebody's hand. Not where each vanishes as soon as it
 * is made.
 * @throws KeeperError NO_NODE then; the reason of the limit.
 */
export async function again(turn: 'gone' | 'vanished' | 'outranked', races: Races, { path }: Contest): Promise<void> {
  if (turn !== 'vanished') return races.won()
  const message = 'each znode made here was gone as soon as it was made: somebody deletes them'
  await races.lost(new KeeperError('NO_NODE', { path, operation: 'create', message }))
}

async function enterOnce(zk: Client, contest: Contest & Rule, limit: Limit, isTry: boolean): Promise<Turn> {
  const entering = enter(zk, contest, limit)
  // Right behind it, and not after its reply: a list that has our znode in it is as good as one asked for later.
  const early = zk.children(contest.path, limit.step).catch(() => undefined)
  const contender = await entering
  let turn: Turn = 'vanished'
  try {
    turn = await turnOf(zk, contest, contender, limit, isTry, (await early)?.children)
    return turn
  } finally {
    // Sent before whoever waits for us hears of it, and not waited for: it may take until the session ends.
    if (!(turn instanceof Tenure)) void withdraw(zk, contender)
  }
}

/** Creates a znode of our own at the end of the line. */
export function enter(zk: Client, contest: Contest, limit: Limit): Promise<Contender> {
  const { path, marker, names, data = '', acl, root } = contest
  return entered(zk, limit, () =>
    createBelow(
      zk,
      below(path, marker),
      data,
      {
        mode: 'ephemeral',
        sequential: true,
        protected: names === 'kazoo' ? 'bare' : true,
        ...limit.step,
        ...(acl === undefined ? {} : { acl }),
      },
      { acl, root },
    ),
  )
}

/** Creates a znode of our own under a name nobody else uses, without a number. */
export async function enterAs(
  zk: Client,
  path: ZnodePath,
  { data = '', acl }: Pick<Contest, 'data' | 'acl'>,
  limit: Limit,
): Promise<Contender> {
  try {
    const options = { mode: 'ephemeral', ...limit.step, ...(acl === undefined ? {} : { acl }) } as const
    return await entered(zk, limit, () => zk.create(path, data, options))
  } catch (error) {
    // It may have been made all the same; in a session before this one, then it goes with that.
    void deleteSurely(zk, path, zk.epoch)
    throw error
  }
}

async function entered(zk: Client, limit: Limit, create: () => Promise<CreateResult>): Promise<Contender> {
  const backoff = new Backoff(zk)
  for (;;) {
    try {
      const { path, stat } = await create()
      const { czxid, ephemeralOwner: sessionId } = stat
      // A session other than at the start of the call may have made it; one that is gone by now takes it with it.
      if (sessionId === zk.sessionId) return { path, name: nameOf(path), czxid, sessionId, epoch: zk.epoch }
    } catch (error) {
      // What a lost create may have left is looked for and removed by the client, or is found by the next.
      const isWorthAnother = KeeperError.is(error, 'SESSION_EXPIRED') || isReplyLost(error)
      if (limit.signal.aborted || !isWorthAnother) throw error
    }
    await backoff.pause(limit.signal)
    limit.signal.throwIfAborted()
  }
}

/** Sent, and the connection lost: not refused since too many wait for one. */
function isReplyLost(error: unknown): boolean {
  return KeeperError.is(error, 'CONNECTION_LOSS') && error.outcome === 'unknown'
}

/** Gives up the place in line. Resolves once the znode is gone, or bound to go with its session. */
export function withdraw(zk: Client, { path, epoch }: Contender): Promise<unknown> {
  return deleteSurely(zk, path, epoch)
}

/** Whether its znode may still be there: no other session ever makes one of that name. */
export function isCurrent(zk: Client, { sessionId, epoch }: Contender): boolean {
  return zk.sessionId === sessionId && zk.epoch === epoch
}

async function turnOf(
  zk: Client,
  contest: Contest & Rule,
  contender: Contender,
  limit: Limit,
  isTry: boolean,
  early: readonly string[] | undefined,
): Promise<Turn> {
  let isInLine = false
  const races = new Races(zk, limit.signal)
  try {
    for (let list = early?.includes(contender.name) ? early : undefined; ; list = undefined) {
      // Not older than our znode, so that everybody before us is in it.
      const children = list ?? (await zk.children(contest.path, limit.step)).children
      if (!isCurrent(zk, contender)) return 'gone'
      const standing = contest.standing(children, contender.name)
      if (standing.kind === 'gone') return isInLine ? 'gone' : 'vanished'
      if (standing.kind === 'outranked') return 'outranked'
      isInLine = true
      if (standing.kind === 'first') {
        const tenure = new Tenure(zk, contender)
        // Without a lease, as after a pause of this process, there is nothing to stand on: once more, at the end of the line.
        return tenure.signal.aborted ? 'gone' : tenure
      }
      if (isTry) return 'busy'
      contest.onWait?.(children, contender.name)
      const ahead = await watched(zk, below(contest.path, standing.name), limit)
      if (ahead === undefined) {
        // It has left meanwhile: the next list is without it.
        await races.lost(notThere(below(contest.path, standing.name)), standing.name)
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

/** The parent is not there, or the session is over, and our znode with either. A server may say the latter before it hangs up. */
export function isGone(error: unknown): error is KeeperError {
  return KeeperError.is(error, 'NO_NODE') || KeeperError.is(error, 'SESSION_EXPIRED')
}

function notThere(path: ZnodePath): KeeperError {
  const message = 'the list of children names a znode that is not there'
  return new KeeperError('DATA_INCONSISTENCY', { path, operation: 'get', message })
}

/** Watches the one ahead of us; undefined where it is gone already. Reading leaves no watch then, as `exists` would. */
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
