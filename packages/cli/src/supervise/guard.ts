/**
 * Stops the command if its supervisor cannot: because the supervisor was killed (its end of the pipe closes), or
 * stopped (it does not renew the lease it has announced). It is a process of its own in a session of its own, as long
 * as the command runs.
 */
import { createInterface } from 'node:readline'
import { guardPlanFor, type Plan } from './plan.ts'
import { commonClockMs, send } from './process.ts'
import { Stopper } from './stopper.ts'

/** The target to stop (a process, or a group if negative), the supervisor's plan, and the grace in milliseconds. */
interface GuardTarget {
  readonly target: number
  readonly plan: Plan
  readonly graceMs: number
}

/** A line of JSON on standard input. The target comes first and is answered by a line; the others may come again. */
export type GuardMessage =
  | GuardTarget
  /** On the common clock; null where the command does not depend on a lease. */
  | { readonly leaseEnd: number | null }
  /** The supervisor has sent it SIGTERM. */
  | { readonly terminated: true }
  /** The command has ended. */
  | { readonly done: true }

/**
 * How often the guard checks that a command without a supervisor still runs, milliseconds: its process id may be given to another
 * process.
 */
const lookMs = 50

function guard(): void {
  let stopper: Stopper | undefined
  let leaseEnd = Number.POSITIVE_INFINITY
  let isAlone = false

  const stopperOf = ({ target, plan, graceMs }: GuardTarget): Stopper => {
    const made: Stopper = new Stopper({
      target,
      plan: guardPlanFor(plan),
      graceMs,
      remaining: () => leaseEnd - commonClockMs(),
      looking() {
        if (!isAlone) return
        if (!send(target, 0)) process.exit(0)
        made.terminate('the process that ran it was killed')
      },
      overdue: 'the process that runs it does not go on',
      terminating: (why) => void process.stderr.write(`lightkeeper: ${why}; its command is stopped\n`),
      killed: () => process.exit(0),
    })
    return made
  }

  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const message = JSON.parse(line) as GuardMessage
    if ('done' in message) process.exit(0)
    if ('terminated' in message) stopper?.wasTerminated()
    else if ('target' in message) {
      stopper = stopperOf(message)
      process.stdout.write('armed\n')
    } else leaseEnd = message.leaseEnd ?? Number.POSITIVE_INFINITY
    stopper?.look()
  })
  lines.once('close', () => {
    if (stopper === undefined) process.exit(0)
    isAlone = true
    stopper.lookEveryMs = lookMs
    stopper.look()
  })
}

// The command must be stopped even if no process reads the messages about it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
guard()
