/** The error of a lock that was not acquired in time: it names the holder and our place in line. */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import type { InLine } from '../common/line.ts'
import type { Participant } from './participants.ts'

/** How long to read for the text of an error, milliseconds. */
const lookMs = 500
const shownMax = 3

/** Place in line, from 1, and the length of the line. */
export interface PlaceInLine {
  readonly at: number
  readonly of: number
}

export function placeIn(line: readonly InLine[], own: string): PlaceInLine | undefined {
  const at = line.findIndex(({ name }) => name === own)
  return at === -1 ? undefined : { at: at + 1, of: line.length }
}

/**
 * The error of an acquisition. A TIMEOUT of its own `timeout` gets the names of the holders, if they can be read. Any other error
 * stays unchanged.
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

/** For people: the data if it is text, the znode, and its time. */
export function describe({ data, path, since }: Participant): string {
  const said = new TextDecoder().decode(data.subarray(0, 100))
  // Data that is no text must not reach a terminal.
  const isText = said !== '' && !/\p{Cc}|\ufffd/u.test(said)
  return `${isText ? `${JSON.stringify(said)} ` : ''}${path} since ${since.toISOString()}`
}
