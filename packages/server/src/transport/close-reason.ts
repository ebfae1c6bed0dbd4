/** Why a connection was closed by an error, as a line of the log: what its client did, or what went wrong while it was served. */
import { MalformedFrameError } from '@lightkeeper/protocol'
import type { Log, RepeatedLines } from '@lightkeeper/runtime'
import { OverBudget } from '../watch/over-budget.ts'

export function logCloseReason(
  { log, repeated }: { readonly log: Log; readonly repeated: RepeatedLines },
  error: unknown,
  { remote: client, remoteHost }: { readonly remote: string; readonly remoteHost: string },
  session: bigint | undefined,
): void {
  if (error instanceof OverBudget)
    return repeated.tell(remoteHost, `closing a connection: ${error.message}`, { client })
  if (error instanceof MalformedFrameError) {
    const facts = { client, problem: error.message }
    return repeated.tell(remoteHost, 'closing a connection that does not speak the protocol', facts)
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const at = stack?.split('\n').find((line) => line.startsWith('    at '))
  log('error', 'closing a connection: serving it failed', { client, session, problem: message, at: at?.trim() })
}
