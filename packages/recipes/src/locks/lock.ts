/** A mutex, and what both sides of a read-write lock share with it. */
import { type Acl, type CallOptions, type Client, type Data, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { acl, oneOf } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { data } from '../arguments/values.ts'
import { contend, contendAtOnce, type LineSpec } from '../common/contender.ts'
import { within } from '../common/limit.ts'
import type { Standing } from '../common/line.ts'
import { namesBelow } from '../common/names-below.ts'
import { holderCount, type LockMarker, lockLine, lockStanding, sides } from './decide.ts'
import { Held, revocation } from './held.ts'
import { type Participant, participants } from './participants.ts'
import { type PlaceInLine, placeIn, withHolders } from './waited.ts'

/** The options of `lock`. */
export interface LockOptions {
  /**
   * The library whose names to use. Our contenders and go-zk's wait for contenders of either kind. Those of Curator and kazoo know
   * only their own kind, so use the names of the library that shares the path. Default `curator`.
   */
  readonly names?: 'curator' | 'kazoo'
  /** What others read about a client that holds the lock or waits for it. Default empty. */
  readonly data?: Data
  /**
   * The ACL of the contender, and of `path` and of the parents below it where they are created. Everybody may use the znodes above
   * `path`. Default: everybody may do everything.
   */
  readonly acl?: readonly Acl[]
}

/** Something that one client, or a number of clients, may hold at a time. */
export interface Lockable {
  /** The znode of the lock; its holders are below it. */
  readonly path: ZnodePath
  /**
   * Waits for its turn. When this rejects, nothing of ours is left in the line.
   * @throws KeeperError TIMEOUT when `timeout` has passed, with the holder and our place in line, or when no server answers; the
   * reason of `signal`; NO_AUTH, CLOSED.
   */
  acquire(options?: CallOptions): Promise<Held>
  /** As `acquire`, but returns undefined instead of waiting. */
  tryAcquire(options?: CallOptions): Promise<Held | undefined>
  /** The current holders, as the connected server knows them. */
  holders(options?: CallOptions): Promise<Participant[]>
  /** The waiting clients, first come first. */
  waiting(options?: CallOptions): Promise<Participant[]>
  /**
   * Asks all holders to release it, as Curator's `Revoker` does: their `revoked` aborts. Resolves to the number of holders that
   * were asked.
   */
  revoke(options?: CallOptions): Promise<number>
}

/**
 * One holder at a time at `path`, in the order of the requests. Not reentrant: a holder that asks again waits for itself; pass the
 * handle on instead. Sends nothing before `acquire`.
 */
export function lock(zk: Client, path: ZnodePath, options: LockOptions = {}): Lockable {
  checkPlaceOrRoot(zk, path, 'lock')
  const own = lockOptions(options, 'lock')
  return new LineLock(zk, path, own.names === 'kazoo' ? '__lock__' : 'lock-', own, 'lock')
}

/** One row for each of `LockOptions`. */
export const lockTable = { names: oneOf('curator', 'kazoo'), data, acl }
export const lockOptions = optionsOf<LockOptions>(lockTable)

export class LineLock implements Lockable {
  readonly path: ZnodePath
  readonly #zk: Client
  readonly #operation: string
  readonly #line: LineSpec

  constructor(zk: Client, path: ZnodePath, marker: LockMarker, options: LockOptions, operation: string) {
    const { names = 'curator', data, acl } = options
    this.path = path
    this.#zk = zk
    this.#operation = operation
    const standing = (children: readonly string[], own: string): Standing => lockStanding(children, own, sides[marker])
    this.#line = { path, marker, names, data, acl, standing }
  }

  async acquire(options?: CallOptions): Promise<Held> {
    const own = callOptions(options, `${this.#operation}.acquire`)
    let place: PlaceInLine | undefined
    const onWait = (children: readonly string[], name: string): void => {
      place = placeIn(lockLine(children), name)
    }
    try {
      return await within(this.#zk, this.#operation, this.path, own, async (limit) => {
        return new Held(await contend(this.#zk, { ...this.#line, onWait }, limit))
      })
    } catch (error) {
      const what = { operation: this.#operation, path: this.path, signal: own.signal }
      throw await withHolders(this.#zk, error, what, place, (step) => this.holders(step))
    }
  }

  async tryAcquire(options?: CallOptions): Promise<Held | undefined> {
    const own = callOptions(options, `${this.#operation}.tryAcquire`)
    return within(this.#zk, this.#operation, this.path, own, async (limit) => {
      const tenure = await contendAtOnce(this.#zk, this.#line, limit)
      return tenure && new Held(tenure)
    })
  }

  async holders(options?: CallOptions): Promise<Participant[]> {
    const own = callOptions(options, `${this.#operation}.holders`)
    const line = lockLine(await namesBelow(this.#zk, this.path, own))
    return participants(this.#zk, this.path, line.slice(0, holderCount(line)), own)
  }

  async waiting(options?: CallOptions): Promise<Participant[]> {
    const own = callOptions(options, `${this.#operation}.waiting`)
    const line = lockLine(await namesBelow(this.#zk, this.path, own))
    return participants(this.#zk, this.path, line.slice(holderCount(line)), own)
  }

  async revoke(options?: CallOptions): Promise<number> {
    const own = callOptions(options, `${this.#operation}.revoke`)
    return ask(this.#zk, await this.holders(own), own)
  }
}

/** Writes the data of a revocation into the znodes of `holders`. Resolves to the number of those that still existed. */
export async function ask(zk: Client, holders: readonly Participant[], options: CallOptions): Promise<number> {
  const asked = await Promise.all(
    holders.map(async ({ path }) => {
      try {
        await zk.set(path, revocation, { ...options, idempotent: true })
        return 1
      } catch (error) {
        if (KeeperError.is(error, 'NO_NODE')) return 0
        throw error
      }
    }),
  )
  return asked.reduce<number>((sum, one) => sum + one, 0)
}
