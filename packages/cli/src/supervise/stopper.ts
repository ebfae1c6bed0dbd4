/**
 * Stops a process or a group by its plan: SIGTERM, then SIGKILL when its grace or its lease has ended. The supervisor and its guard
 * have one each. plan.ts decides; this file acts.
 */
import { type Plan, stepFor } from './plan.ts'
import { commonClockMs, send } from './process.ts'

export interface StopperOptions {
  /** A process, or a group if it is negative. */
  readonly target: number
  readonly plan: Plan
  /** Between SIGTERM and SIGKILL, milliseconds. */
  readonly graceMs: number
  /** The rest of the lease, milliseconds; infinite without a lease. */
  readonly remaining: () => number
  /** Called at the beginning of every look, with the rest of the lease. */
  readonly looking?: (remainingMs: number) => void
  /** The reason for a SIGTERM that the plan demands. */
  readonly overdue: string
  /** Called just before SIGTERM. */
  readonly terminating: (why: string) => void
  /** Called just before SIGKILL. */
  readonly killing?: (remainingMs: number) => void
  /** Called just after SIGKILL. */
  readonly killed?: () => void
  /** Makes a server renew the lease; undefined if this process cannot. */
  readonly renew?: () => Promise<unknown>
}

export class Stopper {
  /** The longest time between two looks, milliseconds. */
  lookEveryMs = 60_000
  readonly #options: StopperOptions
  /** On the common clock. */
  #terminatedAt: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isRenewing = false
  #isOver = false

  constructor(options: StopperOptions) {
    this.#options = options
  }

  /** Whether SIGTERM was sent, by this stopper or by another one. */
  get isTerminated(): boolean {
    return this.#terminatedAt !== undefined
  }

  /** Another stopper has sent SIGTERM: the grace begins. */
  wasTerminated(): void {
    this.#terminatedAt ??= commonClockMs()
  }

  /** Sends SIGTERM, once. */
  terminate(why: string): void {
    if (this.#terminatedAt !== undefined) return
    this.#terminatedAt = commonClockMs()
    const { target, terminating } = this.#options
    terminating(why)
    send(target, 'SIGTERM')
    // A stopped process gets the signal only when it continues.
    send(target, 'SIGCONT')
  }

  /** Does what is due, and looks again when the next step is due. */
  look(): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    const { target, plan, graceMs, remaining, looking, overdue, killing, killed, renew } = this.#options
    const remainingMs = remaining()
    looking?.(remainingMs)
    const terminated =
      this.#terminatedAt === undefined ? undefined : { agoMs: commonClockMs() - this.#terminatedAt, graceMs }
    const { does, lookAfterMs } = stepFor(plan, remainingMs, terminated)
    if (does === 'kill') {
      this.end()
      this.wasTerminated()
      killing?.(remainingMs)
      send(target, 'SIGKILL')
      killed?.()
      return
    }
    if (does === 'terminate') this.terminate(overdue)
    if (does === 'ask' && renew !== undefined) this.#renew(renew)
    this.#timer = setTimeout(() => this.look(), Math.min(this.lookEveryMs, Math.max(1, lookAfterMs)))
  }

  /** Ends all looks: the target has ended. */
  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #renew(renew: () => Promise<unknown>): void {
    if (this.#isRenewing) return
    this.#isRenewing = true
    void renew().then(
      () => {
        this.#isRenewing = false
        this.look()
      },
      () => {
        this.#isRenewing = false
      },
    )
  }
}
