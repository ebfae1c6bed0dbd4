/**
 * The classic master election: the candidate that creates the one znode is the master. All others watch the znode, and try again
 * when it is deleted. Every candidate wakes when the master goes: a herd, fine for a handful. For more candidates use `election`,
 * which wakes one.
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
import { optionsOf } from '../arguments/options.ts'
import { checkPlace } from '../arguments/places.ts'
import { Backoff } from '../common/backoff.ts'
import { createBelow } from '../common/container.ts'
import { failedWith, isOver, isRefusal, mayBeExecuted, refusalOf } from '../common/errors.ts'
import { firstOf } from '../common/first-of.ts'
import { type LeftBehind, mayNotBeDeleted } from '../common/leaving.ts'
import type { Limit } from '../common/limit.ts'
import { ownOf } from '../common/own-ephemeral.ts'
import { Races } from '../common/races.ts'
import { repeat } from '../common/repeat.ts'
import { Tenure } from '../common/tenure.ts'
import { type CandidateOptions, candidateTable, type Election, electionOf, untilElected } from './candidacy.ts'
import { leaderOf, type Sight } from './observe.ts'
import { Term } from './term.ts'

/**
 * One master at a time: the client that created the ephemeral `path`. The version of `<path>-epoch` counts the terms; by it a
 * server knows that a term is over. Candidates of other programs, which only create the znode, do not count. No master is
 * `challenged`.
 * Sends nothing before the loop asks for the first term.
 */
export function masterElection(zk: Client, path: ZnodePath, options: CandidateOptions = {}): Election {
  checkPlace(zk, path, 'masterElection')
  const candidate = candidateOptions(options, 'masterElection')
  const { id = '' } = candidate
  return electionOf(zk, path, {
    name: 'masterElection',
    async begin(signal) {
      const tenure = await untilElected(zk, path, signal, (limit) => becomeMaster(zk, path, candidate, limit))
      return tenure && new Term(id, tenure, () => new AbortController().signal)
    },
    look: (step, watch) => look(zk, path, step, watch),
    // A waiting candidate leaves no znode.
    async candidates(own) {
      const found = await zk.find(path, own)
      return found === undefined ? [] : [leaderOf(path, found.data, found.stat)]
    },
  })
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
    // The master has gone meanwhile, or our session has ended: another try shows which.
    else await races.lost(seized instanceof Tenure ? sessionOver(path) : seized)
  }
}

type Seized = TransactionResults<[ReturnType<typeof op.create>, ReturnType<typeof op.set>]>

function sessionOver(path: ZnodePath): KeeperError {
  return new KeeperError('SESSION_EXPIRED', { path, operation: 'election' })
}

/** Resolves to an error where another candidate is the master, or where another try may succeed. */
async function seize(
  zk: Client,
  path: ZnodePath,
  { id = '', acl }: CandidateOptions,
  limit: Limit,
): Promise<Tenure | KeeperError> {
  const epochPath: ZnodePath = `${path}-epoch`
  const create = op.create(path, id, { mode: 'ephemeral', ...(acl === undefined ? {} : { acl }) })
  const { epoch, lastZxid } = zk
  const removeLeft = (): Promise<void> => removeUnknown(zk, path, epochPath, { epoch, lastZxid })
  // Without the signal or a limit, because the outcome must become known: every candidate waits for a znode that is left.
  const seizing: Promise<Seized> = zk.transactionOf([create, op.set(epochPath, id)], {
    timeout: Number.POSITIVE_INFINITY,
  })
  try {
    const [made, { version }] = await limit.until(seizing)
    const stat = made.stat ?? (await repeat(zk, limit, (step) => zk.exists(path, step)))
    const own = stat && ownOf(zk, path, stat)
    if (!own) return sessionOver(path)
    return new Tenure(zk, own, {
      guard: op.check(epochPath, version),
      remove: () => removeMaster(zk, path, epochPath, version, own.epoch),
    })
  } catch (error) {
    if (limit.signal.aborted) {
      void seizing.then(
        ([, { version }]) => removeMaster(zk, path, epochPath, version, zk.epoch),
        (reason: unknown) => (mayBeExecuted(reason) ? removeLeft() : undefined),
      )
      throw error
    }
    if (KeeperError.is(error, 'SESSION_EXPIRED')) return error
    // The next try would wait for the znode of this one.
    if (mayBeExecuted(error)) await limit.until(removeLeft())
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
 * Deletes the znode of the master if it still belongs to this term, and ends the term for the server's checks. Resolves to the
 * reason why the server refuses that. Never rejects.
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
      // Another client has deleted the znode. The term must end nevertheless, for everything that it guards.
      if (failed === 'NO_NODE') await zk.set(epochPath, '', { version }).catch(() => {})
      // Another client has ended the term.
      if (failed === 'NO_NODE' || failed === 'BAD_VERSION') return undefined
      // A server would repeat a refusal, so the znode goes with its session. After any other error the next try may succeed.
      const refusal = refusalOf(error, 'resign')
      if (KeeperError.is(refusal) && isRefusal(refusal)) return mayNotBeDeleted('resign', path, refusal)
    }
    await backoff.pause()
  }
  return undefined
}

/**
 * Deletes the znode of a transaction whose outcome is unknown, if it was executed: it is of session `epoch` and later than
 * `lastZxid`. Resolves when nothing of it is left, or a server refuses to delete it. Never rejects.
 */
async function removeUnknown(
  zk: Client,
  path: ZnodePath,
  epochPath: ZnodePath,
  sent: { readonly epoch: number; readonly lastZxid: bigint },
): Promise<void> {
  const unbound = { timeout: Number.POSITIVE_INFINITY }
  const backoff = new Backoff(zk)
  while (zk.epoch === sent.epoch && !isOver(zk)) {
    try {
      await zk.sync(path, unbound)
      // In this order: a term that begins between the two reads has another version, so it is not removed.
      const { stat: last } = await zk.get(epochPath, unbound)
      const made = await zk.exists(path, unbound)
      if (made?.ephemeralOwner !== zk.sessionId || made.czxid <= sent.lastZxid) return
      if ((await removeMaster(zk, path, epochPath, last.version, sent.epoch)) !== undefined) return
    } catch (error) {
      if (isRefusal(error)) return
    }
    await backoff.pause()
  }
}

/** Watches the current master; undefined where there is none. */
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
