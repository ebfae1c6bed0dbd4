/** `lightkeeper lock`: runs a command while it holds a lock. */
import { type Client, KeeperError } from '@lightkeeper/client'
import { type Held, type Lockable, lock, type Participant, readWriteLock } from '@lightkeeper/recipes'
import type { Run } from '../command.ts'
import { connectBy, connectionOf } from '../connect.ts'
import { textOf } from '../output.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import { exitCodeFor, grantedTimeoutMs, holdingOf, leave } from '../supervise/running.ts'
import { supervise } from '../supervise/supervise.ts'
import type { lock as lockRow } from '../table/recipes.ts'

export const run: Run<typeof lockRow> = async ({ values, args, command, connecting }) => {
  const { path } = args
  const { timeout, data, shared } = values
  const reports = new Reports('lock', values)
  const connection = await connectionOf(connecting)
  using signals = new Signals()
  let zk: Client | undefined
  let held: Held | undefined
  try {
    zk = await connectBy(connection, { signal: signals.signal })
    const granted = grantedTimeoutMs(zk, connection.options)
    const line: Lockable = shared ? readWriteLock(zk, path, { data }).read : lock(zk, path, { data })
    held = await take(line, timeout, signals.signal, (holders) => {
      const facts = { path, holders: holders.map(({ path: znode, since }) => ({ znode, since })) }
      reports.wait(facts, `waits for ${path}, held by ${namesOf(holders)}`)
    })
    if (held === undefined) throw new Error(`${path} is held by ${namesOf(await line.holders().catch(() => []))}`)
    const token = held.fencingToken.toString()
    reports.note('held', { path, znode: held.path, fencingToken: token }, `${path} is held, fencing token ${token}`)
    signals.signal.throwIfAborted()
    const { exitCode, wasStopped } = await supervise({
      command,
      environment: {
        ...connection.environment,
        LIGHTKEEPER_PATH: path,
        LIGHTKEEPER_ZNODE: held.path,
        LIGHTKEEPER_FENCING_TOKEN: token,
      },
      signals,
      reports,
      graceMs: values.grace,
      holding: holdingOf(zk, granted, held),
      ask: held.revoked,
    })
    if (wasStopped) throw new Error(`${path} was lost, the command was stopped`)
    return exitCode
  } catch (error) {
    if (held === undefined && timeout !== undefined && KeeperError.is(error, 'TIMEOUT')) {
      const why = error.message.replace(/^TIMEOUT: (?:not done )?| \([^)]*\)$/g, '')
      throw new Error(`${path} was not free ${why}`)
    }
    return exitCodeFor(error, signals)
  } finally {
    if (zk !== undefined) await leave(zk, held?.release())
  }
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
