/**
 * Ephemerals whose session does not exist: the snapshot was taken when a part of their closeSession was applied. A standalone
 * server removes them when it starts. A member leaves them, since all members must have the same tree; the next leader closes their
 * sessions.
 */
import { parentPath } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'
import { digestOfZnode } from '../tree/digest.ts'

/** Removes them, with `zxid`, the last transaction. `removed` is called for each. */
export function removeOrphans(tree: DataTree, zxid: bigint, removed: (path: string, session: bigint) => void): void {
  for (const [session, paths] of [...tree.ephemerals()]) {
    if (tree.sessions.has(session)) continue
    for (const path of [...paths]) {
      const node = tree.get(path)
      if (node === undefined) continue
      removed(path, session)
      const parent = parentPath(path)
      tree.digest.subtract(digestOfZnode(path, node))
      const parentNode = tree.get(parent)
      if (parentNode !== undefined) tree.digest.subtract(digestOfZnode(parent, parentNode))
      tree.deleteNode(path, zxid)
      if (parentNode !== undefined) tree.digest.add(digestOfZnode(parent, parentNode))
    }
  }
}
