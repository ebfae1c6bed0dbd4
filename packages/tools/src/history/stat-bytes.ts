/** A znode as a snapshot has it: data, ACL, and a StatPersisted of 60 bytes (zookeeper.jute). */
import type { Acl } from '@lightkeeper/client'
import { Reader } from '@lightkeeper/protocol'
import type { PastZnode } from './past-tree.ts'

/** `data` and `stat` may be views: copy what you keep. */
export function pastZnodeOf(data: Uint8Array | null, acl: readonly Acl[], stat: Uint8Array): PastZnode {
  const reader = new Reader(stat)
  const czxid = reader.long()
  const mzxid = reader.long()
  const ctime = reader.longAsNumber()
  const mtime = reader.longAsNumber()
  const version = reader.int()
  reader.int()
  const aversion = reader.int()
  const ephemeralOwner = reader.long()
  return {
    data: data?.slice() ?? new Uint8Array(0),
    acl,
    czxid,
    mzxid,
    ctime,
    mtime,
    version,
    aversion,
    ephemeralOwner,
  }
}

/** The highest of its three zxids, as a number; exact below two million epochs. */
export function newestZxidIn(stat: Uint8Array): number {
  return Math.max(longAt(stat, 0), longAt(stat, 8), longAt(stat, 52))
}

/** Creates no object: this is called for every znode of a snapshot. */
function longAt(bytes: Uint8Array, at: number): number {
  return intAt(bytes, at) * 0x1_0000_0000 + intAt(bytes, at + 4)
}

function intAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}
