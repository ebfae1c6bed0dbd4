// @ts-check
/** Processes of a benchmark: servers that print their port, and drivers that answer line by line. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * Starts a server whose first line of output ends with `:` and its port.
 * @param {string} command @param {readonly string[]} args @param {'inherit' | 'ignore'} [errors] what becomes of its standard error
 */
export async function listening(command, args, errors = 'inherit') {
  const { child, line } = talking(command, args, errors)
  return { port: Number((await line()).split(':').at(-1)), child, close: () => child.kill() }
}

/**
 * Starts a process that is read line by line and can be written to.
 * @param {string} command @param {readonly string[]} args @param {'inherit' | 'ignore'} [errors]
 */
export function talking(command, args, errors = 'inherit') {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', errors] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    /** The next line of its output. @throws Error if it ends before. */
    async line() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${[command, ...args].join(' ')} ended`)
      return /** @type {string} */ (value)
    },
    /** @param {string} text */
    say(text) {
      child.stdin.write(`${text}\n`)
    },
  }
}
