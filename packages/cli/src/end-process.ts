/** The end of a process whose disk may not answer. */

/** How long file operations that are under way may take, milliseconds. */
const patienceMs = 500

/**
 * Ends the process with `code`. The system's own exit waits for every file operation that is under way, so where one does not come to
 * an end the process is killed instead: its exit code is 137 then.
 */
export function endProcess(code: number): void {
  const until = performance.now() + patienceMs
  const attempt = (): void => {
    if (!isWaitingForFiles()) process.exit(code)
    if (performance.now() >= until) process.kill(process.pid, 'SIGKILL')
    else setTimeout(attempt, 10)
  }
  attempt()
}

function isWaitingForFiles(): boolean {
  return process.getActiveResourcesInfo().some((each) => each.startsWith('FSReq'))
}
