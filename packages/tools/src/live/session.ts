/** A session of a live server, as operators see it. */

export interface LiveSession {
  /** The id of the session. */
  readonly id: bigint
  /** Where its client is, `host:port`. Undefined where the client is not connected, or the server does not say it. */
  readonly address: string | undefined
  /** The timeout that was granted, milliseconds. */
  readonly timeoutMs: number | undefined
  /** Paths of the ephemerals that it owns, sorted; undefined where the server does not say it. */
  readonly ephemerals: readonly string[] | undefined
  /** Paths whose data it watches, sorted; undefined where the server does not say it. No server lists watches of children. */
  readonly watches: readonly string[] | undefined
  /** Undefined where the server does not say it. */
  readonly connection: LiveConnection | undefined
}

/** What a server counts on a connection. */
export interface LiveConnection {
  /** Milliseconds since 1970. */
  readonly established: number | undefined
  /** Apache's four letters of the last operation: `SETD`, `PING`; `NA` where there was none. */
  readonly lastOperation: string | undefined
  /** Requests without an answer. */
  readonly queued: number
  /** Packets that the server has received on it. */
  readonly received: number
  /** Packets that the server has sent on it. */
  readonly sent: number
  /** The mean time of its requests, milliseconds; undefined where the server does not say it. */
  readonly averageLatency: number | undefined
  /** The longest time of a request, milliseconds; undefined where the server does not say it. */
  readonly maxLatency: number | undefined
}

/** What one answer of a server says. Parts that are undefined are not in it. */
export interface SessionReport {
  /** Connections and their sessions. */
  readonly connections?: readonly ConnectedSession[] | undefined
  /** Sessions that exist, connected or not. */
  readonly ids?: readonly bigint[] | undefined
  /** Paths of ephemerals, by the session that owns them. */
  readonly ephemerals?: ReadonlyMap<bigint, readonly string[]> | undefined
  /** Watched paths, by the session that watches them. */
  readonly watches?: ReadonlyMap<bigint, readonly string[]> | undefined
  /** The server had more to say and cut its answer off. */
  readonly isCut?: boolean | undefined
}

export interface ConnectedSession {
  readonly session: bigint
  readonly address: string
  readonly timeoutMs: number | undefined
  readonly connection: LiveConnection | undefined
}

/** The sessions of all reports, by id. Reports of several servers of one ensemble complete each other. */
export function sessionsOf(reports: readonly SessionReport[]): LiveSession[] {
  const connected = new Map<bigint, ConnectedSession>()
  const ids = new Set<bigint>()
  for (const each of reports.flatMap(({ connections = [] }) => connections)) {
    const known = connected.get(each.session)
    // `dump` says only the address, and `cons` the rest.
    if (known?.connection === undefined) connected.set(each.session, { ...known, ...each })
  }
  const ephemerals = merged(reports.map((each) => each.ephemerals))
  const watches = merged(reports.map((each) => each.watches))
  for (const report of reports) for (const id of report.ids ?? []) ids.add(id)
  for (const keys of [connected, ephemerals, watches]) for (const id of keys?.keys() ?? []) ids.add(id)
  // Connections that have no session yet, the one that asks for instance.
  ids.delete(0n)
  return [...ids].sort(byNumber).map((id) => ({
    id,
    address: connected.get(id)?.address,
    timeoutMs: connected.get(id)?.timeoutMs,
    ephemerals: ephemerals && [...(ephemerals.get(id) ?? [])].sort(),
    watches: watches && [...(watches.get(id) ?? [])].sort(),
    connection: connected.get(id)?.connection,
  }))
}

/** Undefined where no part says anything. A znode that two servers name is one. */
function merged(
  parts: readonly (ReadonlyMap<bigint, readonly string[]> | undefined)[],
): ReadonlyMap<bigint, ReadonlySet<string>> | undefined {
  let all: Map<bigint, Set<string>> | undefined
  for (const part of parts) {
    if (part === undefined) continue
    all ??= new Map()
    for (const [id, paths] of part) {
      const known = all.get(id) ?? new Set()
      for (const path of paths) known.add(path)
      all.set(id, known)
    }
  }
  return all
}

function byNumber(a: bigint, b: bigint): number {
  const [x, y] = [BigInt.asUintN(64, a), BigInt.asUintN(64, b)]
  return x < y ? -1 : x > y ? 1 : 0
}
