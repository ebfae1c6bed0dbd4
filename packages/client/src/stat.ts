/** A Stat as users see it: exact ids, real dates. */
import { formatHex, type Reader, type Stat } from '@lightkeeper/protocol'

/** The Stat of a znode: its transactions, versions, times and sizes. */
export class ZnodeStat {
  /** Zxid of the transaction that created the znode. */
  readonly czxid: bigint
  /** Zxid of the last `set`, or of the creation. */
  readonly mzxid: bigint
  /** Zxid of the last create or delete of a child. */
  readonly pzxid: bigint
  /** When the znode was created (`ctime`), by the server's clock; exact to a millisecond. */
  readonly created: Date
  /** When its data was set last, or it was created (`mtime`), by the server's clock; exact to a millisecond. */
  readonly modified: Date
  /** Number of `set`s since creation. */
  readonly version: number
  /** Creates plus deletes of children. */
  readonly cversion: number
  /** Number of `setAcl`s since creation. */
  readonly aversion: number
  /** Session id of an ephemeral. 0n for a persistent znode. Containers and TTL znodes have a number that is no session. */
  readonly ephemeralOwner: bigint
  /** Bytes of data. */
  readonly dataLength: number
  /** Number of children. */
  readonly numChildren: number

  /** Times may be numbers: a Date holds nothing larger. */
  constructor(
    stat: Omit<Stat, 'ctime' | 'mtime'> & { readonly ctime: bigint | number; readonly mtime: bigint | number },
  ) {
    this.czxid = stat.czxid
    this.mzxid = stat.mzxid
    this.pzxid = stat.pzxid
    this.created = new Date(Number(stat.ctime))
    this.modified = new Date(Number(stat.mtime))
    this.version = stat.version
    this.cversion = stat.cversion
    this.aversion = stat.aversion
    this.ephemeralOwner = stat.ephemeralOwner
    this.dataLength = stat.dataLength
    this.numChildren = stat.numChildren
  }

  /** The kind, which servers store in `ephemeralOwner` (EphemeralType.java); `ttl` in milliseconds. */
  get kind(): 'persistent' | 'ephemeral' | 'container' | { readonly ttl: number } {
    const owner = BigInt.asUintN(64, this.ephemeralOwner)
    if (owner === 0n) return 'persistent'
    if (owner === 0x8000_0000_0000_0000n) return 'container'
    if (owner >> 48n === 0xff00n) return { ttl: Number(owner & 0xff_ffff_ffffn) }
    return 'ephemeral'
  }

  /** Ids in hex, as servers print them; JSON has no 64-bit integers. */
  toJSON(): Record<string, string | number> {
    return {
      czxid: formatHex(this.czxid),
      mzxid: formatHex(this.mzxid),
      pzxid: formatHex(this.pzxid),
      created: this.created.toISOString(),
      modified: this.modified.toISOString(),
      version: this.version,
      cversion: this.cversion,
      aversion: this.aversion,
      ephemeralOwner: formatHex(this.ephemeralOwner),
      dataLength: this.dataLength,
      numChildren: this.numChildren,
    }
  }
}

/** Reads a Stat as `readStat` does, but never reads times as bigints, since they become dates. */
export function readZnodeStat(reader: Reader): ZnodeStat {
  const czxid = reader.long()
  const mzxid = reader.long()
  const ctime = reader.longAsNumber()
  const mtime = reader.longAsNumber()
  const version = reader.int()
  const cversion = reader.int()
  const aversion = reader.int()
  const ephemeralOwner = reader.long()
  const dataLength = reader.int()
  const numChildren = reader.int()
  const pzxid = reader.long()
  return new ZnodeStat({
    czxid,
    mzxid,
    ctime,
    mtime,
    version,
    cversion,
    aversion,
    ephemeralOwner,
    dataLength,
    numChildren,
    pzxid,
  })
}
