/** Shows who leads, to programs that are no candidates. */
import type { CallOptions, Client, WatchedEvent, ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { Backoff } from '../common/backoff.ts'
import { isLost, isOver } from '../common/errors.ts'
import { firstOf } from '../common/first-of.ts'
import { jsonable } from '../common/json-form.ts'
import { Limit } from '../common/limit.ts'

/** The candidate that leads. */
export interface Leader {
  /** The data that the candidate was given. */
  readonly id: string
  /** Grows with every term at this path. */
  readonly epoch: bigint
  /** The znode of the candidate. */
  readonly path: ZnodePath
  /** The session of the candidate. */
  readonly sessionId: bigint
  /** When it became a candidate, by the server's clock. */
  readonly since: Date
}

/** Who leads now, and when to look again. */
export interface Sight {
  readonly leader: Leader | undefined
  readonly changed: Promise<WatchedEvent> | undefined
}

export function leaderOf(path: ZnodePath, data: Uint8Array, stat: ZnodeStat): Leader {
  const { czxid: epoch, ephemeralOwner: sessionId, created: since } = stat
  return jsonable({ id: new TextDecoder().decode(data), epoch, path, sessionId, since })
}

const lookAgain = { baseMs: 500, maxMs: 10_000 }

/** Each leader once; undefined while there is none. A slow reader gets only the newest. Ends with the signal or the client. */
export async function* leadersOf(
  zk: Client,
  path: ZnodePath,
  signal: AbortSignal | undefined,
  look: (options: CallOptions) => Promise<Sight>,
): AsyncGenerator<Leader | undefined, void, void> {
  using limit = new Limit(zk, 'watchLeader', path, { signal })
  const backoff = new Backoff(zk, lookAgain)
  let shown: bigint | undefined | null = null
  while (!limit.signal.aborted) {
    let sight: Sight
    try {
      sight = await look(limit.step)
    } catch (error) {
      if (limit.signal.aborted || zk.state.kind === 'closed') return
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(limit.signal)
      continue
    }
    backoff.reset()
    const { leader, changed } = sight
    if (shown !== leader?.epoch) {
      shown = leader?.epoch
      yield leader
    }
    if (changed !== undefined) await firstOf([changed], limit.signal)
    if (zk.state.kind === 'closed') return
  }
}
