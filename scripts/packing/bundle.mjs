// @ts-check
/**
 * Makes the modules that a published package consists of, from the output of `tsc -b`: for each entry one CommonJS module, which has
 * the code, one ES module, which exports the same values by name, and the declarations of both. So a process that imports a package
 * and requires it has one copy of it. docs/decisions/0005-commonjs.md says why the code is in the CommonJS module.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from '@typescript/typescript6'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * What our declaration files need from the reader's libraries. With these lines a program compiles without the DOM, without
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

/**
 * @typedef {object} Bundling
 * @property {Readonly<Record<string, string>>} entries what is made, and from which file of `tsc -b`: both without their endings
 * @property {Readonly<Record<string, string>>} inlined packages whose code goes into the bundle, by specifier: files without ending
 * @property {(specifier: string) => boolean} mayImport whether the package depends on what it imports
 * @property {string} out
 */

/** @param {Bundling} bundling */
export async function bundle(bundling) {
  mkdirSync(bundling.out, { recursive: true })
  await bundleCode(bundling)
  await bundleTypes(bundling)
}

/** @param {Bundling} bundling @param {string} ending @returns {import('rollup').Plugin} */
function workspace({ inlined, mayImport }, ending) {
  return {
    name: 'workspace',
    resolveId(specifier, importer) {
      if (importer === undefined || /^[./]/.test(specifier)) return null
      const file = inlined[specifier]
      if (file !== undefined) return { id: file + ending, moduleSideEffects: false }
      // Any other package would become a dependency unnoticed.
      if (!isBuiltin(specifier) && !mayImport(specifier)) this.error(`${specifier} is no dependency of the package`)
      return { id: specifier, external: true }
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
  // Types that two entries share and neither exports: the records behind a table of codecs, for example. Nobody names them.
  if (warning.message.includes('references private shared type exports')) return
  // The compiler's helper for imports by a name that it does not know looks for an older one in `this`.
  if (warning.code === 'THIS_IS_UNDEFINED') return
  throw new Error(`bundling warned: ${warning.message}`)
}

/** @param {Readonly<Record<string, string>>} entries @param {string} ending */
function inputsOf(entries, ending) {
  const inputs = Object.entries(entries).map(([name, file]) => [name, file + ending])
  for (const [, file = ''] of inputs) if (!existsSync(file)) throw new Error('nothing is built: npm run build')
  return Object.fromEntries(inputs)
}

/** The code of a package in rollup, not yet written. @param {Bundling} bundling */
export function codeOf(bundling) {
  const plugins = [workspace(bundling, '.js'), compilerMaps, withoutComments]
  return rollup({ input: inputsOf(bundling.entries, '.js'), plugins, onwarn })
}

/** @param {Bundling} bundling */
async function bundleCode(bundling) {
  const code = await codeOf(bundling)
  const { output } = await code.write({
    dir: bundling.out,
    // Top-level await ends the build here: a module that has it cannot be required.
    format: 'cjs',
    entryFileNames: '[name].code.cjs',
    chunkFileNames: 'shared-[name].cjs',
    exports: 'named',
    esModule: true,
    externalLiveBindings: false,
    sourcemap: true,
    // A path from the root of the repository: the same on every machine.
    sourcemapPathTransform: (source, map) => resolve(dirname(map), source).slice(root.length).replaceAll('\\', '/'),
  })
  await code.close()
  for (const chunk of output) {
    if (chunk.type !== 'chunk' || !chunk.isEntry) continue
    // Node searches the text of a CommonJS module for the names that an ES module imports. That takes longer than to run the module
    // where the text is long, so the names stand in a file of their own.
    const lines = chunk.exports.map((name) => `exports.${name} = code.${name}\n`)
    const head = `'use strict'\nObject.defineProperty(exports, '__esModule', { value: true })\n`
    writeFileSync(
      join(bundling.out, `${chunk.name}.cjs`),
      `${head}const code = require('./${chunk.fileName}')\n${lines.join('')}`,
    )
    const names = chunk.exports.length === 0 ? '' : ` ${chunk.exports.join(', ')} `
    writeFileSync(join(bundling.out, `${chunk.name}.js`), `export {${names}} from './${chunk.name}.cjs'\n`)
  }
}

/** @param {Bundling} bundling */
async function bundleTypes(bundling) {
  const plugins = [workspace(bundling, '.d.ts'), dts({ respectExternal: true })]
  const types = await rollup({ input: inputsOf(bundling.entries, '.d.ts'), plugins, onwarn })
  await types.write({
    dir: bundling.out,
    format: 'es',
    entryFileNames: '[name].d.ts',
    chunkFileNames: ({ name }) => `shared-${name.replace(/\.d$/, '')}.d.ts`,
    banner: ambient,
  })
  await types.close()
  writeCommonTypes(bundling.out)
}

/** Writes the declarations of the CommonJS modules beside those of the ES modules: the same text. @param {string} folder */
export function writeCommonTypes(folder) {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.d.ts'))) {
    const text = readFileSync(join(folder, name), 'utf8')
    const common = text.replaceAll(/((?:from|import\() ?['"]\.\/[\w-]+)(?:\.d)?\.(?:js|ts)(?=['"])/g, '$1.cjs')
    writeFileSync(join(folder, name.replace(/\.ts$/, '.cts')), common)
  }
}
