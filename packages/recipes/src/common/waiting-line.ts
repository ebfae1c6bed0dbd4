/**
 * A line of waiting clients, of whom the first alone watches what all of them wait for: no herd. It orders; it excludes nobody,
 * so whoever is first must still claim what it finds.
 */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { createBelow } from './container.ts'
import { deleteSurely } from './delete-surely.ts'
import { gone } from './gone.ts'
import type { Limit } from './limit.ts'
import { lineOf, standingIn } from './line.ts'
import { below, nameOf } from './paths.ts'
import { Races } from './races.ts'
import { repeat } from './repeat.ts'

const marker = 'waiting-'

export class WaitingLine {
  readonly #zk: Client
  readonly #parent: ZnodePath
  #mine: { readonly path: ZnodePath; readonly epoch: number } | undefined

  constructor(zk: Client, parent: ZnodePath) {
    this.#zk = zk
    this.#parent = parent
  }

  /** Resolves when this client is first. @throws the reason of the limit's signal. */
  async first(limit: Limit): Promise<void> {
    const races = new Races(this.#zk, limit.signal)
    for (;;) {
      if (this.#mine?.epoch !== this.#zk.epoch) await this.#join(limit)
      const mine = this.#mine
      if (mine === undefined) continue
      const standing = standingIn(lineOf(await this.#names(limit), [marker]), nameOf(mine.path))
      if (standing.kind === 'first') return
      if (standing.kind === 'gone') {
        // Of a session that is over, or deleted by somebody: the next may stay.
        this.#mine = undefined
        await races.lost(new KeeperError('NO_NODE', { path: mine.path, operation: 'children' }))
      } else {
        await gone(this.#zk, below(this.#parent, standing.name), limit)
        races.won()
      }
    }
  }

  /** Resolves at once; the znode goes in the background. */
  leave(): void {
    const mine = this.#mine
    this.#mine = undefined
    if (mine !== undefined) void deleteSurely(this.#zk, mine.path, mine.epoch)
  }

  async #join(limit: Limit): Promise<void> {
    this.leave()
    // Of one whose reply was lost nothing stays behind: the client finds it by its mark.
    const options = { mode: 'ephemeral', sequential: true, protected: true } as const
    const { path, stat } = await repeat(this.#zk, limit, (own) =>
      createBelow(this.#zk, below(this.#parent, marker), '', { ...options, ...own }),
    )
    // Of a session that has ended meanwhile it goes by itself.
    const isOurs = stat.ephemeralOwner === this.#zk.sessionId
    this.#mine = isOurs ? { path, epoch: this.#zk.epoch } : undefined
  }

  async #names(limit: Limit): Promise<readonly string[]> {
    try {
      return (await this.#zk.children(this.#parent, limit.step)).children
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE')) return []
      throw error
    }
  }
}
