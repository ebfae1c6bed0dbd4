/** The part of a clock that a test steps by hand: time that stands still, and timers in the order in which they come due. */
export abstract class ManualTime {
  time = 1_000
  #timers: { readonly at: number; readonly order: number; readonly task: () => void }[] = []
  #order = 0
  now = (): number => this.time
  wall = (): number => 1_700_000_000_000 + this.time

  after(delayMs: number, task: () => void): { cancel(): void } {
    const timer = { at: this.time + Math.max(0, delayMs), order: this.#order++, task }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  /** Takes the first timer that is due until then, and goes to its time. */
  protected takeDue(until: number): (() => void) | undefined {
    const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0]
    if (next === undefined) return undefined
    this.#timers = this.#timers.filter((timer) => timer !== next)
    this.time = Math.max(this.time, next.at)
    return next.task
  }
}
