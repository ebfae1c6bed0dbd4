/** What both kinds of election share: the object that they return, and the wait until a candidate is elected. */
import type { Acl, CallOptions, Client, ZnodePath } from '@lightkeeper/client'
import { acl } from '@lightkeeper/client/arguments'
import { callOptions, signalOption } from '../arguments/options.ts'
import { text } from '../arguments/values.ts'
import { Backoff } from '../common/backoff.ts'
import { isLost, isOver } from '../common/errors.ts'
import { Limit, within } from '../common/limit.ts'
import type { Tenure } from '../common/tenure.ts'
import { type Leader, leadersOf, type Sight } from './observe.ts'
import { type Term, termsOf } from './term.ts'

/** The options of a candidacy. */
export interface CandidateOptions {
  /** What others read about a candidate: a name, an address. Default empty. */
  readonly id?: string
  /**
   * The ACL of the candidate, and of `path` where it is created. Everybody may use the znodes above. Default: everybody may do
   * everything.
   */
  readonly acl?: readonly Acl[]
}

/** One row for each of `CandidateOptions`. */
export const candidateTable = { id: text, acl }

/** A line of candidates of which the first one leads. */
export interface Election {
  /** The znode of the election; candidates are its children. */
  readonly path: ZnodePath
  /**
   * Stands for election whenever the loop asks for the next term. The body of the loop is the term: at its end the candidate
   * resigns and stands again; `break` resigns and leaves. Ends when `signal` aborts, which also resigns, or when the client is
   * closed.
   * @throws KeeperError where a server refuses it: NO_AUTH.
   */
  terms(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<Term, void, void>
  /** The current leader, as the connected server knows it. */
  leader(options?: CallOptions): Promise<Leader | undefined>
  /** The leader, now and after every change; undefined while there is none. Ends when `signal` aborts or the client is closed. */
  watchLeader(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<Leader | undefined, void, void>
  /** The leader, then the candidates that wait, in the order in which they came. */
  candidates(options?: CallOptions): Promise<Leader[]>
}

/** Differences between the kinds of election. */
export interface ElectionKind {
  /** `election`: the name of the function, for errors. */
  readonly name: string
  /** Waits until elected. Undefined where `signal` has aborted or the client is closed. */
  begin(signal: AbortSignal | undefined): Promise<Term | undefined>
  /** Looks who leads. With `watch` the result has an event that says when to look again. */
  look(options: CallOptions, watch: boolean): Promise<Sight>
  candidates(options: CallOptions): Promise<Leader[]>
}

export function electionOf(zk: Client, path: ZnodePath, kind: ElectionKind): Election {
  const { name } = kind
  return {
    path,
    terms(options) {
      const { signal } = signalOption(options, `${name}.terms`)
      return termsOf(zk, signal, () => kind.begin(signal))
    },
    async leader(options) {
      const own = callOptions(options, `${name}.leader`)
      return within(zk, 'leader', path, own, async (limit) => (await kind.look(limit.step, false)).leader)
    },
    watchLeader(options) {
      const { signal } = signalOption(options, `${name}.watchLeader`)
      return leadersOf(zk, path, signal, (step) => kind.look(step, true))
    },
    async candidates(options) {
      return kind.candidates(callOptions(options, `${name}.candidates`))
    },
  }
}

const standAgain = { baseMs: 500, maxMs: 10_000 }

/** Waits without a limit. Undefined where `signal` has aborted or the client is closed. */
export async function untilElected(
  zk: Client,
  path: ZnodePath,
  signal: AbortSignal | undefined,
  stand: (limit: Limit) => Promise<Tenure>,
): Promise<Tenure | undefined> {
  using limit = new Limit(zk, 'election', path, { signal })
  const backoff = new Backoff(zk, standAgain)
  for (;;) {
    try {
      const tenure = await stand(limit)
      if (!limit.signal.aborted) return tenure
      await tenure.release()
      return undefined
    } catch (error) {
      if (limit.signal.aborted || zk.state.kind === 'closed') return undefined
      // Lost on the way: the candidate stands again as soon as a server answers.
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(limit.signal)
    }
  }
}
