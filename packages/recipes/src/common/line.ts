/**
 * A line of waiting clients, of whom the first alone watches what all of them wait for: no herd. It orders; it excludes nobody,
 * so whoever is first must still claim what it finds.
 */
import { type Client, KeeperError, sequenceOf, type ZnodePath } from '@lightkeeper/client'
import { deleteSurely } from './delete-surely.ts'
import type { Limit } from './limit.ts'
import { repeat } from './repeat.ts'

/** Follows `_c_<uuid>-` in the names of those who wait. */
const waitingName = 'waiting-'
const waitingPattern = /^_c_[0-9a-f-]+-waiting-(-?\d{10,})$/

/** The one right before `mine`; `first` where there is none; undefined where `mine` is not in the line. */
export function placeInLine(names: readonly string[], mine: string): { readonly behind: string } | 'first' | undefined {
  const line = names
    .filter((name) => waitingPattern.test(name))
    .sort((a, b) => (sequenceOf(a) ?? 0) - (sequenceOf(b) ?? 0))
  const at = line.indexOf(mine)
  if (at < 0) return undefined
  const behind = line[at - 1]
  return behind === undefined ? 'first' : { behind }
}

export class Line {
  readonly #zk: Client
  readonly #parent: ZnodePath
  #mine: { readonly path: ZnodePath; readonly epoch: number } | undefined

  constructor(zk: Client, parent: ZnodePath) {
    this.#zk = zk
    this.#parent = parent
  }

  /** Resolves when this client is first. @throws the reason of the limit's signal. */
  async first(limit: Limit): Promise<void> {
    for (;;) {
      if (this.#mine?.epoch !== this.#zk.epoch) await this.#join(limit)
      const name = (this.#mine?.path ?? '').slice(this.#parent.length + 1)
      const place = placeInLine(await this.#names(limit), name)
      if (place === 'first') return
      if (place === undefined) this.#mine = undefined
      else await gone(this.#zk, `${this.#parent}/${place.behind}` as ZnodePath, limit)
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
    const options = { mode: 'ephemeral', sequential: true, protected: true, parents: 'container' } as const
    const { path, stat } = await repeat(this.#zk, limit, (own) =>
      this.#zk.create(`${this.#parent}/${waitingName}` as ZnodePath, '', { ...options, ...own }),
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

/** Resolves when the znode is not there. @throws the reason of the limit's signal, KeeperError CLOSED. */
export async function gone(zk: Client, path: ZnodePath, limit: Limit): Promise<void> {
  let isThere = false
  for await (const change of zk.watch(path, { signal: limit.signal })) {
    if (change.kind === 'deleted') return
    if (change.kind === 'ready' && !isThere) return
    if (change.kind !== 'ready' && change.kind !== 'stale') isThere = true
  }
  limit.signal.throwIfAborted()
  throw new KeeperError('CLOSED', { path, operation: 'watch', outcome: 'unknown' })
}
