/** Imports run one way: between packages as the table of ARCHITECTURE.md says, between files without a cycle. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { circles } from '../../scripts/figures.mjs'
import { imports, packages, read, root, sources, tracked } from './tree.ts'

/** One row of the table: what a package may import. */
interface Layer {
  readonly packages: readonly string[]
  readonly libraries: readonly string[]
}

/** The table of ARCHITECTURE.md; cells are like "client, server; the package `x`". */
const layers = new Map<string, Layer>(
  [...read('ARCHITECTURE.md').matchAll(/^\| `(\w+)` *\| ([^|]*?) *\|/gm)].map(([, name = '', cell = '']) => {
    const [first = ''] = cell.split(';')
    const libraries = [...cell.matchAll(/the package `([^`]+)`/g)].map(([, library = '']) => library)
    const named = first.split(', ').filter((each) => each !== 'nothing')
    return [name, { packages: first === 'all of them' ? packages : named, libraries }]
  }),
)

/** Files that may use the host; pure functions of Node are allowed by name. */
const hosts =
  /packages\/(runtime\/src\/node|cli\/src|console\/src\/host|opentelemetry\/src|testing\/src\/(apache\/|java\.ts|proxy\.ts|certificates\.ts))/
const pureNode = new Set([
  'packages/server/src/auth/digest.ts node:crypto',
  'packages/server/src/auth/ip.ts node:net',
  'packages/server/src/session/session-keys.ts node:crypto',
  'packages/server/src/tls/certificate.ts node:crypto',
  'packages/server/src/tls/host-name.ts node:crypto',
  'packages/server/src/tls/jks.ts node:crypto',
  'packages/server/src/tls/password-based.ts node:crypto',
  'packages/server/src/tls/pem.ts node:crypto',
])

test('the table has a row for every package, of packages that exist', () => {
  expect([...layers.keys()].sort()).toEqual([...packages].sort())
  for (const [name, layer] of layers) for (const each of layer.packages) expect(packages, name).toContain(each)
})

describe.each(packages)('%s', (name) => {
  const layer = layers.get(name) ?? { packages: [], libraries: [] }

  test('imports only what its layer may', () => {
    for (const file of sources(name)) {
      for (const specifier of imports(file)) {
        if (specifier.startsWith('.')) continue
        if (specifier.startsWith('node:')) {
          const isAllowed = hosts.test(file) || pureNode.has(`${file} ${specifier}`)
          expect(isAllowed, `${file} imports ${specifier}`).toBe(true)
          continue
        }
        if (layer.libraries.includes(specifier)) continue
        const target = /^@lightkeeper\/([a-z]+)/.exec(specifier)?.[1]
        expect(layer.packages, `${file} imports ${specifier}`).toContain(target)
      }
    }
  })

  test('takes time and chance from its host only', () => {
    for (const file of sources(name)) {
      if (hosts.test(file) || file.endsWith('sim/world.ts')) continue
      const found =
        /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|AbortSignal\.timeout)\b/.exec(
          read(file),
        )
      expect(found?.[0], file).toBeUndefined()
    }
  })

  test('depends on what its layer may, in exactly one version', () => {
    const own: { version: string; dependencies?: Record<string, string>; peerDependencies?: Record<string, string> } =
      JSON.parse(read(`packages/${name}/package.json`))
    for (const [dependency, version] of Object.entries(own.dependencies ?? {})) {
      const target = /^@lightkeeper\/(.+)/.exec(dependency)?.[1] ?? ''
      const isLayer = layer.packages.includes(target)
      expect(isLayer || layer.libraries.includes(dependency), `${name} depends on ${dependency}`).toBe(true)
      if (target === '') expect(version, dependency).toMatch(/^\d+\.\d+\.\d+$/)
      else expect(version, dependency).toBe(own.version)
    }
    for (const peer of Object.keys(own.peerDependencies ?? {})) expect(layer.libraries, name).toContain(peer)
  })
})

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const folders = [...packages.map((name) => `packages/${name}`), 'examples']
const manifestOf = (folder: string): Manifest => JSON.parse(read(`${folder}/package.json`))
const needsOf = ({ dependencies = {}, peerDependencies = {} }: Manifest): string[] =>
  Object.keys({ ...dependencies, ...peerDependencies })

test('every package lists what it imports, and imports what it lists', () => {
  for (const folder of folders) {
    const manifest = manifestOf(folder)
    const used = tracked
      .filter((file) => file.startsWith(`${folder}/src/`) && /(?<!\.test|\.harness)\.ts$/.test(file))
      .flatMap(imports)
      .filter((specifier) => !/^(\.|node:)/.test(specifier))
      .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '')
    // Loaded by a name that the compiler does not follow.
    if (folder === 'packages/gssapi') used.push('kerberos')
    expect([...new Set(used)].sort(), folder).toEqual(needsOf(manifest).sort())
  }
})

test('no package needs itself through others', () => {
  const byName = new Map(folders.map(manifestOf).map((manifest) => [manifest.name, manifest]))
  const needs = (name: string): string[] => {
    const manifest = byName.get(name)
    return manifest === undefined ? [] : needsOf(manifest).filter((each) => byName.has(each))
  }
  expect(byName.size).toBe(folders.length)
  expect(circles([...byName.keys()], needs)).toEqual([])
})

/**
 * Files that import each other, types included, with the reason why they still do. The list only shrinks: a group that is gone or
 * smaller must go from here, and a new one is a mistake.
 */
const knots: readonly { readonly files: readonly string[]; readonly reason: string }[] = []

test('no files import each other in a circle, types included', () => {
  const found = circles([...packages, 'examples'].flatMap(sources), relativeImports)
  expect(found).toEqual(knots.map(({ files }) => [...files].sort()).sort(byFirst))
})

test('the search for circles finds one', () => {
  const graph: Readonly<Record<string, readonly string[]>> = { a: ['b'], b: ['c', 'd'], c: ['a'], d: ['d', 'e'], e: [] }
  expect(circles(Object.keys(graph), (file) => graph[file] ?? [])).toEqual([['a', 'b', 'c']])
})

test('the simulator imports itself and the interfaces of a host, nothing else', () => {
  const files = sources('testing').filter((file) => file.startsWith('packages/testing/src/sim/'))
  expect(files.length).toBeGreaterThan(3)
  const others = files.flatMap(imports).filter((specifier) => !/^\.\/[a-z]+\.ts$/.test(specifier))
  expect(new Set(others)).toEqual(new Set(['@lightkeeper/runtime']))
})

test('the client stands in storeys: imports between its rooms go down as the table says', () => {
  const [section = ''] = /^## The client$[^]*?(?=^## )/m.exec(read('ARCHITECTURE.md')) ?? []
  const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  const rows = [...section.matchAll(/^\| (`[^|]*)\|([^|]*)\|/gm)].map(([, rooms = '', below = '']) => ({
    rooms: named(rooms),
    below: named(below),
  }))
  expect(rows.map(({ rooms }) => rooms.at(-1))).toEqual(['index.ts', 'operations/', 'watch/', 'session/'])
  const storeys = rows.flatMap(({ rooms }) => rooms)
  for (const file of sources('client')) {
    const [from = ''] = /(?<=^packages\/client\/src\/)[^/]+\/?/.exec(file) ?? []
    const own = rows.find(({ rooms }) => rooms.includes(from)) ?? { rooms: [], below: [] }
    for (const target of relativeImports(file)) {
      const [to = ''] = /(?<=^packages\/client\/src\/)[^/]+\/?/.exec(target) ?? []
      if (storeys.includes(to)) expect([...own.rooms, ...own.below], `${file} imports ${target}`).toContain(to)
    }
  }
})

test('the simulator loads nothing of the host', () => {
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const specifier of imports(file)) {
      expect(specifier.startsWith('node:') || specifier.endsWith('/node'), `${file} imports ${specifier}`).toBe(false)
      const target = /^@lightkeeper\/([a-z]+)$/.exec(specifier)?.[1]
      if (target !== undefined) visit(`packages/${target}/src/index.ts`)
    }
    for (const target of relativeImports(file)) visit(target)
  }
  visit('packages/testing/src/sim/index.ts')
  expect(seen.size).toBeGreaterThan(5)
})

function byFirst([a = '']: readonly string[], [b = '']: readonly string[]): number {
  return a < b ? -1 : 1
}

function relativeImports(file: string): readonly string[] {
  return imports(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(root, file, '..', specifier).slice(root.length))
    .filter((target) => tracked.includes(target))
}
