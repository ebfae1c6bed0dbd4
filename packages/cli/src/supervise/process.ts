/** What the supervisor and its guard both need of the host. */

/** Milliseconds on the clock that all processes of this machine have in common, which never goes back. */
export function commonClockMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/** Sends to a process, or with a negative number to a group. False where nobody is there. */
export function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, signal)
    return true
  } catch (error) {
    // EPERM: it is there, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
