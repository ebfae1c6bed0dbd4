/**
 * Stops the command where its supervisor cannot: because that was killed (its end of the pipe closes), or stopped (it does not
 * renew the lease it has told of). A process of its own, in a session of its own, for as long as the command runs.
 */
import { createInterface } from 'node:readline'
import { guardPlanFor, type Plan } from './plan.ts'
import { commonClockMs, send } from './process.ts'
import { Stopper } from './stopper.ts'

/** What to stop, a process, or a group if it is negative; the supervisor's plan, and its grace in milliseconds. */
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
  /** It was told to stop, by the supervisor. */
  | { readonly told: true }
  /** The command has ended. */
  | { readonly done: true }

/** How often a command whose supervisor is dead is looked for, milliseconds: its number may be given to another. */
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
        made.tell('the process that ran it was killed')
      },
      overdue: 'the process that runs it does not go on',
      telling: (why) => void process.stderr.write(`lightkeeper: ${why}; its command is stopped\n`),
      killed: () => process.exit(0),
    })
    return made
  }

  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const message = JSON.parse(line) as GuardMessage
    if ('done' in message) process.exit(0)
    if ('told' in message) stopper?.wasTold()
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

// The command must be stopped whoever reads what is said of it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
guard()
