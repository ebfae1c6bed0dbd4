/** The election of one out of a line of candidates: who leaves is followed by the next, and nobody else hears of it. */
import { type Acl, type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { callOptions, signalOption } from '../arguments/calls.ts'
import { acl as aclCheck, checkPlaceOrRoot, number, oneOf, optionsOf, text } from '../arguments/checks.ts'
import { Backoff } from '../common/backoff.ts'
import { type Contest, contend, type Rule } from '../common/contender.ts'
import { EndedError } from '../common/ended.ts'
import { firstOf } from '../common/first-of.ts'
import { Limit, within } from '../common/limit.ts'
import { LinkedAbort } from '../common/linked.ts'
import { namesBelow } from '../common/names-below.ts'
import { below, nameOf } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { isLost, isOver } from '../common/repeat.ts'
import type { Tenure } from '../common/tenure.ts'
import { electionLine, electionStanding, isOutranked, markerOf } from './decide.ts'
import { type Leader, leaderOf, leadersOf, type Sight } from './observe.ts'
import { Term, termsOf } from './term.ts'

export interface CandidateOptions {
  /** What others read of a candidate: a name, an address. Default empty. */
  readonly id?: string
  /** The ACL of the candidate, and of `path` where it is made. What stands above is open to all. Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
}

export interface ElectionOptions extends CandidateOptions {
  /**
   * Whole, from 0 on. A candidate whose turn it is lets all those in line with a higher one go first. Whoever leads goes on,
   * unless it resigns when it is `challenged`. Candidates of other libraries have 0, and let nobody go first. Default 0.
   */
  readonly priority?: number
  /**
   * Whose names to use. Ours wait for candidates of either kind; those of Curator's LeaderLatch and of kazoo's Election know
   * only their kind, so take theirs where you join them. Default `curator`.
   */
  readonly names?: 'curator' | 'kazoo'
}

export interface Election {
  readonly path: ZnodePath
  /**
   * Stands for election whenever the next term is asked for. The step of the loop is the term: its end resigns, and stands
   * again; `break` resigns and leaves. Ends when `signal` aborts, which resigns too, or the client is closed.
   * @throws KeeperError where a server refuses it: NO_AUTH.
   */
  terms(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<Term, void, void>
  /** Who leads now, as the server connected to knows. */
  leader(options?: CallOptions): Promise<Leader | undefined>
  /** Who leads, now and after every change; undefined while nobody does. Ends when `signal` aborts or the client is closed. */
  watchLeader(options?: { readonly signal?: AbortSignal | undefined }): AsyncGenerator<Leader | undefined, void, void>
  /** Whoever leads, then those who wait, in the order in which they came. */
  candidates(options?: CallOptions): Promise<Leader[]>
}

/** One leader at a time among those who stand at `path`. Sends nothing before the first term is asked for. */
export function election(zk: Client, path: ZnodePath, options: ElectionOptions = {}): Election {
  checkPlaceOrRoot(zk, path, 'election')
  const { id = '', priority = 0, names = 'curator', acl } = electionOptions(options, 'election')
  const contest: Contest & Rule = {
    path,
    marker: markerOf(names, priority),
    names,
    data: id,
    acl,
    standing: electionStanding,
  }
  const begin = async (signal: AbortSignal | undefined): Promise<Term | undefined> => {
    const tenure = await untilElected(zk, path, signal, (limit) => contend(zk, contest, limit))
    return tenure && new Term(id, tenure, (ended) => challenge(zk, path, nameOf(tenure.path), ended))
  }
  return {
    path,
    terms(own) {
      const { signal } = signalOption(own, 'election.terms')
      return termsOf(zk, signal, () => begin(signal))
    },
    async leader(own) {
      return within(
        zk,
        'leader',
        path,
        callOptions(own, 'election.leader'),
        async (limit) => (await look(zk, path, limit.step, false)).leader,
      )
    },
    watchLeader(own) {
      const { signal } = signalOption(own, 'election.watchLeader')
      return leadersOf(zk, path, signal, (step) => look(zk, path, step, true))
    },
    async candidates(options) {
      const own = callOptions(options, 'election.candidates')
      const line = electionLine(await namesBelow(zk, path, own))
      const found = await Promise.all(line.map(({ name }) => zk.find(below(path, name), own)))
      return found.flatMap((each, i) => {
        return each === undefined ? [] : [leaderOf(below(path, line[i]?.name ?? ''), each.data, each.stat)]
      })
    },
  }
}

/** One row for each of `CandidateOptions`. */
export const candidateTable = { id: text, acl: aclCheck }
const electionOptions = optionsOf<ElectionOptions>({
  ...candidateTable,
  priority: number('', 0, 0x7fff_ffff),
  names: oneOf('curator', 'kazoo'),
})

const again = { baseMs: 500, maxMs: 10_000 }
/** A line that may not be read now may be later. */
const lookAgain = { baseMs: 500, maxMs: 60_000 }

/** Goes on for as long as it takes; undefined where it is told to stop, or the client is closed. */
export async function untilElected(
  zk: Client,
  path: ZnodePath,
  signal: AbortSignal | undefined,
  stand: (limit: Limit) => Promise<Tenure>,
): Promise<Tenure | undefined> {
  using limit = new Limit(zk, 'election', path, { signal })
  const backoff = new Backoff(zk, again)
  for (;;) {
    try {
      const tenure = await stand(limit)
      if (!limit.signal.aborted) return tenure
      await tenure.release()
      return undefined
    } catch (error) {
      if (limit.signal.aborted || zk.state.kind === 'closed') return undefined
      // Lost on the way: it stands again as soon as a server answers.
      if (isOver(zk) || !isLost(error)) throw error
      await backoff.pause(limit.signal)
    }
  }
}

/** Aborts when somebody of a higher priority than `own` stands in line; watches the line until then, or until `ended`. */
function challenge(zk: Client, path: ZnodePath, own: string, ended: AbortSignal): AbortSignal {
  const challenged = new LinkedAbort()
  const backoff = new Backoff(zk, lookAgain)
  const follow = async (): Promise<void> => {
    while (!ended.aborted) {
      try {
        const { children, changed } = await zk.children(path, { watch: true, signal: ended })
        if (isOutranked(electionLine(children), own)) {
          return challenged.abort(
            new EndedError('CHALLENGED', path, `a candidate of a higher priority waits at ${path}`),
          )
        }
        backoff.reset()
        if (changed !== undefined) await firstOf([changed], ended)
      } catch {
        await backoff.pause(ended)
      }
    }
  }
  void follow()
  return challenged.signal
}

/** Watches the leader's znode alone; where there is none, the place where one would stand. */
async function look(zk: Client, path: ZnodePath, step: CallOptions, watch: boolean): Promise<Sight> {
  const races = new Races(zk, step.signal)
  for (;;) {
    const first = electionLine(await namesBelow(zk, path, step))[0]
    try {
      if (first !== undefined) {
        const own = below(path, first.name)
        const { data, stat, changed } = await zk.get(own, { ...step, watch })
        return { leader: leaderOf(own, data, stat), changed }
      }
      const { children, changed } = await zk.children(path, { ...step, watch })
      if (electionLine(children).length === 0) return { leader: undefined, changed }
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE')) throw error
      if (first !== undefined) {
        // It has left meanwhile: the next list is without it.
        await races.lost(error, first.name)
        continue
      }
      const { stat, changed } = await zk.existence(path, { ...step, watch })
      if (stat === undefined) return { leader: undefined, changed }
    }
  }
}
