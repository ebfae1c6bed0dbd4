/** One znode, as stored. */
import type { Acl, Stat, Writer } from '@lightkeeper/protocol'
import { kindOf } from './ephemeral-owner.ts'

export class Znode {
  data: Uint8Array | null
  /** Interned by the tree's AclTable: equal lists are the same object. */
  acl: readonly Acl[]
  /** Names of the children; made with the first child. */
  children: Set<string> | undefined
  czxid: bigint
  mzxid: bigint
  pzxid: bigint
  /** Milliseconds since 1970. */
  ctime: bigint
  /** Milliseconds since 1970. */
  mtime: bigint
  version = 0
  /** Children ever created below this znode: the sequence counter. Not what clients see, see `visibleCversion`. */
  cversion = 0
  aversion = 0
  /** Session id, or the mark of a container or TTL znode, or 0. */
  ephemeralOwner: bigint

  constructor(data: Uint8Array | null, acl: readonly Acl[], ephemeralOwner: bigint, zxid: bigint, time: bigint) {
    this.data = data
    this.acl = acl
    this.children = undefined
    this.czxid = zxid
    this.mzxid = zxid
    this.pzxid = zxid
    this.ctime = time
    this.mtime = time
    this.ephemeralOwner = ephemeralOwner
  }

  get numChildren(): number {
    return this.children === undefined ? 0 : this.children.size
  }

  get dataLength(): number {
    return this.data === null ? 0 : this.data.length
  }
}

/** Creates plus deletes of children: what a Stat calls cversion (DataNode.java, copyStat). */
export function visibleCversion(node: Znode): number {
  return (2 * node.cversion - node.numChildren) | 0
}

/** Clients see the owner of an ordinary ephemeral, and 0 for containers and TTL znodes. */
function visibleOwner(node: Znode): bigint {
  return node.ephemeralOwner === 0n || kindOf(node.ephemeralOwner) !== 'ephemeral' ? 0n : node.ephemeralOwner
}

/** Appends the 68 bytes of the Stat without building one: this is on the way of every read. */
export function writeNodeStat(writer: Writer, node: Znode): void {
  writer.long(node.czxid)
  writer.long(node.mzxid)
  writer.long(node.ctime)
  writer.long(node.mtime)
  writer.int(node.version)
  writer.int(visibleCversion(node))
  writer.int(node.aversion)
  writer.long(visibleOwner(node))
  writer.int(node.dataLength)
  writer.int(node.numChildren)
  writer.long(node.pzxid)
}

/** The Stat as it is now; later changes of the znode do not show in it. */
export function statOf(node: Znode): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: visibleCversion(node),
    aversion: node.aversion,
    ephemeralOwner: visibleOwner(node),
    dataLength: node.dataLength,
    numChildren: node.numChildren,
    pzxid: node.pzxid,
  }
}
