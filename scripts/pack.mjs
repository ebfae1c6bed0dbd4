// @ts-check
/**
 * Packs what is published: `node scripts/pack.mjs [--for NAME] [folder]` writes a tarball for each package, and the folder of which
 * it was made, into `.cache/pack`, and prints a line for each; with `--for`, only that package and those of ours that it needs. It
 * needs a build. docs/releasing.md says what becomes of the tarballs.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle, writeCommonTypes } from './packing/bundle.mjs'
import {
  inlined,
  manifestOf,
  moduleOf,
  plugins,
  publishedFolders,
  publishedManifest,
  publishedPage,
  root,
  unbundled,
} from './packing/published.mjs'
import { missingTool } from './runtimes.mjs'

/** @typedef {{ name: string, folder: string, tarball: string }} Packed */

/** Writes the tarballs of `folders` into `out`. @param {string} [out] @param {readonly string[]} [folders] @returns {Promise<Packed[]>} */
export async function packAll(out = join(root, '.cache/pack'), folders = publishedFolders) {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  buildPlugins(folders.filter((folder) => plugins.includes(folder)))
  const staged = []
  for (const folder of folders) staged.push(await stageOf(folder, out))
  const tarballs = npmPack(
    staged.map(({ stage }) => stage),
    out,
  )
  const packed = staged.map(({ name, folder }, i) => ({ name, folder, tarball: tarballs[i] ?? '' }))
  writeFileSync(join(out, 'packed.json'), `${JSON.stringify(packed, null, 2)}\n`)
  return packed
}

/** Compiles plugins for frameworks: the build leaves them out, since it has no frameworks. @param {readonly string[]} folders */
function buildPlugins(folders) {
  if (folders.length === 0) return
  const missing = missingTool('frameworks')
  if (missing !== undefined)
    throw new Error(`packages/${folders.join(' and packages/')} cannot be compiled: ${missing}`)
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...folders.map((folder) => `packages/${folder}`)]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`packages/${folders.join(' and packages/')} cannot be compiled:\n${stdout}`)
}

/** The folder of which a package's tarball is made. @param {string} folder @param {string} out */
async function stageOf(folder, out) {
  const stage = join(out, folder)
  mkdirSync(stage, { recursive: true })
  if (folder === 'cli') await stageProgram(stage)
  else if (unbundled.has(folder)) copyModules(folder, stage)
  else await bundle(bundlingOf(folder, stage))

  const manifest = publishedManifest(folder)
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(stage, 'README.md'), publishedPage(folder))
  for (const file of ['LICENSE', 'NOTICE']) cpSync(join(root, file), join(stage, file))
  return { name: manifest.name, folder, stage }
}

/** The files of `tsc -b` that the keys of `exports` lead to, without their ending. @param {string} folder */
function entriesOf(folder) {
  const exported = Object.entries(manifestOf(folder).exports).map(([key, to]) => {
    const { default: file } = /** @type {{ default: string }} */ (to)
    return [moduleOf(key), join(root, 'packages', folder, file.replace(/\.js$/, ''))]
  })
  return Object.fromEntries(exported)
}

/** What becomes of a library, in `stage`. @param {string} folder @param {string} stage @returns {import('./packing/bundle.mjs').Bundling} */
export function bundlingOf(folder, stage) {
  const own = inlined[/** @type {'client'} */ (folder)] ?? {}
  const { dependencies, peerDependencies } = publishedManifest(folder)
  const needed = Object.keys({ ...dependencies, ...peerDependencies })
  return {
    entries: entriesOf(folder),
    inlined: Object.fromEntries(Object.entries(own).map(([name, file]) => [name, join(root, file)])),
    mayImport: (specifier) => needed.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
    out: join(stage, 'dist'),
  }
}

/** The command line as the compiler wrote it, and its libraries, which name what other packages have. @param {string} stage */
async function stageProgram(stage) {
  const out = join(stage, 'dist')
  copyModules('cli', stage)
  // Only the libraries have readers of their types.
  for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.d.ts')) rmSync(join(out, name))
  await bundle(bundlingOf('cli', stage))
  writeCommonTypes(out)
  cpSync(join(root, 'packages/cli/bin'), join(stage, 'bin'), { recursive: true })
}

/** Copies what the compiler and Vite wrote, without maps: they lead to sources, which the tarball does not have. */
function copyModules(/** @type {string} */ folder, /** @type {string} */ stage) {
  const from = join(root, 'packages', folder, 'dist')
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.map') || name.endsWith('.tsbuildinfo') || statSync(join(from, name)).isDirectory()) continue
    const to = join(stage, 'dist', name)
    mkdirSync(dirname(to), { recursive: true })
    if (/\.[jt]s$/.test(name) && !name.startsWith('web')) {
      writeFileSync(to, readFileSync(join(from, name), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n'))
    } else cpSync(join(from, name), to)
  }
}

/** Runs `npm pack` on folders of packages; returns the paths of the tarballs. @param {readonly string[]} from @param {string} to */
export function npmPack(from, to) {
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', to, ...from]
  const result = spawnSync('npm', args, { cwd: to, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`npm pack failed for ${from.join(', ')}: ${result.stderr}`)
  const written = /** @type {{ filename: string }[]} */ (JSON.parse(result.stdout))
  return written.map(({ filename }) => join(to, filename))
}

/** The folders of a package and of those of ours that it needs. @param {string} name @param {Set<string>} [found] */
function neededFor(name, found = new Set()) {
  const folder = publishedFolders.find((each) => manifestOf(each).name === name)
  if (folder === undefined || found.has(folder)) return found
  found.add(folder)
  for (const each of Object.keys(publishedManifest(folder).dependencies ?? {})) neededFor(each, found)
  return found
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({ options: { for: { type: 'string' } }, allowPositionals: true })
  const folders = values.for === undefined ? publishedFolders : [...neededFor(values.for)]
  if (folders.length === 0) throw new Error(`no package that is published has the name ${values.for}`)
  const [out] = positionals
  for (const { name, tarball } of await packAll(out === undefined ? undefined : resolve(out), folders))
    console.log(`${name.padEnd(28)} ${(statSync(tarball).size / 1024).toFixed(1).padStart(7)} KiB  ${tarball}`)
}
