// @ts-check
/** The packages that are published, and the manifest and the page that each of them gets. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * @typedef {object} Manifest the parts of a package.json that are looked at
 * @property {string} name
 * @property {string} version
 * @property {Readonly<Record<string, unknown>>} exports
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [peerDependencies]
 * @property {boolean} [private]
 */

/** @param {string} folder @returns {Manifest} */
export function manifestOf(folder) {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
}

/** The folders of `packages/` that are published. */
export const publishedFolders = readdirSync(join(root, 'packages')).filter(
  (folder) => manifestOf(folder).private !== true,
)

/**
 * What goes into the code of the client, so that its users install one package. docs/decisions/0002-one-client-package.md says why
 * only the client has this.
 */
export const inlined = {
  client: {
    '@lightkeeper/protocol': 'packages/protocol/dist/index',
    '@lightkeeper/runtime': 'packages/runtime/dist/index',
    '@lightkeeper/runtime/node': 'packages/runtime/dist/node/index',
  },
}

/**
 * Plugins for a framework that `npm ci` does not install, so the workspace calls it optional. For users it is not.
 * scripts/runtimes.mjs fetches the frameworks.
 */
export const plugins = ['fastify', 'nestjs']

/**
 * Packages whose modules are published as the compiler wrote them: programs that find their own files beside them. The console is an
 * ES module only; `lightkeeper` has its libraries as both kinds.
 */
export const unbundled = new Set(['cli', 'console'])

/** The name of the module for a key of `exports`: `.` is index, `./testing/sim` is testing-sim. @param {string} key */
export function moduleOf(key) {
  return key === '.' ? 'index' : key.slice(2).replaceAll('/', '-')
}

/** The manifest that users see: no condition that leads to sources, which the tarball does not have. @param {string} folder */
export function publishedManifest(folder) {
  const { exports, dependencies = {}, ...kept } = manifestOf(folder)
  const needed = Object.entries(dependencies).filter(
    ([name]) => !(name in (inlined[/** @type {'client'} */ (folder)] ?? {})),
  )
  const isBoth = folder !== 'console'
  const modules = Object.keys(exports).map((key) => [key, isBoth ? bothKinds(moduleOf(key)) : esOnly(moduleOf(key))])
  return {
    ...kept,
    // For resolvers that do not know `exports`.
    main: isBoth ? './dist/index.cjs' : './dist/index.js',
    types: isBoth ? './dist/index.d.cts' : './dist/index.d.ts',
    exports: { ...Object.fromEntries(modules), './package.json': './package.json' },
    files: folder === 'cli' ? ['bin', 'dist', 'NOTICE'] : ['dist', 'NOTICE'],
    ...(needed.length === 0 ? {} : { dependencies: Object.fromEntries(needed) }),
    ...(plugins.includes(folder) && { peerDependenciesMeta: undefined }),
    devDependencies: undefined,
  }
}

/** @param {string} name */
function bothKinds(name) {
  return {
    import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
    require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
  }
}

/** @param {string} name */
function esOnly(name) {
  return { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }
}

/**
 * The page of a package as the registry shows it, where links from one file to another lead nowhere. `lightkeeper` has the front
 * page of the repository. @param {string} folder
 */
export function publishedPage(folder) {
  const from = folder === 'cli' ? '' : `packages/${folder}`
  const { version, repository } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
  const site = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
  const text = readFileSync(join(root, from, 'README.md'), 'utf8')
  return text.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, target) => {
    const path = posix.normalize(posix.join(from, target))
    if (path.startsWith('..'))
      throw new Error(`packages/${folder}/README.md links outside of the repository: ${target}`)
    // A picture is shown from its bytes, a page by the site.
    const kind = /\.(png|svg|jpg|gif)$/.test(path) ? 'raw' : 'blob'
    return `](${site}/${kind}/v${version}/${path})`
  })
}
