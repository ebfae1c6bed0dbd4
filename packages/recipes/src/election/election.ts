/** The election of one candidate out of a line. When the leader goes, the next in line follows, and only that one is woken. */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { oneOf } from '@lightkeeper/client/arguments'
import { optionsOf } from '../arguments/options.ts'
import { checkPlaceOrRoot } from '../arguments/places.ts'
import { number } from '../arguments/values.ts'
import { Backoff } from '../common/backoff.ts'
import { contend, type LineSpec } from '../common/contender.ts'
import { EndedError } from '../common/ended.ts'
import { firstOf } from '../common/first-of.ts'
import { LinkedAbort } from '../common/linked.ts'
import { namesBelow } from '../common/names-below.ts'
import { below, nameOf } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { type CandidateOptions, candidateTable, type Election, electionOf, untilElected } from './candidacy.ts'
import { electionLine, electionStanding, isOutranked, markerOf } from './decide.ts'
import { type Leader, leaderOf, type Sight } from './observe.ts'
import { Term } from './term.ts'

/** The options of `election`. */
export interface ElectionOptions extends CandidateOptions {
  /**
   * An integer, 0 or more. When it is a candidate's turn, all candidates in line with a higher priority go first. A leader
   * continues, unless it resigns when it is `challenged`. Candidates of other libraries have priority 0, and do not give way.
   * Default 0.
   */
  readonly priority?: number
  /**
   * The library whose names to use. Our candidates wait for candidates of either kind. Curator's LeaderLatch and kazoo's Election
   * know only their own kind, so use the names of the library that shares the path. Default `curator`.
   */
  readonly names?: 'curator' | 'kazoo'
}

/** One leader at a time among the candidates at `path`. Sends nothing before the loop asks for the first term. */
export function election(zk: Client, path: ZnodePath, options: ElectionOptions = {}): Election {
  checkPlaceOrRoot(zk, path, 'election')
  const { id = '', priority = 0, names = 'curator', acl } = electionOptions(options, 'election')
  const marker = markerOf(names, priority)
  const line: LineSpec = { path, marker, names, data: id, acl, standing: electionStanding }
  return electionOf(zk, path, {
    name: 'election',
    async begin(signal) {
      const tenure = await untilElected(zk, path, signal, (limit) => contend(zk, line, limit))
      return tenure && new Term(id, tenure, (ended) => challenge(zk, path, nameOf(tenure.path), ended))
    },
    look: (step, watch) => look(zk, path, step, watch),
    candidates: (own) => candidates(zk, path, own),
  })
}

const electionOptions = optionsOf<ElectionOptions>({
  ...candidateTable,
  priority: number('', 0, 0x7fff_ffff),
  names: oneOf('curator', 'kazoo'),
})

async function candidates(zk: Client, path: ZnodePath, options: CallOptions): Promise<Leader[]> {
  const line = electionLine(await namesBelow(zk, path, options))
  const found = await Promise.all(line.map(({ name }) => zk.find(below(path, name), options)))
  return found.flatMap((each, i) => {
    return each === undefined ? [] : [leaderOf(below(path, line[i]?.name ?? ''), each.data, each.stat)]
  })
}

/** Waits after a failed read of the line, milliseconds. */
const lookAgain = { baseMs: 500, maxMs: 60_000 }

/** Aborts when a candidate with a higher priority than `own` stands in line. Watches the line until then, or until `ended`. */
function challenge(zk: Client, path: ZnodePath, own: string, ended: AbortSignal): AbortSignal {
  const challenged = new LinkedAbort()
  const backoff = new Backoff(zk, lookAgain)
  const follow = async (): Promise<void> => {
    while (!ended.aborted) {
      try {
        const { children, changed } = await zk.children(path, { watch: true, signal: ended })
        if (isOutranked(electionLine(children), own)) {
          const message = `a candidate with a higher priority waits at ${path}`
          return challenged.abort(new EndedError('CHALLENGED', path, message))
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

/** Watches only the znode of the leader; without a leader, the parent of the candidates. */
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
        // It has left meanwhile: the next list does not have it.
        await races.lost(error, first.name)
        continue
      }
      const { stat, changed } = await zk.existence(path, { ...step, watch })
      if (stat === undefined) return { leader: undefined, changed }
    }
  }
}
