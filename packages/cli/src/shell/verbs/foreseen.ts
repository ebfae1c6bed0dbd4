/** The end of a dry run of a verb: what the server says of the plan. */
import type { Client } from '@lightkeeper/client'
import type { WriteStep } from '@lightkeeper/tools'
import type { Connection } from '../../connect.ts'
import { both, type DryRun, dryRun, dryRunFacts, dryRunLines } from '../../dry-run.ts'
import type { VerbCall } from '../verb.ts'

/** Writes of a plan on one cluster. */
export interface Part {
  readonly zk: Client
  readonly connection: Connection
  readonly steps: readonly WriteStep[]
}

/**
 * Asks the servers about all parts, prints what they would refuse and which watches would fire, and that nothing was done. Resolves to
 * the exit code: 1 where a write would be refused.
 */
export async function foreseen(
  verb: string,
  parts: readonly Part[],
  { out, signal }: Pick<VerbCall<never>, 'out' | 'signal'>,
): Promise<number | undefined> {
  let seen: DryRun = { refused: [], watches: [], notes: [] }
  let count = 0
  for (const { zk, connection, steps } of parts) {
    count += steps.length
    if (steps.length > 0) seen = both(seen, await dryRun(verb, zk, connection, steps, { signal }))
  }
  if (out.isJson) out.result({ writes: count, isDone: false, ...dryRunFacts(seen) }, '')
  else for (const line of dryRunLines(seen)) out.result({}, line)
  for (const note of seen.notes) out.note(note)
  out.note(`${count} writes would be done; nothing was`)
  return seen.refused.length > 0 ? 1 : undefined
}
