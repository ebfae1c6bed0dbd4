// @ts-check
/**
 * Fetches the runtimes on which `test/package` runs the published client, from the package registry into .cache/runtimes, each into
 * its own folder. Prints a line for each runtime; a missing one is printed with the reason, and is no failure here.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const cache = fileURLToPath(new URL('../.cache/runtimes/', import.meta.url))

/** The oldest Node that we support, the newest of each line, and the others. Their packages contain the program itself. */
export const runtimes = [
  { name: 'node-20.19', package: 'node@20.19.0', program: 'node/bin/node', args: [] },
  { name: 'node-22', package: 'node@22.23.3', program: 'node/bin/node', args: [] },
  { name: 'node-24', package: 'node@24.21.0', program: 'node/bin/node', args: [] },
  { name: 'node-26', package: 'node@26.10.0', program: 'node/bin/node', args: [] },
  { name: 'bun', package: 'bun@1.4.5', program: '.bin/bun', args: [] },
  // Only the network is allowed: a client that needs more must be noticed.
  {
    name: 'deno',
    package: 'deno@2.9.6',
    program: '.bin/deno',
    args: ['run', '--allow-net', '--no-prompt', '--cached-only'],
  },
]

/** @typedef {(typeof runtimes)[number]} RuntimeSpec */

/** The program of a fetched runtime. @param {RuntimeSpec} runtime */
export function programOf(runtime) {
  return join(cache, runtime.name, 'node_modules', runtime.program)
}

/**
 * Undefined when the runtime is installed in its version, else why not.
 * @param {RuntimeSpec} runtime @returns {string | undefined}
 */
export function missingRuntime(runtime) {
  const { status, error, stdout, stderr } = spawnSync(programOf(runtime), ['--version'], { encoding: 'utf8' })
  if (error !== undefined || status !== 0) return reasonOf(runtime) ?? `it was not fetched: node scripts/runtimes.mjs`
  const wanted = runtime.package.slice(runtime.package.indexOf('@') + 1)
  return stdout.includes(wanted) ? undefined : `version ${wanted} is wanted and this is ${(stdout || stderr).trim()}`
}

/** Why the last attempt to fetch it failed. @param {RuntimeSpec} runtime */
function reasonOf(runtime) {
  try {
    return readFileSync(join(cache, runtime.name, 'reason'), 'utf8')
  } catch {
    return undefined
  }
}

/** @param {RuntimeSpec} runtime */
function fetchRuntime(runtime) {
  const folder = join(cache, runtime.name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: folder, encoding: /** @type {const} */ ('utf8'), timeout: 120_000 }
  const { stderr, error } = spawnSync('npm', [...args, runtime.package], options)
  const said = (stderr ?? '').split('\n').find((line) => line.startsWith('npm error'))
  writeFileSync(
    join(folder, 'reason'),
    `npm install ${runtime.package}: ${error?.message ?? said ?? 'it does not start'}`,
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const runtime of runtimes) {
    if (missingRuntime(runtime) !== undefined) fetchRuntime(runtime)
    const missing = missingRuntime(runtime)
    console.log(`${runtime.name}: ${missing === undefined ? 'present' : `missing, because ${missing}`}`)
  }
}
