/**
 * Questions about the past of a data directory: the changes of a znode, the tree at a time, the transactions of a session,
 * differences.
 */
import { operationOf } from '@lightkeeper/protocol'
import type { Gap, LoggedTxn } from '@lightkeeper/server'
import type { PastDirectory } from './past-directory.ts'
import type { Change, PastZnode } from './past-tree.ts'
import { exactly, oneOf, within } from './scope.ts'

export type HistoryEntry = Change | ({ readonly kind: 'gap' } & Gap)

export interface HistoryOptions {
  /** Includes everything below the path. Default false. */
  readonly recursive?: boolean
  /** The first and the last transaction of interest. */
  readonly from?: bigint
  /** The last transaction of interest. Default: the last one that exists. */
  readonly until?: bigint
}

/**
 * Every write of a znode, in order. Missing transactions are gaps between them. Byte arrays are copies. `onEntry` is called for each
 * as it is found.
 */
export async function history(
  directory: PastDirectory,
  path: string,
  onEntry: (entry: HistoryEntry) => void,
  { recursive = false, from = 0n, until }: HistoryOptions = {},
): Promise<void> {
  await directory.walk(recursive ? within(path) : exactly(path), {
    ...(until !== undefined && { until }),
    onChange(change) {
      if (change.zxid >= from) onEntry(change)
    },
    onGap(gap) {
      if (gap.next > from) onEntry({ kind: 'gap', ...gap })
    },
  })
}

export interface PastView {
  /** The last transaction that the result includes. */
  readonly zxid: bigint
  /** By path, parents before their children. */
  readonly nodes: ReadonlyMap<string, PastZnode>
}

/**
 * The tree from `path` downwards, as it was after the transaction `at`, or after the last one. @throws Error where that is not
 * known.
 */
export async function treeAt(directory: PastDirectory, path: string, at?: bigint): Promise<PastView> {
  const last = at ?? (await directory.lastZxid())
  const { tree, zxid } = await directory.walk(within(path), { exactAt: last, until: last })
  return { zxid, nodes: new Map([...tree.nodes].sort(byPath)) }
}

/** Compares whole names: `/a/b` comes before `/a-b`. */
function byPath([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  const [x, y] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')]
  return x < y ? -1 : x > y ? 1 : 0
}

export interface PastDifference {
  /** The path of the znode. */
  readonly path: string
  /** What is different: `replaced` means another znode with the same path. */
  readonly kind: 'created' | 'changed' | 'deleted' | 'replaced'
  /** The znode in the earlier state; undefined where there is none. */
  readonly before: PastZnode | undefined
  /** The znode in the later state; undefined where there is none. */
  readonly after: PastZnode | undefined
}

/**
 * The differences below `path` between the states after two transactions, by path. `replaced` is another znode with the same path.
 */
export async function differencesBetween(
  directory: PastDirectory,
  path: string,
  from: bigint,
  to: bigint,
): Promise<PastDifference[]> {
  const first = new Map<string, PastZnode | undefined>()
  const { tree } = await directory.walk(within(path), {
    exactAt: from,
    until: to,
    onChange({ path: changed, zxid, before }) {
      if (zxid > from && !first.has(changed)) first.set(changed, before)
    },
  })
  const differences: PastDifference[] = []
  for (const [changed, before] of [...first].sort(byPath)) {
    const after = tree.nodes.get(changed)
    if (before === undefined && after === undefined) continue
    const kind =
      before === undefined
        ? 'created'
        : after === undefined
          ? 'deleted'
          : before.czxid === after.czxid
            ? 'changed'
            : 'replaced'
    if (kind !== 'changed' || before?.mzxid !== after?.mzxid || before?.aversion !== after?.aversion) {
      differences.push({ path: changed, kind, before, after })
    }
  }
  return differences
}

/** One transaction of a session. */
export interface SessionAct {
  /** The zxid of the transaction. */
  readonly zxid: bigint
  /** Milliseconds since 1970, by the clock of the server that executed the write. */
  readonly time: number
  /** `create`, `multi`, `closeSession`, `error`…; the number of an unknown type. */
  readonly operation: string
  /** The error of a refused write, as a number; for a refused multi that of the operation that failed. */
  readonly error: number | undefined
  /** What it changed; empty where it changed nothing. */
  readonly changes: readonly Change[]
}

/** Everything that a session did, from the transaction that created it to the one that ended it, including refused writes. */
export async function actsOf(directory: PastDirectory, session: bigint): Promise<SessionAct[]> {
  const acts: { zxid: bigint; time: number; operation: string; error: number | undefined; changes: Change[] }[] = []
  const paths = new Set<string>()
  await directory.visit(0n, {
    transaction(view) {
      if (view.session !== session) return
      const { txn } = view.decode()
      for (const path of pathsOf(txn)) paths.add(path)
      const operation = operationOf(view.type)?.name ?? `type ${view.type}`
      acts.push({ zxid: view.zxid, time: view.time, operation, error: errorOf(txn), changes: [] })
    },
  })
  const byZxid = new Map(acts.map((act) => [act.zxid, act]))
  await directory.walk(oneOf(paths), {
    onChange: (change) => void byZxid.get(change.zxid)?.changes.push(change),
    // The state before is unknown then, and the change says so.
    onGap() {},
  })
  return acts
}

export function pathsOf(txn: LoggedTxn['txn']): string[] {
  if ('txns' in txn) return txn.txns.flatMap(pathsOf)
  if ('paths2Delete' in txn) return [...(txn.paths2Delete ?? [])]
  return 'path' in txn ? [txn.path] : []
}

const noError = 0
/** The error of the operations after the one that failed. */
const notTried = -2

function errorOf(txn: LoggedTxn['txn']): number | undefined {
  if ('txns' in txn)
    return txn.txns.map(errorOf).find((each) => each !== undefined && each !== noError && each !== notTried)
  return 'err' in txn ? txn.err : undefined
}
