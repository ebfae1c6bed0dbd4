/** What is in the tarball, and what compilers and checkers of packages say to it. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import ts from '@typescript/typescript6'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Installed, install, root, runToEnd } from './installed.ts'

let installed: Installed
beforeAll(() => {
  installed = install()
})

const bin = (path: string): string => join(root, 'node_modules', path)
const read = (path: string): string => readFileSync(join(installed.client, path), 'utf8')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly [more: string]: unknown
}

describe('the tarball', () => {
  test('has no dependency of any kind, and brings nothing else', () => {
    const manifest = JSON.parse(read('package.json')) as Manifest
    const kinds = ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'scripts']
    expect(kinds.filter((kind) => kind in manifest)).toEqual([])
    const own = JSON.parse(readFileSync(join(root, 'packages/client/package.json'), 'utf8')) as Manifest
    expect([manifest.name, manifest.version]).toEqual(['@lightkeeper/client', own.version])
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(own.exports), './package.json'])
    expect(readdirSync(join(installed.folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      '@lightkeeper',
    ])
    expect(readdirSync(join(installed.folder, 'node_modules/@lightkeeper'))).toEqual(['client'])
  })

  test('holds the modules, their types, their maps, its page and its licence', () => {
    const files = readdirSync(installed.client, { recursive: true, encoding: 'utf8' })
    const wanted = [
      'LICENSE',
      'NOTICE',
      'README.md',
      'dist',
      ...['arguments', 'index'].flatMap((name) => [
        `dist/${name}.cjs`,
        `dist/${name}.code.cjs`,
        `dist/${name}.code.cjs.map`,
        `dist/${name}.d.cts`,
        `dist/${name}.d.ts`,
        `dist/${name}.js`,
      ]),
      'dist/shared-index.cjs',
      'dist/shared-index.cjs.map',
      'dist/shared-path.d.cts',
      'dist/shared-path.d.ts',
      'package.json',
    ]
    expect(files.sort()).toEqual(wanted)
  })

  test('imports nothing but what Node has', () => {
    const files = readdirSync(join(installed.client, 'dist')).filter((name) => !name.endsWith('.map'))
    expect(files.length).toBeGreaterThan(6)
    for (const file of files) {
      const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(read(`dist/${file}`), true, true)
      const others = importedFiles.map(({ fileName }) => fileName).filter((name) => !name.startsWith('./'))
      // Types need no @types/node, so not even Node's own modules may be named there.
      const isTypes = /\.d\.c?ts$/.test(file)
      expect(
        others.filter((name) => isTypes || !name.startsWith('node:')),
        file,
      ).toEqual([])
      expect(typeReferenceDirectives).toEqual([])
    }
  })

  test('has a map that leads to every source, and names no machine', () => {
    const map = JSON.parse(read('dist/index.code.cjs.map')) as { sources: string[]; sourcesContent: string[] }
    expect(map.sources).toContain('packages/client/src/client.ts')
    for (const [i, source] of map.sources.entries()) {
      expect(source).toMatch(/^packages\/(client|protocol|runtime)\/src\/.*\.ts$/)
      expect(map.sourcesContent[i]).toBe(readFileSync(join(root, source), 'utf8'))
    }
    expect(read('dist/index.code.cjs') + read('dist/index.d.ts')).not.toContain(root)
  })

  test('stays within its size', () => {
    const files = ['index', 'index.code', 'arguments', 'arguments.code', 'shared-index']
    const code = files.map((name) => read(`dist/${name}.cjs`)).join('')
    const sizes = {
      'tarball KiB': statSync(installed.tarball).size,
      'code KiB': Buffer.byteLength(code),
      'code gzipped KiB': gzipSync(code).length,
      'index.d.ts KiB': Buffer.byteLength(read('dist/index.d.ts')),
    }
    const budget: Record<keyof typeof sizes, number> = {
      'tarball KiB': 340,
      'code KiB': 320,
      'code gzipped KiB': 75,
      'index.d.ts KiB': 92,
    }
    for (const [name, bytes] of Object.entries(sizes) as [keyof typeof sizes, number][]) {
      const kib = Math.round((bytes / 1024) * 10) / 10
      console.log(`${name}: ${kib} of ${budget[name]}`)
      expect(kib, name).toBeLessThanOrEqual(budget[name])
    }
  })
})

/** Every `any` in a file of declarations, written or inferred, and what the compiler has against the file. */
function anysIn(file: string): { found: string[]; types: number; exports: string[] } {
  const program = ts.createProgram([file], {
    strict: true,
    skipLibCheck: false,
    types: [],
    lib: ['lib.es2022.d.ts'],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  })
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  if (source === undefined) throw new Error(`${file} was not read`)
  const found: string[] = []
  let types = 0
  const isAny = (type: ts.Type): boolean => (type.flags & ts.TypeFlags.Any) !== 0
  const visit = (node: ts.Node): void => {
    // A part of a template is a node of its own to the parser, and has no type.
    if (ts.isTypeNode(node) && !ts.isTemplateLiteralTypeSpan(node)) {
      types++
      if (isAny(checker.getTypeAtLocation(node))) found.push(node.parent.getText().slice(0, 100))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  const module = checker.getSymbolAtLocation(source)
  const exports = module === undefined ? [] : checker.getExportsOfModule(module)
  for (const each of exports) {
    const symbol = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each
    const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
    if (isAny(isValue ? checker.getTypeOfSymbol(symbol) : checker.getDeclaredTypeOfSymbol(symbol)))
      found.push(each.name)
  }
  // A member without a type, or a type that is not found, is `any` without saying so; the compiler complains of both.
  for (const { messageText } of program.getSemanticDiagnostics(source)) {
    found.push(ts.flattenDiagnosticMessageText(messageText, ' '))
  }
  return { found, types, exports: exports.map(({ name }) => name) }
}

describe('the declarations', () => {
  test('contain no `any`, written or inferred', () => {
    const { found, types, exports } = anysIn(join(installed.client, 'dist/index.d.ts'))
    expect(found).toEqual([])
    // Held against a walk that came through nothing.
    expect(types).toBeGreaterThan(1000)
    expect(exports).toEqual(expect.arrayContaining(['connect', 'Client', 'bytes', 'WatchChange', 'ZnodePath']))
    const ofArguments = anysIn(join(installed.client, 'dist/arguments.d.ts'))
    expect([ofArguments.found, ofArguments.exports]).toEqual([[], expect.arrayContaining(['OptionSet', 'timeout'])])
  })

  test.each([
    ['written', 'export declare const a: any'],
    ['within a type', 'export type A = Record<string, readonly any[]>'],
    ['behind an alias', 'declare const a: any; export { a as b }'],
    ['left out', 'export declare class A { a; }'],
    ['not found', 'export declare const a: Missing'],
  ])('would be refused with one that is %s', (_, text) => {
    const file = join(installed.folder, 'planted.d.ts')
    writeFileSync(file, text)
    expect(anysIn(file).found).not.toEqual([])
  })
})

/**
 * What a compiler said, less what it said of @types/node itself, which does not stand up to `exactOptionalPropertyTypes`
 * without `skipLibCheck` (its https.d.ts), with or without us.
 */
function complaints(output: string): string[] {
  const each = output.split(/^(?=\S)/m).filter((complaint) => complaint.trim() !== '')
  return each.filter((complaint) => !/^[^(]*node_modules\/@types\/node\//.test(complaint))
}

const compilers = { 'TypeScript 7': 'typescript/bin/tsc', 'TypeScript 6': '@typescript/typescript6/bin/tsc6' }
const resolutions = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}
/** Libraries of the reader; the last with neither the DOM nor Node knows no `AbortController`, and no `console`. */
const libraries: Readonly<Record<string, { lib: readonly string[]; types: readonly string[] }>> = {
  'es2022 and @types/node': { lib: ['es2022'], types: ['node'] },
  'es2022, esnext.disposable and @types/node': { lib: ['es2022', 'esnext.disposable'], types: ['node'] },
  'es2022 and the DOM': { lib: ['es2022', 'dom'], types: [] },
  'es2022 alone': { lib: ['es2022'], types: [] },
}
const settings = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
}

describe.each(Object.entries(compilers))('an application compiled by %s', (name, compiler) => {
  // The one written in JavaScript takes seconds each time; where the two could differ is resolution by Node's rules.
  const hows = name === 'TypeScript 7' ? Object.keys(resolutions) : ['nodenext']
  const cases = hows.flatMap((how) => Object.keys(libraries).map((lib) => [how, lib] as const))
  test.each(cases)('resolves by %s, with %s', async (how, lib) => {
    const { types, ...more } = libraries[lib] ?? { types: [], lib: [] }
    const own = { ...settings, ...resolutions[how as keyof typeof resolutions], ...more, types }
    const typeRoots = [join(root, 'node_modules/@types')]
    // A bundler's module setting knows no `require` that is typed.
    const files = how === 'nodenext' ? ['consumer.ts', 'common.cts'] : ['consumer.ts']
    const config = join(installed.folder, 'consumers/tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...own, typeRoots }, files }))
    const { code, output, errors } = await runToEnd([process.execPath, bin(compiler), '-p', config], installed.folder)
    expect([complaints(output), errors]).toEqual([[], ''])
    // A compiler that was killed has no complaints either.
    expect(code).not.toBeNull()
    if (types.length === 0) expect(code).toBe(0)
  })

  test('finds a path without a slash, and an option that does not exist', async () => {
    const wrong = `import { connect, op } from '@lightkeeper/client'
const zk = await connect('h', { sessionTimeOut: 1 })
await zk.get('config')
op.set('config', 'x')
await zk.get('/config', { timeout: '5' })
`
    writeFileSync(join(installed.folder, 'consumers/wrong.ts'), wrong)
    const config = join(installed.folder, 'consumers/tsconfig.json')
    const own = { ...settings, ...resolutions.nodenext, lib: ['es2022'], types: [] }
    writeFileSync(config, JSON.stringify({ compilerOptions: own, files: ['wrong.ts'] }))
    const { code, output } = await runToEnd([process.execPath, bin(compiler), '-p', config], installed.folder)
    expect(code).not.toBe(0)
    expect([...output.matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => Number(line))).toEqual([2, 3, 4, 5])
  })
})

describe('the client beside the package `lightkeeper`', () => {
  let all: Installed
  beforeAll(() => {
    all = install('all')
  })

  test('is one and the same, value by value, imported and required, and so are its errors', async () => {
    const { output, errors } = await runToEnd([process.execPath, 'programs/together.mjs'], all.folder)
    const { names, ...told } = JSON.parse(output || '{}') as { names: number }
    expect([told, errors]).toEqual([{ different: [], isKnown: true, isOne: true }, ''])
    expect(names).toBeGreaterThan(10)
  })

  test('brings what the demo runs', async () => {
    const demo = ['demo', '--calm', '--minutes', '0.05', '--workers', '2', '--json']
    const { code, output, errors } = await runToEnd(
      [join(all.folder, 'node_modules/.bin/lightkeeper'), ...demo],
      all.folder,
    )
    expect([output.trim().split('\n').at(-1), errors]).toEqual(['{"event":"end","problems":[]}', ''])
    expect(code).toBe(0)
  })

  test('has the same types', async () => {
    const config = join(all.folder, 'consumers/tsconfig.json')
    const own = { ...settings, ...resolutions.nodenext, ...libraries['es2022 and @types/node'] }
    const typeRoots = [join(root, 'node_modules/@types')]
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...own, typeRoots }, files: ['together.ts'] }))
    const { code, output, errors } = await runToEnd(
      [process.execPath, bin(compilers['TypeScript 7']), '-p', config],
      all.folder,
    )
    expect([complaints(output), errors]).toEqual([[], ''])
    expect(code).not.toBeNull()
  })

  const exported = (path: string): string[] => {
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022)
    const lists = source.statements.filter(ts.isExportDeclaration).map(({ exportClause }) => exportClause)
    return lists
      .flatMap((list) => (list !== undefined && ts.isNamedExports(list) ? list.elements : []))
      .map((each) => each.name.text)
      .sort()
  }

  test.each([
    ['client', 'index'],
    ['recipes', 'recipes'],
  ])('names every value and every type of the %s', (folder, entry) => {
    const own = exported(join(root, 'packages', folder, 'src/index.ts'))
    expect(own.length).toBeGreaterThan(10)
    expect(exported(join(root, `packages/cli/src/${entry}.ts`))).toEqual(own)
  })

  test('has what the client exports in its declarations', () => {
    const own = exported(join(root, 'packages/client/src/index.ts'))
    expect([...new Set(exported(join(installed.client, 'dist/index.d.ts')))]).toEqual(own)
  })
})
