/**
 * The classic master election: who creates the one znode is the master, all others watch it, and try again when it goes. Every
 * candidate hears of every end, which is well for a few of them; `election` wakes one.
 */
import {
  type CallOptions,
  type Client,
  KeeperError,
  op,
  type TransactionResults,
  type WatchedEvent,
  type ZnodePath,
} from '@lightkeeper/client'
import { callOptions, signalOption } from '../arguments/calls.ts'
import { checkPlace, optionsOf } from '../arguments/checks.ts'
import { Backoff } from '../common/backoff.ts'
import { createBelow } from '../common/container.ts'
import type { Contender } from '../common/contender.ts'
import { firstOf } from '../common/first-of.ts'
import { type LeftBehind, mayNotBeDeleted } from '../common/leaving.ts'
import { type Limit, within } from '../common/limit.ts'
import { nameOf } from '../common/paths.ts'
import { Races } from '../common/races.ts'
import { failedWith, isRefusal, refusalOf } from '../common/errors.ts'
import { isOver } from '../common/repeat.ts'
import { Tenure } from '../common/tenure.ts'
import { type CandidateOptions, candidateTable, type Election, untilElected } from './election.ts'
import { leaderOf, leadersOf, type Sight } from './observe.ts'
import { Term, termsOf } from './term.ts'

/**
 * One master at a time: whoever made the ephemeral `path`. Its terms are counted by the versions of `<path>-epoch`, which is how
 * a server knows that a term is over; candidates of other programs, which only make the znode, do not count. Nobody is
 * `challenged`. Sends nothing before the first term is asked for.
 */
export function masterElection(zk: Client, path: ZnodePath, options: CandidateOptions = {}): Election {
  checkPlace(zk, path, 'masterElection')
  const candidate = candidateOptions(options, 'masterElection')
  const { id = '' } = candidate
  const begin = async (signal: AbortSignal | undefined): Promise<Term | undefined> => {
    const tenure = await untilElected(zk, path, signal, (limit) => becomeMaster(zk, path, candidate, limit))
    return tenure && new Term(id, tenure, () => new AbortController().signal)
  }
  return {
    path,
    terms(own) {
      const { signal } = signalOption(own, 'masterElection.terms')
      return termsOf(zk, signal, () => begin(signal))
    },
    async leader(own) {
      return within(
        zk,
        'leader',
        path,
        callOptions(own, 'masterElection.leader'),
        async (limit) => (await look(zk, path, limit.step, false)).leader,
      )
    },
    watchLeader(own) {
      const { signal } = signalOption(own, 'masterElection.watchLeader')
      return leadersOf(zk, path, signal, (step) => look(zk, path, step, true))
    },
    // Who waits leaves no trace.
    async candidates(own) {
      const found = await zk.find(path, callOptions(own, 'masterElection.candidates'))
      return found === undefined ? [] : [leaderOf(path, found.data, found.stat)]
    },
  }
}

const candidateOptions = optionsOf<CandidateOptions>(candidateTable)

async function becomeMaster(zk: Client, path: ZnodePath, options: CandidateOptions, limit: Limit): Promise<Tenure> {
  const races = new Races(zk, limit.signal)
  for (;;) {
    const seized = await seize(zk, path, options, limit)
    if (seized instanceof Tenure && !seized.signal.aborted) return seized
    const master = seized instanceof Tenure ? undefined : await watched(zk, path, limit.step)
    if (master !== undefined) await firstOf([master.changed], limit.signal)
    limit.signal.throwIfAborted()
    if (master !== undefined) races.won()
    // The master there was has gone meanwhile, or the session: what is there now tells.
    else await races.lost(seized instanceof Tenure ? sessionOver(path) : seized)
  }
}

type Seized = TransactionResults<[ReturnType<typeof op.create>, ReturnType<typeof op.set>]>

function sessionOver(path: ZnodePath): KeeperError {
  return new KeeperError('SESSION_EXPIRED', { path, operation: 'election' })
}

