/** Packed packages, installed where nothing else is: what a user of the registry gets. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

/** Where a package at `from` finds another one, as Node looks for it: the version that it needs may lie below it. */
function folderOf(name: string, from: string): string {
  const found = join(from, 'node_modules', name)
  if (existsSync(found)) return realpathSync(found)
  if (from === dirname(from)) throw new Error(`${name} is not installed`)
  return folderOf(name, dirname(from))
}

/** The folders of the package and of what it needs, what that needs and so on, but for the client; as the package files say. */
function neededBy(name: string, from: string, found = new Set<string>()): ReadonlySet<string> {
  if (name === '@lightkeeper/client') return found
  const folder = folderOf(name, from)
  if (found.has(folder)) return found
  found.add(folder)
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const each of Object.keys(dependencies)) neededBy(each, folder, found)
  return found
}

/** Packs and installs the client, without a registry; with `all`, the package `lightkeeper` and what it needs as well. */
export async function install(which: 'client' | 'all' = 'client'): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-package-'))
  const packed = mkdtempSync(join(tmpdir(), 'lightkeeper-packed-'))
  try {
    const tarball = await packClient(packed)
    const more = which === 'all' ? [...neededBy('lightkeeper', root)] : []
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
