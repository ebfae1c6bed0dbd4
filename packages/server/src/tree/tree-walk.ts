/**
 * A walk over the znodes of a tree, parents before their children, while transactions change the tree between two steps. Several
 * walks may be under way at once. A walk shows what a snapshot holds: all of the tree as it was when the walk began, and some later
 * changes.
 */
import type { Acl } from '@lightkeeper/protocol'
import { TextMap } from '@lightkeeper/runtime'
import type { AclObserver, DataTree } from './data-tree.ts'
import type { Znode } from './znode.ts'

export class TreeWalk implements AclObserver {
  /** The path of the current znode; `/` for the root. */
  path = ''
  /** The ACL lists in use when the walk began. `acl` is always one of these, or the open list. */
  readonly lists: readonly (readonly Acl[])[]
  readonly #tree: DataTree
  readonly #zxid: bigint
  /**
   * The lists that znodes had when the walk began and that were replaced since. An image has its table of lists before its znodes,
   * so it cannot refer to a later list.
   */
  readonly #replaced = new TextMap<readonly Acl[]>()
  readonly #stack: { readonly base: string; readonly names: Iterator<string> }[] = []
  #node: Znode | undefined

  /** Begins a walk; `end` must follow. `zxid` is that of the last transaction applied to the tree. */
  constructor(tree: DataTree, zxid: bigint) {
    this.#tree = tree
    this.#zxid = zxid
    this.lists = [...tree.acls.lists()]
    tree.aclObservers.add(this)
  }

  /** The znode at `path`, as it is now. */
  get node(): Znode {
    return this.#node as Znode
  }

  /** The ACL list that the znode had when the walk began. */
  get acl(): readonly Acl[] {
    const { acl } = this.node
    return this.#replaced.size === 0 ? acl : (this.#replaced.get(this.path) ?? acl)
  }

  /** Moves to the next znode; returns false after the last one. */
  next(): boolean {
    if (this.#node === undefined) {
      this.#enter('/', this.#tree.nodes.root)
      return true
    }
    for (;;) {
      const level = this.#stack.at(-1)
      if (level === undefined) return false
      // A live iterator: new znodes come at the end, removed ones do not come.
      const step = level.names.next()
      if (step.done) {
        this.#stack.pop()
        continue
      }
      const path = `${level.base}/${step.value}`
      const node = this.#tree.get(path)
      // A znode that is newer than the walk is in the log; its ACL list may not be in the walk's table.
      if (node === undefined || node.czxid > this.#zxid) continue
      this.#enter(path, node)
      return true
    }
  }

  /** The tree does not report to this walk any more. */
  end(): void {
    this.#tree.aclObservers.delete(this)
  }

  replaced(path: string, before: readonly Acl[]): void {
    // The first list is the one from the beginning.
    if (!this.#replaced.has(path)) this.#replaced.set(path, before)
  }

  #enter(path: string, node: Znode): void {
    this.path = path
    this.#node = node
    if (node.children !== undefined) {
      this.#stack.push({ base: path === '/' ? '' : path, names: node.children.keys() })
    }
  }
}
