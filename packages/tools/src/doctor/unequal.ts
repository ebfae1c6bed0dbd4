/** Compares what two members of an ensemble have, although transactions are executed between the reads. */

/** The numbers of a znode that all members must have alike. */
export interface Numbers {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly version: number
  readonly dataLength: number
}

export interface MemberTree {
  /** A transaction that the member had executed before the first znode was read. */
  readonly atLeast: bigint
  readonly nodes: ReadonlyMap<string, Numbers>
}

export interface Suspicion {
  readonly path: string
  readonly a: Numbers | undefined
  readonly b: Numbers | undefined
}

/**
 * Znodes that two members seem to have differently. Where both have a znode, the answer is certain. A znode that one lacks may have
 * been deleted between the two reads: read it again after a `sync` on both.
 */
export function* unequalZnodes(a: MemberTree, b: MemberTree): Generator<Suspicion> {
  const both = a.atLeast < b.atLeast ? a.atLeast : b.atLeast
  for (const [path, x] of a.nodes) {
    const y = b.nodes.get(path)
    if (y === undefined) {
      if (x.czxid <= both) yield { path, a: x, b: undefined }
    } else if (differ(x, y, both)) yield { path, a: x, b: y }
  }
  for (const [path, y] of b.nodes) {
    if (!a.nodes.has(path) && y.czxid <= both) yield { path, a: undefined, b: y }
  }
}

/** Whether two members cannot have these numbers of one znode, if both had executed `both` before. */
export function differ(x: Numbers, y: Numbers, both: bigint): boolean {
  if (x.czxid !== y.czxid) return x.czxid <= both && y.czxid <= both
  // The same write has the same effect everywhere.
  if (x.mzxid === y.mzxid) return x.version !== y.version || x.dataLength !== y.dataLength
  return x.mzxid <= both && y.mzxid <= both
}
