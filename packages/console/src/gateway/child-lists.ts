/**
 * Names of children, sorted. A list of a hundred thousand names is read and sorted once, and again only when the znode says that it has
 * changed: pages of it are then cheap.
 */
import { type Client, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'

export interface ChildList {
  /** Another one whenever the list has changed. */
  readonly state: string
  readonly names: readonly string[]
}

/** What tells one state of a list of children from the next: the znode itself, and the last change of its children. */
export function listState(stat: ZnodeStat | undefined): string {
  return stat === undefined ? 'none' : `${stat.czxid} ${stat.pzxid}`
}

/** Lists that are kept. */
const listsMax = 16

export class ChildLists {
  readonly #zk: Pick<Client, 'exists' | 'children'>
  /** The one that was used last is at the end. */
  readonly #lists = new Map<string, ChildList>()
  /** Lists that are being read: whoever asks meanwhile gets the same one. */
  readonly #reads = new Map<string, Promise<ChildList>>()

  constructor(zk: Pick<Client, 'exists' | 'children'>) {
    this.#zk = zk
  }

  /** @throws KeeperError NO_NODE, NO_AUTH and those of every read. */
  async of(path: ZnodePath): Promise<ChildList> {
    const known = this.#lists.get(path)
    this.#lists.delete(path)
    if (known !== undefined) {
      const stat = await this.#zk.exists(path)
      if (stat === undefined) throw new KeeperError('NO_NODE', { path, operation: 'children' })
      if (listState(stat) === known.state) return this.#keep(path, known)
    }
    const under = this.#reads.get(path)
    if (under !== undefined) return under
    const read = this.#read(path).finally(() => this.#reads.delete(path))
    this.#reads.set(path, read)
    return read
  }

  async #read(path: ZnodePath): Promise<ChildList> {
    const { children, stat } = await this.#zk.children(path)
    return this.#keep(path, { state: listState(stat), names: [...children].sort() })
  }

  #keep(path: string, list: ChildList): ChildList {
    this.#lists.delete(path)
    this.#lists.set(path, list)
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= listsMax) break
      this.#lists.delete(oldest)
    }
    return list
  }
}
