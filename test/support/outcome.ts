/** How a call ended, as short text for expectations. */
import { KeeperError } from '@lightkeeper/protocol'

/** `ok`, the code and the outcome of a KeeperError (`NO_NODE rejected`), or any other error as text. */
export function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => (KeeperError.is(error) ? `${error.code} ${error.outcome}` : String(error)),
  )
}

/** As `outcomeOf`, without the outcome. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => (KeeperError.is(error) ? error.code : String(error)),
  )
}
