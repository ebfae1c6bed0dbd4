/** `lightkeeper elect`: runs a command while this process is the leader. */
import type { Client } from '@lightkeeper/client'
import { type Election, election, type Leader, type Term } from '@lightkeeper/recipes'
import type { Run } from '../command.ts'
import { connectBy, connectionOf } from '../connect.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import { exitCodeFor, grantedTimeoutMs, holdingOf, leave } from '../supervise/running.ts'
import { supervise } from '../supervise/supervise.ts'
import type { elect } from '../table/recipes.ts'

export const run: Run<typeof elect> = async ({ values, args, command, connecting }) => {
  const { path } = args
  const { id, priority } = values
  const reports = new Reports('elect', values)
  const connection = await connectionOf(connecting)
  using signals = new Signals()
  let zk: Client | undefined
  let terms: AsyncGenerator<Term, void, void> | undefined
  try {
    zk = await connectBy(connection, { signal: signals.signal })
    const granted = grantedTimeoutMs(zk, connection.options)
    // A signal must not end this while a command runs: the command has to end first.
    const standing = new AbortController()
    const office = election(zk, path, { id, priority })
    terms = office.terms({ signal: standing.signal })
    for (;;) {
      reports.note('standing', { path, id, priority }, `stands at ${path}`)
      let term: Term | undefined
      {
        using _ = whenLate(office, (leader) => {
          const { id: other, path: znode, since, epoch } = leader ?? {}
          const facts = { path, leader: leader && { id: other, znode, since, epoch: `${epoch}` } }
          reports.wait(facts, `waits at ${path}: ${wordsOf(leader)}`)
        })
        term = await nextTerm(terms, standing, signals.signal)
      }
      if (term === undefined) throw new Error(`the election at ${path} is over: the client is ${zk.state.kind}`)
      const epoch = term.epoch.toString()
      reports.note('elected', { path, id, epoch, znode: term.path }, `leads at ${path}, epoch ${epoch}`)
      const { exitCode, wasStopped } = await supervise({
        command,
        environment: {
          ...connection.environment,
          LIGHTKEEPER_PATH: path,
          LIGHTKEEPER_ZNODE: term.path,
          LIGHTKEEPER_ID: id,
          LIGHTKEEPER_EPOCH: epoch,
          LIGHTKEEPER_FENCING_TOKEN: epoch,
        },
        signals,
        reports,
        graceMs: values.grace,
        holding: holdingOf(zk, granted, term),
        stop: values.yield ? term.challenged : undefined,
      })
      if (!wasStopped || signals.received !== undefined) return exitCode
      reports.note('deposed', { path, id, epoch }, `leads no more at ${path}`)
    }
  } catch (error) {
    return exitCodeFor(error, signals)
  } finally {
    if (zk !== undefined) await leave(zk, terms?.return())
  }
}

/** The time after which the command reports that it waits, milliseconds. */
const lateMs = 500
/** How long to look for the leader, milliseconds. */
const lookMs = 5_000

/** Calls `onWait` once with the leader, unless it is disposed of before `lateMs` have passed. */
function whenLate(office: Election, onWait: (leader: Leader | undefined) => void): Disposable {
  let isOver = false
  const say = (leader: Leader | undefined): void => {
    if (!isOver) onWait(leader)
  }
  const late = setTimeout(() => {
    // A leader that cannot be read is not shown.
    office.leader({ timeout: lookMs }).then(say, () => say(undefined))
  }, lateMs)
  return {
    [Symbol.dispose]() {
      isOver = true
      clearTimeout(late)
    },
  }
}

function wordsOf(leader: Leader | undefined): string {
  if (leader === undefined) return 'the leader cannot be seen'
  const { id, path, since } = leader
  return `${id === '' ? '' : `${JSON.stringify(id)} `}${path} leads since ${since.toISOString()}`
}

/** Waits until it leads. @throws the reason of `signal`, even if leaving the line takes long. */
async function nextTerm(
  terms: AsyncGenerator<Term, void, void>,
  standing: AbortController,
  signal: AbortSignal,
): Promise<Term | undefined> {
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      standing.abort(signal.reason)
      reject(signal.reason as Error)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    const next = await Promise.race([terms.next(), aborted])
    return next.value ?? undefined
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
