/** The command line as a process that a test talks with. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Child, type ChildOptions } from '../support/process.ts'

const bin = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))

export class Running extends Child {
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    more: Pick<ChildOptions, 'isGroup'> = {},
  ) {
    super([process.execPath, bin, ...args], { env, input: 'pipe', ...more })
  }

  /** Objects of `--json`, from standard output or, of commands that run another, from standard error. */
  facts(from: 'output' | 'errors' = 'output'): Record<string, unknown>[] {
    const lines = this[from].split('\n').slice(0, -1)
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

/** The numbers a line consists of; undefined where it is no such line. */
export function numbersIn(line: string | undefined): number[] | undefined {
  return line !== undefined && /^[\d ]+$/.test(line) ? line.split(' ').map(Number) : undefined
}

/** Whether a process can still do anything: not if it is gone, or dead and not yet collected by its parent. */
export function isAlive(pid: number): boolean {
  if (process.platform !== 'linux') {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
