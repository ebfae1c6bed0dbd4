/** What the error says when a lock was not had in time: who holds it, and our place in line. */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import type { InLine } from '../common/line.ts'
import type { Participant } from './participants.ts'

/** The time that the words of an error are worth, milliseconds. */
const lookMs = 500
const shownMax = 3

/** Place in line, from 1, and how many stand in it. */
export interface PlaceInLine {
  readonly at: number
  readonly of: number
}

export function placeIn(line: readonly InLine[], own: string): PlaceInLine | undefined {
  const at = line.findIndex(({ name }) => name === own)
  return at === -1 ? undefined : { at: at + 1, of: line.length }
}

/**
 * The error of an acquisition. The TIMEOUT of its own `timeout` gets the names of the holders, as far as they can be read. Any other
 * error stays as it is.
 */
export async function withHolders(
  zk: Client,
  error: unknown,
  { operation, path, signal }: { readonly operation: string; readonly path: ZnodePath } & CallOptions,
  place: PlaceInLine | undefined,
  holders: (options: CallOptions) => Promise<readonly Participant[]>,
): Promise<unknown> {
  const isOwn = KeeperError.is(error, 'TIMEOUT') && error.operation === operation && !signal?.aborted
  if (!isOwn || place === undefined || zk.state.kind !== 'connected') return error
  // Holders that cannot be read must not hide the error.
  const found = await holders({ timeout: lookMs }).catch(() => [])
  const shown = found.slice(0, shownMax).map(describe)
  const more = found.length > shownMax ? ` and ${found.length - shownMax} more` : ''
  const who = shown.length === 0 ? '' : `: held by ${shown.join(', ')}${more}`
  const first = error.message.replace(/^TIMEOUT: | \([^)]*\)$/g, '')
  const message = `${first}${who}; number ${place.at} of ${place.of} in line`
  return new KeeperError('TIMEOUT', { operation, path, outcome: error.outcome, message, cause: error })
}

/** For people: the data where it is text, the znode, and since when. */
export function describe({ data, path, since }: Participant): string {
  const said = new TextDecoder().decode(data.subarray(0, 100))
  // Data that is no text must not reach a terminal.
  const isText = said !== '' && !/\p{Cc}|\ufffd/u.test(said)
  return `${isText ? `${JSON.stringify(said)} ` : ''}${path} since ${since.toISOString()}`
}
