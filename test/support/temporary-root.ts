/** A run of tests leaves nothing behind: its temporary files are in a folder of its own, which must be empty at the end. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

/** Vitest calls it before the first worker starts, and the function that it returns behind the last one. */
export default function setup({ config }: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), 'lightkeeper-tests-'))
  process.env['TMPDIR'] = root
  return () => {
    const left = readdirSync(root).filter((name) => !isShared(name) && !isEmpty(join(root, name)))
    rmSync(root, { recursive: true, force: true })
    // Files of which every test is left out make folders, and no hook of them runs.
    if (left.length === 0 || config.testNamePattern !== undefined) return
    // Vitest prints what a teardown throws, and ends with 0.
    process.exitCode = 1
    throw new Error(`tests have left files behind; remove them where they are made: ${left.sort().join(' ')}`)
  }
}

/** The folder of a user for sockets of locks, which stays; packages/runtime/src/node/directory-lock.ts makes it where paths are short. */
function isShared(name: string): boolean {
  return /^lightkeeper-\d+$/.test(name)
}

/** A folder that a file makes when it is loaded stays empty where all of its tests are skipped. */
function isEmpty(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && readdirSync(path).length === 0
}
