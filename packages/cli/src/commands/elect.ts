/** `lightkeeper elect`: runs a command while this process is the leader. */
import { hostname } from 'node:os'
import type { Client } from '@lightkeeper/client'
import { type Election, election, type Leader, type Term } from '@lightkeeper/recipes'
import { connecting, connectingUsage, connectTo, milliseconds, parse, pathArgument, wholeNumber } from '../arguments.ts'
import type { Command } from '../command.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import {
  commandOf,
  exitCodeFor,
  grantedTimeoutMs,
  holdingOf,
  leave,
  running,
  runningUsage,
} from '../supervise/running.ts'
import { supervise } from '../supervise/supervise.ts'

const usage = `usage: lightkeeper elect PATH [options] -- COMMAND [ARGUMENT…]

Stands for election at PATH, prints the leader while it waits, and runs COMMAND while it leads. COMMAND is stopped before another
can lead: SIGTERM, then SIGKILL; then it stands again. When COMMAND ends by itself, or by a signal to this process, it
resigns and ends. It uses the same line as Curator's LeaderLatch and kazoo's Election.

  --id TEXT             what others read of the leader (default: host name and process id)
  --priority N          candidates in line with a higher priority go first (default: 0)
  --yield               stops COMMAND when a candidate with a higher priority waits, and stands again
${runningUsage}${connectingUsage('reports on standard error as JSON, one line each')}
COMMAND finds in its environment: LIGHTKEEPER_EPOCH, a number that grows with every leader, also as LIGHTKEEPER_FENCING_TOKEN;
LIGHTKEEPER_ID, LIGHTKEEPER_PATH, LIGHTKEEPER_ZNODE and LIGHTKEEPER_SERVER.

Exit code: that of COMMAND, 128+n if signal n ended it; 1 for a failure, 2 for wrong usage, 126 if COMMAND cannot
be run, 127 if it does not exist.
`

export const electCommand: Command = {
  name: 'elect',
  summary: 'run a command while leading',
  usage,
  async run(args) {
    const { values, positionals, command } = parse('elect', args, {
      ...connecting,
      ...running,
      id: { type: 'string', default: `${hostname()} ${process.pid}` },
      priority: { type: 'string', default: '0' },
      yield: { type: 'boolean', default: false },
    })
    const path = pathArgument(positionals)
    const wanted = commandOf('elect PATH', command)
    const priority = wholeNumber('--priority', values.priority, 0, 0x7fff_ffff)
    const graceMs = milliseconds('--grace', values.grace)
    const reports = new Reports('elect', values)
    using signals = new Signals()
    let zk: Client | undefined
    let terms: AsyncGenerator<Term, void, void> | undefined
    try {
      zk = await connectTo(values, { signal: signals.signal })
      const granted = grantedTimeoutMs(zk, values)
      const { id } = values
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
            reports.warn('waiting', facts, `waits at ${path}: ${wordsOf(leader)}`)
          })
          term = await nextTerm(terms, standing, signals.signal)
        }
        if (term === undefined) throw new Error(`the election at ${path} is over: the client is ${zk.state.kind}`)
        const epoch = term.epoch.toString()
        reports.note('elected', { path, id, epoch, znode: term.path }, `leads at ${path}, epoch ${epoch}`)
        const { exitCode, wasStopped } = await supervise({
          command: wanted,
          environment: {
            LIGHTKEEPER_SERVER: values.server,
            LIGHTKEEPER_PATH: path,
            LIGHTKEEPER_ZNODE: term.path,
            LIGHTKEEPER_ID: id,
            LIGHTKEEPER_EPOCH: epoch,
            LIGHTKEEPER_FENCING_TOKEN: epoch,
          },
          signals,
          reports,
          graceMs,
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
  },
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
