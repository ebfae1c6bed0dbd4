/** The scope of a stream: one znode, its children, or everything at and below it. */
import { isWithin, parentPath, type ZnodePath } from '@lightkeeper/protocol'
import type { WatchOptions } from '../options.ts'
import type { PersistentMode } from '../session/watch-registry.ts'

export class Scope {
  readonly root: ZnodePath
  readonly kind: 'node' | 'children' | 'tree'

  constructor(root: ZnodePath, { recursive, children }: Pick<WatchOptions, 'recursive' | 'children'>) {
    this.root = root
    this.kind = recursive ? 'tree' : children ? 'children' : 'node'
  }

  /** The persistent watch that reports everything in scope. */
  get mode(): PersistentMode {
    return this.kind === 'node' ? 'persistent' : 'recursive'
  }

  /** Whether changes of this znode are delivered. */
  covers(path: ZnodePath): boolean {
    if (this.kind === 'node') return path === this.root
    if (this.kind === 'tree') return isWithin(path, this.root)
    return path !== this.root && parentPath(path) === this.root
  }

  /** Whether the children of this path are covered; the path is the root, or covered itself. */
  coversChildrenOf(path: ZnodePath): boolean {
    return this.kind === 'tree' || (this.kind === 'children' && path === this.root)
  }
}
