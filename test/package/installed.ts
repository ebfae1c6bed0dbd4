/** Packed packages, installed where nothing else is: what a user of the registry gets. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmPack, packClient } from '../../scripts/pack.mjs'
import { Child, type Outcome } from '../support/process.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Installed extends Disposable {
  /** The project; programs and consumers lie in it. */
  readonly folder: string
  /** The client as it was packed. */
  readonly tarball: string
  /** The client as it was installed. */
  readonly client: string
}

/** The package and what it needs, what that needs and so on, but for the client; as the package files of the workspace say. */
function neededBy(name: string, found = new Set<string>()): ReadonlySet<string> {
  if (name === '@lightkeeper/client' || found.has(name)) return found
  found.add(name)
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const each of Object.keys(dependencies)) neededBy(each, found)
  return found
}

/** Packs and installs the client, without a registry; with `all`, the package `lightkeeper` and what it needs as well. */
export async function install(which: 'client' | 'all' = 'client'): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-package-'))
  const packed = mkdtempSync(join(tmpdir(), 'lightkeeper-packed-'))
  try {
    const tarball = await packClient(packed)
    const others = [...neededBy('lightkeeper')].map((name) => realpathSync(join(root, 'node_modules', name)))
    const more = which === 'all' ? others : []
    const tarballs = [tarball, ...more.map((from) => npmPack(from, packed))]
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    const args = [
      'install',
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...tarballs,
    ]
    const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm install failed: ${stderr}`)
    for (const each of ['programs', 'consumers']) {
      cpSync(join(root, 'test/package', each), join(folder, each), { recursive: true })
    }
    const client = join(folder, 'node_modules/@lightkeeper/client')
    const dispose = (): void => {
      for (const each of [folder, packed]) rmSync(each, { recursive: true, force: true })
    }
    return { folder, tarball, client, [Symbol.dispose]: dispose }
  } catch (error) {
    for (const each of [folder, packed]) rmSync(each, { recursive: true, force: true })
    throw error
  }
}

/** Runs a program to its end; one that does not end in time is killed, and its code is null. */
export function runToEnd(
  command: readonly [string, ...string[]],
  cwd: string,
  onLine: (line: string) => void = () => {},
): Promise<Outcome> {
  // Credentials and settings of the user who runs the tests must not influence them.
  const env = { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  return new Child(command, { env, isAlone: true, cwd, timeoutMs: 40_000, onLine }).closed
}
