/** Leaves a session to another process. */
import { KeeperError } from '@lightkeeper/protocol'
import type { CallOptions } from '../options.ts'
import { formatToken } from '../session/token.ts'
import type { CallContext } from './call.ts'
import { isThere } from './reads.ts'

/** A znode of ClickHouse Keeper's own. */
const keeperVersionPath = '/keeper/api_version'
/** How long replies are waited for, milliseconds. */
const patienceMs = 2_000

/** @returns the token of the session. */
export async function detach(context: CallContext, options: CallOptions): Promise<string> {
  const { session } = context
  const { state } = session
  if (state.kind !== 'connected' || state.readOnly) {
    const message = 'only a client that is connected to a server with a quorum can leave its session to another'
    throw new KeeperError('CONNECTION_LOSS', { operation: 'detach', outcome: 'not-sent', message })
  }
  const { timeout = patienceMs, signal } = options
  const budget = context.budget('detach', undefined, { timeout, signal })
  if (await isThere(context, keeperVersionPath, budget.step())) {
    const message = 'ClickHouse Keeper ends a session with its connection: it cannot be handed over'
    throw new KeeperError('UNIMPLEMENTED', { operation: 'detach', outcome: 'not-sent', message })
  }
  const { timeout: leftMs = 0 } = budget.step()
  return formatToken(await session.detach(leftMs, signal))
}