/** What came between, where somebody else has it or another try is to tell. */
async function seize(
  zk: Client,
  path: ZnodePath,
  { id = '', acl }: CandidateOptions,
  limit: Limit,
): Promise<Tenure | KeeperError> {
  const epochPath: ZnodePath = `${path}-epoch`
  const create = op.create(path, id, { mode: 'ephemeral', ...(acl === undefined ? {} : { acl }) })
  // Without the signal: what became of it is to be known.
  const seizing: Promise<Seized> = zk.transactionOf([create, op.set(epochPath, id)], {
    timeout: Number.POSITIVE_INFINITY,
  })
  try {
    const [made, { version }] = await limit.until(seizing)
    const stat = made.stat ?? (await zk.exists(path))
    // A session other than at the start of the call may have made it; one that is gone by now takes it with it.
    if (stat?.ephemeralOwner !== zk.sessionId) return sessionOver(path)
    const { czxid, ephemeralOwner: sessionId } = stat
    const contender: Contender = { path, name: nameOf(path), czxid, sessionId, epoch: zk.epoch }
    return new Tenure(zk, contender, {
      guard: op.check(epochPath, version),
      remove: () => removeMaster(zk, path, epochPath, version, contender.epoch),
    })
  } catch (error) {
    if (limit.signal.aborted) {
      void seizing.then(([, { version }]) => removeMaster(zk, path, epochPath, version, zk.epoch)).catch(() => {})
      throw error
    }
    if (KeeperError.is(error, 'SESSION_EXPIRED')) return error
    const refusal = refusalOf(error, 'election')
    const failed = failedWith(error)
    if (!KeeperError.is(refusal) || (failed !== 'NODE_EXISTS' && failed !== 'NO_NODE')) throw refusal
    if (failed === 'NO_NODE') {
      const own = acl === undefined ? limit.step : { ...limit.step, acl }
      await createBelow(zk, epochPath, '', own).catch(ignoreExisting)
    }
    return refusal
  }
}

/**
 * Removes the master's znode where it is still that of the term, and ends the term in the eyes of the server. Resolves to why it
 * may not; never rejects.
 */
async function removeMaster(
  zk: Client,
  path: ZnodePath,
  epochPath: ZnodePath,
  version: number,
  epoch: number,
): Promise<LeftBehind | undefined> {
  const backoff = new Backoff(zk)
  while (zk.epoch === epoch && !isOver(zk)) {
    try {
      await zk.transaction(op.set(epochPath, '', { version }), op.delete(path))
      return undefined
    } catch (error) {
      const failed = failedWith(error)
      // Somebody has deleted the znode: what is guarded by the term must end all the same.
      if (failed === 'NO_NODE') await zk.set(epochPath, '', { version }).catch(() => {})
      // The term was ended by another.
      if (failed === 'NO_NODE' || failed === 'BAD_VERSION') return undefined
      // Refused, it would be again: it goes with its session. Anything else came between.
      const refusal = refusalOf(error, 'resign')
      if (KeeperError.is(refusal) && isRefusal(refusal)) return mayNotBeDeleted('resign', path, refusal)
    }
    await backoff.pause()
  }
  return undefined
}

/** The end of the master there is; undefined where there is none. */
async function watched(
  zk: Client,
  path: ZnodePath,
  step: CallOptions,
): Promise<{ readonly changed: Promise<WatchedEvent> } | undefined> {
  try {
    const { changed } = await zk.get(path, { ...step, watch: true })
    return changed && { changed }
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return undefined
    throw error
  }
}

async function look(zk: Client, path: ZnodePath, step: CallOptions, watch: boolean): Promise<Sight> {
  for (;;) {
    try {
      const { data, stat, changed } = await zk.get(path, { ...step, watch })
      return { leader: leaderOf(path, data, stat), changed }
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE')) throw error
      const { stat, changed } = await zk.existence(path, { ...step, watch })
      if (stat === undefined) return { leader: undefined, changed }
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
}
