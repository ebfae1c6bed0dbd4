/** The end of a process whose disk may not answer. */
import { createHook } from 'node:async_hooks'

const lookEveryMs = 10
/**
 * How often to look at file operations that are under way: half a second. Looks are counted, not time: what has come back while this
 * thread was busy is seen between two looks.
 */
const looksMax = 50

/**
 * Ends the process with `code`. The system's own exit waits for every file operation that is under way, so where one does not come to
 * an end the process is killed instead: its exit code is 137 then.
 */
export function endProcess(code: number): void {
  new End(code).look()
}

/** The same for a process that is still reading its files: as long as it begins new operations, the disk answers. */
export function endStartingProcess(code: number): void {
  const end = new End(code)
  const init = (_id: number, type: string): void => {
    if (isOfFiles(type)) end.looks = 0
  }
  createHook({ init }).enable()
  end.look()
}

class End {
  looks = 0
  readonly #code: number

  constructor(code: number) {
    this.#code = code
  }

  look(): void {
    if (!process.getActiveResourcesInfo().some(isOfFiles)) process.exit(this.#code)
    if (this.looks++ === looksMax) process.kill(process.pid, 'SIGKILL')
    setTimeout(() => this.look(), lookEveryMs)
  }
}

/** Whether a resource with this name is an operation of node:fs; hooks write the name in capitals. */
function isOfFiles(resource: string): boolean {
  return resource.toUpperCase().startsWith('FSREQ')
}
