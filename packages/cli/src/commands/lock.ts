/** `lightkeeper lock`: runs a command while it holds a lock. */
import { hostname } from 'node:os'
import { type Client, KeeperError } from '@lightkeeper/client'
import { type Held, type Lockable, lock, type Participant, readWriteLock } from '@lightkeeper/recipes'
import { connecting, connectingUsage, connectTo, milliseconds, parse, pathArgument } from '../arguments.ts'
import type { Command } from '../command.ts'
import { textOf } from '../output.ts'
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

const usage = `usage: lightkeeper lock PATH [options] -- COMMAND [ARGUMENT…]

Waits for the lock at PATH and prints its holder, runs COMMAND while it holds the lock, and releases it when COMMAND has ended.
COMMAND is stopped before another client can get the lock: SIGTERM, then SIGKILL. It uses the same line as Curator, kazoo and
go-zk.

  --timeout MS          the longest wait, 0 for no wait (default: no limit)
  --shared              together with others that use it too: the reading side of a read-write lock
  --data TEXT           what others read of the owner (default: host name and process id)
${runningUsage}${connectingUsage('reports on standard error as JSON, one line each')}
COMMAND finds in its environment: LIGHTKEEPER_FENCING_TOKEN, a number that grows with every owner, LIGHTKEEPER_PATH,
LIGHTKEEPER_ZNODE and LIGHTKEEPER_SERVER.

Exit code: that of COMMAND, 128+n if signal n ended it; 1 if the lock is not free in time or is lost, 2 for wrong usage,
126 if COMMAND cannot be run, 127 if it does not exist.
`

export const lockCommand: Command = {
  name: 'lock',
  summary: 'run a command while holding a lock',
  usage,
  async run(args) {
    const { values, positionals, command } = parse('lock', args, {
      ...connecting,
      ...running,
      timeout: { type: 'string' },
      shared: { type: 'boolean', default: false },
      data: { type: 'string', default: `${hostname()} ${process.pid}` },
    })
    const path = pathArgument(positionals)
    const wanted = commandOf('lock PATH', command)
    const timeout = values.timeout === undefined ? undefined : milliseconds('--timeout', values.timeout)
    const graceMs = milliseconds('--grace', values.grace)
    const reports = new Reports('lock', values)
    using signals = new Signals()
    let zk: Client | undefined
    let held: Held | undefined
    try {
      zk = await connectTo(values, { signal: signals.signal })
      const granted = grantedTimeoutMs(zk, values)
      const { data, shared } = values
      const line: Lockable = shared ? readWriteLock(zk, path, { data }).read : lock(zk, path, { data })
      held = await take(line, timeout, signals.signal, (holders) => {
        const facts = { path, holders: holders.map(({ path: znode, since }) => ({ znode, since })) }
        reports.warn('waiting', facts, `waits for ${path}, held by ${namesOf(holders)}`)
      })
      if (held === undefined) throw new Error(`${path} is held by ${namesOf(await line.holders().catch(() => []))}`)
      const token = held.fencingToken.toString()
      reports.note('held', { path, znode: held.path, fencingToken: token }, `${path} is held, fencing token ${token}`)
      signals.signal.throwIfAborted()
      const { exitCode, wasStopped } = await supervise({
        command: wanted,
        environment: {
          LIGHTKEEPER_SERVER: values.server,
          LIGHTKEEPER_PATH: path,
          LIGHTKEEPER_ZNODE: held.path,
          LIGHTKEEPER_FENCING_TOKEN: token,
        },
        signals,
        reports,
        graceMs,
        holding: holdingOf(zk, granted, held),
        ask: held.revoked,
      })
      if (wasStopped) throw new Error(`${path} was lost, the command was stopped`)
      return exitCode
    } catch (error) {
      if (held === undefined && timeout !== undefined && KeeperError.is(error, 'TIMEOUT')) {
        throw new Error(`${path} was not free: ${error.message.replace(/^TIMEOUT: | \([^)]*\)$/g, '')}`)
      }
      return exitCodeFor(error, signals)
    } finally {
      if (zk !== undefined) await leave(zk, held?.release())
    }
  },
}

/** The time after which the command reports what it waits for, milliseconds. */
const lateMs = 500

/** Says once who holds the lock, if the command has to wait for it. */
async function take(
  line: Lockable,
  timeout: number | undefined,
  signal: AbortSignal,
  onWait: (holders: readonly Participant[]) => void,
): Promise<Held | undefined> {
  if (timeout === 0) return line.tryAcquire({ signal })
  let isOver = false
  const late = setTimeout(() => {
    // Holders that cannot be read are not shown.
    void line.holders({ timeout: 5_000 }).then(
      (holders) => isOver || onWait(holders),
      () => isOver || onWait([]),
    )
  }, lateMs)
  try {
    return await line.acquire({ signal, timeout })
  } finally {
    isOver = true
    clearTimeout(late)
  }
}

function namesOf(holders: readonly Participant[]): string {
  if (holders.length === 0) return 'an unknown client'
  return holders
    .map(({ path, data, since }) => {
      const text = textOf(data)
      return `${text === undefined || text === '' ? '' : `${JSON.stringify(text)} `}${path} since ${since.toISOString()}`
    })
    .join(', ')
}
