/** Functions of the host that both the supervisor and its guard use. */

/** Milliseconds on the clock that all processes of this machine have in common, which never goes back. */
export function commonClockMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/** Sends a signal to a process, or to a group if the number is negative. False if there is none. */
export function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, signal)
    return true
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
