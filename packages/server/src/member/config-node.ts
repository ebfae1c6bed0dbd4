/**
 * What /zookeeper/config has: each member writes its own lines there after it has joined, outside of any transaction
 * (ZKDatabase.java: initConfigInZKDatabase).
 */
import type { Membership } from '../config/membership.ts'
import type { DataTree } from '../tree/data-tree.ts'

const path = '/zookeeper/config'

/** `wall` is milliseconds since 1970. No digest includes this znode. */
export function writeConfigNode(tree: DataTree, { text, version }: Membership, wall: number): void {
  if (tree.get(path) === undefined) return
  const header = { clientId: 0n, cxid: 0, zxid: version, time: BigInt(Math.floor(wall)), type: 0 }
  tree.setData(header, path, text, -1)
}
