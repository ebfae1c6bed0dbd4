/** What `--dry-run` says of a plan of writes: what the server would refuse, and which watches would fire. */
import { type Client, openAcl, type ZnodePath } from '@lightkeeper/client'
import { parseConnectString } from '@lightkeeper/client/arguments'
import { parentPath } from '@lightkeeper/protocol'
import { foresee, type Refusal, type WriteStep } from '@lightkeeper/tools'
import type { Connection } from './connect.ts'
import { liveWatches } from './live.ts'
import { hexOf, printable } from './output.ts'
import { progress } from './progress.ts'

/** A znode of the plan that sessions watch. Watches of children are listed by no server. */
export interface Watched {
  readonly path: string
  readonly sessions: readonly bigint[]
}

export interface DryRun {
  readonly refused: readonly Refusal[]
  readonly watches: readonly Watched[]
  /** What is not known, one sentence each. */
  readonly notes: readonly string[]
}

export interface DryRunOptions {
  readonly signal: AbortSignal
  /** The plan is one transaction, of any size. Default false. */
  readonly atOnce?: boolean
}

/** Nothing is executed. `command` is the name for messages. @throws KeeperError where the server cannot be asked. */
export async function dryRun(
  command: string,
  zk: Client,
  connection: Connection,
  steps: readonly WriteStep[],
  { signal, atOnce = false }: DryRunOptions,
): Promise<DryRun> {
  using bar = progress(command, 'writes asked', { total: steps.length })
  const { refused, unknown } = await foresee(zk, steps, { signal, atOnce, onProgress: (done) => bar.update(done) })
  // A change of an ACL fires no watch.
  const paths = new Set(steps.filter(({ kind }) => kind !== 'set acl').map(({ path }) => path))
  const { watches, refusals } = paths.size === 0 ? { watches: [], refusals: [] } : await watchesOn(connection, paths)
  const notes = [
    ...(unknown === 0
      ? []
      : [`${unknown} writes were not asked: they follow from refused ones, or too many were refused`]),
    ...refusals.map((each) => `which watches would fire is not known: ${each}`),
  ]
  return { refused, watches, notes }
}

/** What is known of two plans, as of one: `mv` to another cluster has two. */
export function both(a: DryRun, b: DryRun): DryRun {
  return {
    refused: [...a.refused, ...b.refused],
    watches: [...a.watches, ...b.watches],
    notes: [...a.notes, ...b.notes],
  }
}

/** `steps`, behind creates of the parents of `path` that do not exist. */
export async function withMissingParents(
  zk: Pick<Client, 'exists'>,
  path: ZnodePath,
  steps: readonly WriteStep[],
): Promise<readonly WriteStep[]> {
  const missing: WriteStep[] = []
  for (let at = parentPath(path); at !== '/' && (await zk.exists(at)) === undefined; at = parentPath(at)) {
    missing.unshift({ kind: 'create', path: at, data: new Uint8Array(0), acl: openAcl, mode: 'persistent' })
  }
  return [...missing, ...steps]
}

/** The lines for people, without line ends. */
export function dryRunLines({ refused, watches }: DryRun): string[] {
  return [
    ...refused.map(({ step, code }) => `would be refused: ${step.kind} ${step.path}: ${code}`),
    ...watches.map(({ path, sessions }) => `would fire: the watches of ${path} by ${sessions.map(hexOf).join(' ')}`),
  ].map(printable)
}

/** The same for programs. */
export function dryRunFacts({ refused, watches }: DryRun): object {
  return { refused: refused.map(({ step, code }) => ({ kind: step.kind, path: step.path, code })), watches }
}

async function watchesOn(
  connection: Connection,
  paths: ReadonlySet<string>,
): Promise<{ readonly watches: readonly Watched[]; readonly refusals: readonly string[] }> {
  const { chroot } = parseConnectString(connection.target)
  const { watches, refusals } = await liveWatches(connection)
  const found = new Map<string, Set<bigint>>()
  for (const [session, watched] of watches) {
    for (const each of watched) {
      const path = each === chroot ? '/' : each.startsWith(`${chroot}/`) ? each.slice(chroot.length) : undefined
      if (path === undefined || !paths.has(path)) continue
      const sessions = found.get(path) ?? new Set()
      found.set(path, sessions.add(session))
    }
  }
  const sorted = [...found].map(([path, sessions]) => ({ path, sessions: [...sessions] }))
  return { watches: sorted.sort((a, b) => (a.path < b.path ? -1 : 1)), refusals }
}
