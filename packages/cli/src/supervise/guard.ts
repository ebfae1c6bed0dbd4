/**
 * Stops the command where its supervisor cannot: because that was killed (its end of the pipe closes), or stopped (it does not
 * renew the lease it has told of). A process of its own, in a session of its own, for as long as the command runs.
 */
import { createInterface } from 'node:readline'
import { guardPlanFor, noLease, type Plan, stepFor } from './plan.ts'
import { commonClockMs, send } from './process.ts'

/** A line of JSON on standard input; each may come again. It answers the target by a line. */
export type GuardMessage =
  /** What to stop: a process, or a group if it is negative. */
  | { readonly target: number; readonly plan: Plan; readonly graceMs: number }
  /** On the common clock; null where the command does not depend on a lease. */
  | { readonly leaseEnd: number | null }
  /** It was told to stop, by the supervisor. */
  | { readonly told: true }
  /** The command has ended. */
  | { readonly done: true }

/** How often a command whose supervisor is dead is looked for, milliseconds: its number may be given to another. */
const lookMs = 50

function guard(): void {
  let target: number | undefined
  let plan = noLease
  let graceMs = 0
  let leaseEnd = Number.POSITIVE_INFINITY
  let toldAt: number | undefined
  let isAlone = false
  let timer: NodeJS.Timeout | undefined

  const tell = (why: string): void => {
    if (toldAt !== undefined || target === undefined) return
    toldAt = commonClockMs()
    process.stderr.write(`lightkeeper: ${why}; its command is stopped\n`)
    send(target, 'SIGTERM')
    // One that is stopped does not hear of it otherwise.
    send(target, 'SIGCONT')
  }
  const look = (): void => {
    clearTimeout(timer)
    if (target === undefined) return
    if (isAlone) {
      if (!send(target, 0)) process.exit(0)
      tell('the process that ran it was killed')
    }
    const now = commonClockMs()
    const told = toldAt === undefined ? undefined : { agoMs: now - toldAt, graceMs }
    const { does, lookAfterMs } = stepFor(plan, leaseEnd - now, told)
    if (does === 'kill') {
      send(target, 'SIGKILL')
      process.exit(0)
    }
    if (does === 'tell') tell('the process that runs it does not go on')
    timer = setTimeout(look, Math.min(isAlone ? lookMs : 60_000, lookAfterMs))
  }

  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const message = JSON.parse(line) as GuardMessage
    if ('done' in message) process.exit(0)
    if ('told' in message) toldAt ??= commonClockMs()
    else if ('target' in message) {
      target = message.target
      graceMs = message.graceMs
      plan = guardPlanFor(message.plan)
      process.stdout.write('armed\n')
    } else leaseEnd = message.leaseEnd ?? Number.POSITIVE_INFINITY
    look()
  })
  lines.once('close', () => {
    if (target === undefined) process.exit(0)
    isAlone = true
    look()
  })
}

// The command must be stopped whoever reads what is said of it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
guard()
