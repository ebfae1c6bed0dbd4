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
