/** A tree in the form that recognisers use: a znode with its children. */
import type { ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import type { Party } from './structure.ts'

/** The part of a znode that they read; results of `client.get` and `client.tree` have this form. */
export interface SeenZnode {
  /** The data; empty where the znode has none. */
  readonly data: Uint8Array
  /** The Stat of the znode. */
  readonly stat: ZnodeStat
}

/** By path. */
export type SeenTree = ReadonlyMap<ZnodePath, SeenZnode>

export interface Child extends SeenZnode {
  readonly name: string
  readonly path: ZnodePath
}

export class Directories {
  readonly tree: SeenTree
  readonly #children = new Map<string, Child[]>()

  constructor(tree: SeenTree) {
    this.tree = tree
    for (const [path, { data, stat }] of tree) {
      if (path === '/') continue
      const at = path.lastIndexOf('/')
      const parent = at === 0 ? '/' : path.slice(0, at)
      const child = { name: path.slice(at + 1), path, data, stat }
      const known = this.#children.get(parent)
      if (known === undefined) this.#children.set(parent, [child])
      else known.push(child)
    }
  }

  /** Paths of znodes that have children. */
  get parents(): IterableIterator<string> {
    return this.#children.keys()
  }

  children(path: string): readonly Child[] {
    return this.#children.get(path) ?? []
  }

  below(path: string, name: string): readonly Child[] {
    return this.children(joinPath(path, name))
  }
}

export function isEphemeral({ stat }: SeenZnode): boolean {
  return stat.kind === 'ephemeral'
}

export function partyOf({ path, data, stat }: Child): Party {
  const session = stat.kind === 'ephemeral' ? stat.ephemeralOwner : 0n
  return { path, session, since: stat.created, id: plainText(data), data }
}

/** Undefined for no bytes, and for anything but a line of printable text. */
export function plainText(data: Uint8Array): string | undefined {
  if (data.length === 0 || data.length > 1_000) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data)
    return /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
