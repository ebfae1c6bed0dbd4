/** A mutex, and what it has in common with the two sides of a read-write lock. */
import { type Acl, type CallOptions, type Client, type Data, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { callOptions } from '../arguments/calls.ts'
import { acl, checkPlaceOrRoot, data, oneOf, optionsOf } from '../arguments/checks.ts'
import { type Contest, contend, contendAtOnce, type Rule } from '../common/contender.ts'
import { within } from '../common/limit.ts'
import type { Standing } from '../common/line.ts'
import { namesBelow } from '../common/names-below.ts'
import { holderCount, type LockMarker, lockLine, lockStanding, sides } from './decide.ts'
import { Held, revocation } from './held.ts'
import { type Participant, participants } from './participants.ts'
import { type Place, placeIn, withHolders } from './waited.ts'

export interface LockOptions {
  /**
   * Whose names to use. Ours wait for contenders of either kind, and so does go-zk; Curator's and kazoo's own ones know only
   * their kind, so take theirs where you join them. Default `curator`.
   */
  readonly names?: 'curator' | 'kazoo'
  /** What others read of whoever holds the lock or waits for it. Default empty. */
  readonly data?: Data
  /**
   * The ACL of the znode in line, and of the directories of this lock alone, at and below `path`, where they are made. What stands above
   * `path` is shared with others, and open to all. Default: everybody may do everything.
   */
  readonly acl?: readonly Acl[]
}

/** Something that one, or a number of them, may have at a time. */
export interface Lockable {
  readonly path: ZnodePath
  /**
   * Waits for its turn. What is left in the line when this rejects is removed.
   * @throws KeeperError TIMEOUT when `timeout` is over, which says who has it and the place in line, or when no server answers; the reason of `signal`; NO_AUTH, CLOSED.
   */
  acquire(options?: CallOptions): Promise<Held>
  /** Undefined where that would mean to wait. */
  tryAcquire(options?: CallOptions): Promise<Held | undefined>
  /** Who has it now, as the server connected to knows. */
  holders(options?: CallOptions): Promise<Participant[]>
  /** Who waits for it, first come first. */
  waiting(options?: CallOptions): Promise<Participant[]>
  /** Asks all holders to let go, as Curator's `Revoker`: their `revoked` aborts. Resolves to how many were asked. */
  revoke(options?: CallOptions): Promise<number>
}

/**
 * One holder at a time, in the order of asking, at `path`. Not reentrant: who holds it and asks again waits for itself; pass
 * the handle on instead. Sends nothing before `acquire`.
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
  readonly #contest: Contest & Rule

  constructor(zk: Client, path: ZnodePath, marker: LockMarker, options: LockOptions, operation: string) {
    const { names = 'curator', data, acl } = options
    this.path = path
    this.#zk = zk
    this.#operation = operation
    const standing = (children: readonly string[], own: string): Standing => lockStanding(children, own, sides[marker])
    this.#contest = { path, marker, names, data, acl, standing }
  }

  async acquire(options?: CallOptions): Promise<Held> {
    const own = callOptions(options, `${this.#operation}.acquire`)
    let place: Place | undefined
    const onWait = (children: readonly string[], name: string): void => {
      place = placeIn(lockLine(children), name)
    }
    try {
      return await within(this.#zk, this.#operation, this.path, own, async (limit) => {
        return new Held(await contend(this.#zk, { ...this.#contest, onWait }, limit))
      })
    } catch (error) {
      const what = { operation: this.#operation, path: this.path, signal: own.signal }
      throw await withHolders(this.#zk, error, what, place, (step) => this.holders(step))
    }
  }

  async tryAcquire(options?: CallOptions): Promise<Held | undefined> {
    const own = callOptions(options, `${this.#operation}.tryAcquire`)
    return within(this.#zk, this.#operation, this.path, own, async (limit) => {
      const tenure = await contendAtOnce(this.#zk, this.#contest, limit)
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

/** Writes the word into the znodes of `holders`; returns how many of them were still there. */
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
