/** The differences between two trees: znodes that only one has, data, types and ACLs. */
import type { Acl, ZnodePath } from '@lightkeeper/client'
import { isWithin } from '@lightkeeper/protocol'
import { type ValueDiff, valueDiff } from '../history/value-diff.ts'

/** `ttl` in milliseconds. */
export type ZnodeType = 'persistent' | 'ephemeral' | 'container' | { readonly ttl: number }

export interface WholeZnode {
  /** The data; empty where the znode has none. */
  readonly data: Uint8Array
  /** The kind of the znode. */
  readonly type: ZnodeType
  /** The ACL of the znode. */
  readonly acl: readonly Acl[]
}

/** By path below the root of the tree: '' for the root itself, `/a` for a child. */
export type WholeTree<Z extends WholeZnode = WholeZnode> = ReadonlyMap<string, Z>

export type TreeDifference = { readonly path: string } & (
  | { readonly kind: 'only in a'; readonly znode: WholeZnode }
  | { readonly kind: 'only in b'; readonly znode: WholeZnode }
  | {
      readonly kind: 'both'
      /** Undefined where it is equal. */
      readonly data: ValueDiff | undefined
      /** The kinds; undefined where they are equal. */
      readonly type: readonly [a: ZnodeType, b: ZnodeType] | undefined
      /** The ACLs; undefined where they are equal. */
      readonly acl: readonly [a: readonly Acl[], b: readonly Acl[]] | undefined
    }
)

/** By path, parents before their children. */
export function compareTrees(a: WholeTree, b: WholeTree): TreeDifference[] {
  const differences: TreeDifference[] = []
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort(byPath)) {
    const [x, y] = [a.get(path), b.get(path)]
    if (x === undefined || y === undefined) {
      const znode = (x ?? y) as WholeZnode
      differences.push({ path, kind: y === undefined ? 'only in a' : 'only in b', znode })
      continue
    }
    const diff = valueDiff(x.data, y.data)
    const data = diff.kind === 'same' ? undefined : diff
    const type = typeText(x.type) === typeText(y.type) ? undefined : ([x.type, y.type] as const)
    const acl = aclKey(x.acl) === aclKey(y.acl) ? undefined : ([x.acl, y.acl] as const)
    if (data !== undefined || type !== undefined || acl !== undefined) {
      differences.push({ path, kind: 'both', data, type, acl })
    }
  }
  return differences
}

/** Compares whole names: `/a/b` comes before `/a-b`. */
export function byPath(a: string, b: string): number {
  const [x, y] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')]
  return x < y ? -1 : x > y ? 1 : 0
}

export function typeText(type: ZnodeType): string {
  return typeof type === 'object' ? `ttl=${type.ttl}` : type
}

/** Equal for lists that grant the same permissions: the order has no meaning. */
function aclKey(acl: readonly Acl[]): string {
  return acl
    .map(({ perms, id }) => `${perms} ${id.scheme} ${id.id}`)
    .sort()
    .join('\n')
}

/**
 * A tree without the server's own znodes below `/zookeeper`. `root` is the path of its root on the server, with the chroot: below a
 * chroot, `/zookeeper` is a znode like any other.
 */
export function withoutSystem<Z extends WholeZnode>(root: string, tree: WholeTree<Z>): WholeTree<Z> {
  if (root !== '/') return tree
  return new Map([...tree].filter(([path]) => !isWithin(path, '/zookeeper')))
}

/** A path below `root` as the path of a znode. */
export function placed(root: string, path: string): ZnodePath {
  return (path === '' ? root : root === '/' ? path : `${root}${path}`) as ZnodePath
}
