/** Packed packages, installed where nothing else is: what a user of the registry gets. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmPack, type Packed } from '../../scripts/pack.mjs'
import { Child, type Outcome } from '../support/process.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where `pack-once.ts` writes the folder of the projects. */
export const projectsFile = join(root, '.cache/pack/projects.json')

/** Every package as `pack-once.ts` has packed it. */
export function packed(): readonly Packed[] {
  return JSON.parse(readFileSync(join(root, '.cache/pack/packed.json'), 'utf8'))
}

export interface Installed {
  /** The project; programs and consumers lie in it. */
  readonly folder: string
  /** The client as it was packed. */
  readonly tarball: string
  /** The client as it was installed. */
  readonly client: string
}

/** Where a package at `from` finds another one, as Node looks for it: the version that it needs may lie below it. */
function folderOf(name: string, from: string): string {
  const found = join(from, 'node_modules', name)
  if (existsSync(found)) return realpathSync(found)
  if (from === dirname(from)) throw new Error(`${name} is not installed`)
  return folderOf(name, dirname(from))
}

/** The folders of the packages of others that the package needs, what those need and so on; as the package files say. */
function neededBy(name: string, from: string, found = new Set<string>()): ReadonlySet<string> {
  const folder = folderOf(name, from)
  if (found.has(folder)) return found
  const isOurs = name === 'lightkeeper' || name.startsWith('@lightkeeper/')
  if (!isOurs) found.add(folder)
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const each of Object.keys(dependencies)) neededBy(each, folder, found)
  return found
}

/**
 * A project that has the client, installed without a registry; with `all`, every package of ours and what the package `lightkeeper`
 * needs. It is made once and shared by the files of this lane, which run one after the other.
 */
export function install(which: 'client' | 'all' = 'client'): Installed {
  const folder = join(JSON.parse(readFileSync(projectsFile, 'utf8')) as string, which)
  const ours = packed().filter(({ folder: name }) => which === 'all' || name === 'client')
  if (!existsSync(join(folder, 'programs'))) {
    const others = join(folder, 'others')
    mkdirSync(others, { recursive: true })
    const foreign = which === 'all' ? npmPack([...neededBy('lightkeeper', root)], others) : []
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    const args = [
      'install',
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      // Nobody who installs the plugins for a framework lacks the framework; here it would come from a registry.
      '--legacy-peer-deps',
      '--loglevel=error',
      ...ours.map(({ tarball }) => tarball),
      ...foreign,
    ]
    const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm install failed: ${stderr}`)
    for (const each of ['consumers', 'programs']) {
      cpSync(join(root, 'test/package', each), join(folder, each), { recursive: true })
    }
  }
  const client = join(folder, 'node_modules/@lightkeeper/client')
  const tarball = ours.find(({ folder: name }) => name === 'client')?.tarball ?? ''
  return { folder, tarball, client }
}

/** Runs a program to its end; one that does not end in time is killed, and its code is null. */
export function runToEnd(
  command: readonly [string, ...string[]],
  cwd: string,
  onLine: (line: string) => void = () => {},
  timeoutMs = 40_000,
): Promise<Outcome> {
  // Credentials and settings of the user who runs the tests must not influence them.
  const env = { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  return new Child(command, { env, isAlone: true, cwd, timeoutMs, onLine }).closed
}
