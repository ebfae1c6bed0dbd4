/**
 * A line of waiting clients. Only the first of them watches what all wait for, so a change wakes one client. The line gives an
 * order and excludes no client: the first must still claim what it finds.
 */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { createBelow } from './container.ts'
import { gone } from './gone.ts'
import type { Limit } from './limit.ts'
import { lineOf, standingIn } from './line.ts'
import { namesBelow } from './names-below.ts'
import { createOwn, type OwnEphemeral, withdraw } from './own-ephemeral.ts'
import { below } from './paths.ts'
import { Races } from './races.ts'

const marker = 'waiting-'

export class WaitingLine {
  readonly #zk: Client
  readonly #parent: ZnodePath
  #mine: OwnEphemeral | undefined

  constructor(zk: Client, parent: ZnodePath) {
    this.#zk = zk
    this.#parent = parent
  }

  /** Resolves when this client is first. @throws the reason of the limit's signal. */
  async first(limit: Limit): Promise<void> {
    const races = new Races(this.#zk, limit.signal)
    for (;;) {
      const mine = await this.#joined(limit)
      const names = await namesBelow(this.#zk, this.#parent, limit.step)
      const standing = standingIn(lineOf(names, [marker]), mine.name)
      if (standing.kind === 'first') return
      if (standing.kind === 'gone') {
        // Its session has ended, or another client has deleted it: the next one may stay.
        this.#mine = undefined
        await races.lost(new KeeperError('NO_NODE', { path: mine.path, operation: 'children' }))
      } else {
        await gone(this.#zk, below(this.#parent, standing.name), limit)
        races.won()
      }
    }
  }

  /** Returns at once; the znode is deleted in the background. */
  leave(): void {
    const mine = this.#mine
    this.#mine = undefined
    if (mine !== undefined) void withdraw(this.#zk, mine)
  }

  /** The place of this client in the line; a new session gets a new place. */
  async #joined(limit: Limit): Promise<OwnEphemeral> {
    if (this.#mine?.epoch === this.#zk.epoch) return this.#mine
    this.leave()
    // After a lost reply the client finds the znode by its mark, so nothing stays behind.
    const options = { mode: 'ephemeral', sequential: true, protected: true, ...limit.step } as const
    const create = () => createBelow(this.#zk, below(this.#parent, marker), '', options)
    this.#mine = await createOwn(this.#zk, create, { signal: limit.signal })
    return this.#mine
  }
}
