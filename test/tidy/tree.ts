/** What there is in the repository, for the tests that look at all of it. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importsIn } from '../../scripts/figures.mjs'

/** The folder of the repository, with a slash behind it. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The folders of `packages/`. */
export const packages: readonly string[] = readdirSync(join(root, 'packages'))

/** Every file of a package's `src` but tests, paths from the root. */
export function sources(name: string): string[] {
  const folder = name === 'examples' ? 'examples/src' : `packages/${name}/src`
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|harness)\.ts$/.test(file))
    .map((file) => join(folder, file))
}

/** Every file that git knows and that is there, paths from the root. */
export const tracked: readonly string[] = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .stdout.split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))

/** The text of a file. */
export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** What a file imports, types included, as it is written there. */
export function imports(file: string): string[] {
  return importsIn(read(file))
}
