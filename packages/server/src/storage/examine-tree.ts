/** The znodes of a recovered tree, as a diagnosis looks at them: sizes, numbers of children, ACLs. */
import type { Acl } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'
import { kindOf } from '../tree/ephemeral-owner.ts'

export interface ExaminedZnode {
  /** The path of the znode. */
  readonly path: string
  /** Bytes of data. */
  readonly dataBytes: number
  /** The number of its children. */
  readonly children: number
  /** Bytes of the names of all children in a reply. */
  readonly childrenBytes: number
  /** Its ACL. */
  readonly acl: readonly Acl[]
  /** The session of an ephemeral; undefined for other kinds. */
  readonly session: bigint | undefined
}

/** The count in front of a text in a reply, bytes. */
const lengthBytes = 4

export function examineTree(tree: DataTree, visit: (znode: ExaminedZnode) => void): void {
  tree.nodes.forEach((node, path) => {
    let childrenBytes = 0
    for (const name of node.children?.keys() ?? []) childrenBytes += lengthBytes + name.length
    const owner = node.ephemeralOwner
    visit({
      path,
      dataBytes: node.dataLength,
      children: node.numChildren,
      childrenBytes,
      acl: node.acl,
      session: kindOf(owner) === 'ephemeral' ? owner : undefined,
    })
  })
}
