/**
 * Stops a process or a group as its plan says: SIGTERM, then SIGKILL when its grace or what is left of the lease is over. The
 * supervisor and its guard have one each; the plan decides (plan.ts), this does it.
 */
import { type Plan, stepFor } from './plan.ts'
import { commonClockMs, send } from './process.ts'

export interface StopperOptions {
  /** A process, or a group if it is negative. */
  readonly target: number
  readonly plan: Plan
  /** Between SIGTERM and SIGKILL, milliseconds. */
  readonly graceMs: number
  /** What is left of the lease, milliseconds; infinite without one. */
  readonly remaining: () => number
  /** At the beginning of every look, with what is left then. */
  readonly looking?: (remainingMs: number) => void
  /** Why it is told to stop where the plan demands it. */
  readonly overdue: string
  /** Just before SIGTERM. */
  readonly telling: (why: string) => void
  /** Just before SIGKILL. */
  readonly killing?: (remainingMs: number) => void
  /** Just after SIGKILL. */
  readonly killed?: () => void
  /** Has a server renew the lease, where that can be done from here. */
  readonly renew?: () => Promise<unknown>
}

export class Stopper {
  /** A look is taken at least so often, milliseconds. */
  lookEveryMs = 60_000
  readonly #options: StopperOptions
  /** On the common clock. */
  #toldAt: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isRenewing = false
  #isOver = false

  constructor(options: StopperOptions) {
    this.#options = options
  }

  /** Whether it was told to stop, by this or by another. */
  get isTold(): boolean {
    return this.#toldAt !== undefined
  }

  /** Another has told it: its grace begins. */
  wasTold(): void {
    this.#toldAt ??= commonClockMs()
  }

  /** Sends SIGTERM, once. */
  tell(why: string): void {
    if (this.#toldAt !== undefined) return
    this.#toldAt = commonClockMs()
    const { target, telling } = this.#options
    telling(why)
    send(target, 'SIGTERM')
    // One that is stopped does not hear of it otherwise.
    send(target, 'SIGCONT')
  }

  /** Does what is due, and looks again when the next step is. */
  look(): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    const { target, plan, graceMs, remaining, looking, overdue, killing, killed, renew } = this.#options
    const remainingMs = remaining()
    looking?.(remainingMs)
    const told = this.#toldAt === undefined ? undefined : { agoMs: commonClockMs() - this.#toldAt, graceMs }
    const { does, lookAfterMs } = stepFor(plan, remainingMs, told)
    if (does === 'kill') {
      this.end()
      this.wasTold()
      killing?.(remainingMs)
      send(target, 'SIGKILL')
      killed?.()
      return
    }
    if (does === 'tell') this.tell(overdue)
    if (does === 'ask' && renew !== undefined) this.#renew(renew)
    this.#timer = setTimeout(() => this.look(), Math.min(this.lookEveryMs, Math.max(1, lookAfterMs)))
  }

  /** Nothing is done any more: the target has ended. */
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
