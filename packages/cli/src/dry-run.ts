/** What `--dry-run` says of a plan of writes: what the server would refuse, and which watches would fire. */
import type { Client, TlsOptions } from '@lightkeeper/client'
import { parseConnectString } from '@lightkeeper/client/arguments'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { askWord, foresee, type Refusal, readWchc, type WriteStep } from '@lightkeeper/tools'
import type { Connection } from './connect.ts'
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

/** Nothing is executed. @throws KeeperError where the server cannot be asked. */
export async function dryRun(
  command: string,
  zk: Client,
  connection: Connection,
  steps: readonly WriteStep[],
  signal: AbortSignal,
): Promise<DryRun> {
  using bar = progress(command, 'writes asked', { total: steps.length })
  const { refused, unknown } = await foresee(zk, steps, { signal, onProgress: (done) => bar.update(done) })
  // A change of an ACL fires no watch.
  const paths = new Set(steps.filter(({ kind }) => kind !== 'set acl').map(({ path }) => path))
  const { watches, untold } = paths.size === 0 ? { watches: [], untold: [] } : await watchesOn(connection, paths)
  const notes = [
    ...(unknown === 0
      ? []
      : [`${unknown} writes were not asked: they follow from refused ones, or too many were refused`]),
    ...untold.map((each) => `which watches would fire is not known: ${each}`),
  ]
  return { refused, watches, notes }
}

/** The lines for people. */
export function dryRunLines({ refused, watches }: DryRun): string[] {
  return [
    ...refused.map(({ step, code }) => `would be refused: ${step.kind} ${step.path}: ${code}`),
    ...watches.map(({ path, sessions }) => `would fire: the watches of ${path} by ${sessions.map(hexOf).join(' ')}`),
  ].map((line) => `${printable(line)}\n`)
}

/** The same for programs. */
export function dryRunFacts({ refused, watches }: DryRun): object {
  return { refused: refused.map(({ step, code }) => ({ kind: step.kind, path: step.path, code })), watches }
}

async function watchesOn(
  { target, options }: Connection,
  paths: ReadonlySet<string>,
): Promise<{ readonly watches: readonly Watched[]; readonly untold: readonly string[] }> {
  const { servers, chroot, service } = parseConnectString(target)
  if (service !== undefined) return { watches: [], untold: [`the servers of ${service} are not asked`] }
  const { tls: given } = options
  const tls = typeof given === 'function' ? await given() : given === true ? {} : (given as TlsOptions | undefined)
  const runtime = nodeRuntime()
  const found = new Map<string, Set<bigint>>()
  const untold: string[] = []
  // Each server knows the watches of its own clients.
  for (const server of servers) {
    try {
      const { watches = new Map<bigint, readonly string[]>() } = readWchc(
        await askWord(runtime, server, 'wchc', { tls }),
      )
      for (const [session, watched] of watches) {
        for (const each of watched) {
          const path = each === chroot ? '/' : each.startsWith(`${chroot}/`) ? each.slice(chroot.length) : undefined
          if (path === undefined || !paths.has(path)) continue
          const sessions = found.get(path) ?? new Set()
          found.set(path, sessions.add(session))
        }
      }
    } catch (error) {
      untold.push((error as Error).message)
    }
  }
  const watches = [...found].map(([path, sessions]) => ({ path, sessions: [...sessions] }))
  return { watches: watches.sort((a, b) => (a.path < b.path ? -1 : 1)), untold }
}
