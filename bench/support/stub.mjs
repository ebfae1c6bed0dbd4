// @ts-check
/** What benchmarks of the client's own cost share: the stub, and processes that end with the benchmark. */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { compileC, has } from '../clients/peers.mjs'
import { talking } from './process.mjs'

/** The stub, compiled; ends the process where it cannot be. @param {string} bench the name of the benchmark */
export function stubOrExit(bench) {
  const compiled = compileC('stub', 'stub.c')
  if ('binary' in compiled) return compiled.binary
  console.error(`bench ${bench}: there is no stub, because ${compiled.reason}`)
  process.exit(1)
}

/** Whether clients have a core of their own. The benchmark and the stub are on another one then. */
export const isPinned = cpus().length > 1 && has('taskset')
if (isPinned) spawnSync('taskset', ['-acp', '0', String(process.pid)])

/** @type {import('node:child_process').ChildProcess[]} */
const children = []
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts a process that ends with this one. @param {string} command @param {readonly string[]} args */
export function start(command, args) {
  const started = talking(command, args)
  children.push(started.child)
  return started
}

/**
 * Starts a client that takes orders, one line of JSON each, and waits until it is ready. Returns what gives it an order; rejects where the
 * client says that it failed.
 * @param {string} says how errors call it @param {readonly string[]} args of Node: the program and its arguments
 */
export async function startClient(says, args) {
  const command = [process.execPath, ...args]
  const { say, line } = isPinned ? start('taskset', ['-c', '1', ...command]) : start(process.execPath, args)
  /** @returns {Promise<Record<string, any>>} */
  const answer = async () => {
    const results = JSON.parse(await line())
    if (!results.ok) throw new Error(`${says}: ${results.reason}`)
    return results
  }
  await answer()
  /** @param {object} order */
  return (order) => {
    say(JSON.stringify(order))
    return answer()
  }
}
