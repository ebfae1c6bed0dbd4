/** Seam: time. */

export interface Timer {
  /** After this call the task does not run. Harmless if it ran already. */
  cancel(): void
}

/** Where time comes from: the host, or a simulated world. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start: the only source for timeouts. */
  now(): number
  /** Wall-clock milliseconds since 1970: for ctime, mtime and log lines, never for timeouts. */
  wall(): number
  /** Runs `task` once when `now()` has advanced by `delayMs`. */
  after(delayMs: number, task: () => void): Timer
  /**
   * Runs `task` once at the end of this turn: after all inputs that the host has ready now, before it waits for more.
   * The output of all inputs of a turn leaves there together, in one write per socket and one sync of the log.
   */
  turnEnd(task: () => void): void
}
