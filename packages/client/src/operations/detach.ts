/** Leaves a session so that another process can continue it. */
import { KeeperError } from '@lightkeeper/protocol'
import type { CallOptions } from '../options.ts'
import { formatToken } from '../session/token.ts'
import type { CallContext } from './call.ts'
import { isThere } from './reads.ts'

/** A znode that only ClickHouse Keeper has. */
const keeperVersionPath = '/keeper/api_version'
/** How long to wait for replies, milliseconds. */
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
