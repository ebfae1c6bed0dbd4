// @ts-check
/**
 * Packs `@lightkeeper/client` for publication: a few modules, each with a declaration file, which contain the parts of `protocol`
 * and `runtime` that the client uses, so that a user installs nothing else. `node scripts/pack.mjs [folder]` prints the path of the
 * tarball; the default folder is `.cache/pack`. docs/decisions/0002-one-client-package.md says why only this package is bundled.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from '@typescript/typescript6'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The modules of the published package, and the entries of the client from which they are made. They share no code: only the first
 * one contains the code that throws errors of the client, so a program has only one `KeeperError` class.
 */
const modules = { index: 'index', arguments: 'arguments/index' }

/** The entries of our own packages in the output of `tsc -b`, by specifier. */
const entries = {
  '@lightkeeper/protocol': 'packages/protocol/dist/index',
  '@lightkeeper/runtime': 'packages/runtime/dist/index',
  '@lightkeeper/runtime/node': 'packages/runtime/dist/node/index',
}

/**
 * What our declaration files need from the reader's libraries. With these two lines a program compiles without the DOM, without
 * @types/node and without `esnext.disposable`: the reference adds `AsyncDisposable`, and the interface merges with the
 * `AbortSignal` of any library that has one.
 */
const ambient = `/// <reference lib="es2022" />
/// <reference lib="esnext.disposable" />
declare global {
  interface AbortSignal {
    readonly aborted: boolean
  }
}
`

/** @param {string} ending @returns {import('rollup').Plugin} */
function workspace(ending) {
  return {
    name: 'workspace',
    resolveId(specifier) {
      if (isBuiltin(specifier)) return { id: specifier, external: true }
      const entry = entries[/** @type {keyof typeof entries} */ (specifier)]
      // Any other package would become a dependency unnoticed.
      if (entry === undefined && !/^[./]/.test(specifier)) this.error(`the client must not depend on ${specifier}`)
      return entry === undefined ? null : { id: join(root, entry + ending), moduleSideEffects: false }
    },
  }
}

/** Passes the source maps of the compiler on, so that those of the bundle lead to the sources. @type {import('rollup').Plugin} */
const compilerMaps = {
  name: 'compiler-maps',
  load(file) {
    const code = readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n')
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'))
    // The map contains the sources, since the tarball has none.
    map.sourcesContent = map.sources.map((/** @type {string} */ name) =>
      readFileSync(resolve(dirname(file), name), 'utf8'),
    )
    return { code, map, moduleSideEffects: false }
  },
}

/**
 * Comments stay in the declarations, which editors show, and in the sources inside the map. In the code they were a fifth of the
 * download. @type {import('rollup').Plugin}
 */
const withoutComments = {
  name: 'without-comments',
  transform(code, file) {
    const compilerOptions = {
      removeComments: true,
      sourceMap: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
    }
    const { outputText, sourceMapText } = ts.transpileModule(code, { fileName: file, compilerOptions })
    return { code: outputText.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n'), map: sourceMapText ?? null }
  },
}

/** @param {import('rollup').RollupLog} warning */
function onwarn(warning) {
  throw new Error(`bundling warned: ${warning.message}`)
}

/** The manifest that users see: no dependencies, and no condition that leads to sources, which the tarball does not have. */
export function publishedManifest() {
  const own = JSON.parse(readFileSync(join(root, 'packages/client/package.json'), 'utf8'))
  const { dependencies: _, ...kept } = own
  return {
    ...kept,
    // For resolvers that do not know `exports`.
    main: './dist/index.js',
    types: './dist/index.d.ts',
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './arguments': { types: './dist/arguments.d.ts', default: './dist/arguments.js' },
      './package.json': './package.json',
    },
    files: ['dist'],
  }
}

/** Writes the tarball into `folder` and returns its path. @param {string} folder */
export async function packClient(folder) {
  const stage = join(folder, 'client')
  const out = join(stage, 'dist')
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })

  for (const [name, entry] of Object.entries(modules)) {
    await bundle(join(root, 'packages/client/dist', entry), join(out, name))
  }

  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`)
  for (const file of ['README.md', 'LICENSE']) cpSync(join(root, 'packages/client', file), join(stage, file))
  return npmPack(stage, folder)
}

/** Makes one module and one declaration file. @param {string} input @param {string} output both without their endings */
async function bundle(input, output) {
  if (!existsSync(`${input}.js`)) throw new Error('nothing is built: npm run build')
  const code = await rollup({
    input: `${input}.js`,
    plugins: [workspace('.js'), compilerMaps, withoutComments],
    onwarn,
  })
  await code.write({
    file: `${output}.js`,
    format: 'es',
    sourcemap: true,
    // A path from the root of the repository: the same on every machine.
    sourcemapPathTransform: (source, map) => resolve(dirname(map), source).slice(root.length).replaceAll('\\', '/'),
  })
  await code.close()

  const plugins = [workspace('.d.ts'), dts({ respectExternal: true })]
  const types = await rollup({ input: `${input}.d.ts`, plugins, onwarn })
  await types.write({ file: `${output}.d.ts`, format: 'es', banner: ambient })
  await types.close()
}

/** Runs `npm pack` on a package folder; returns the path of the tarball. @param {string} from @param {string} to */
export function npmPack(from, to) {
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', to]
  const result = spawnSync('npm', args, { cwd: from, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`npm pack failed in ${from}: ${result.stderr}`)
  const [{ filename }] = JSON.parse(result.stdout)
  return join(to, filename)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await packClient(resolve(process.argv[2] ?? join(root, '.cache/pack'))))
}
