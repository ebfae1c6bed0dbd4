/**
 * Plain JavaScript on Node 20 has no `await using`. So everything that a user gets and that can be disposed also has `close()`: the
 * declarations of every package are walked from their exports, through results, members and type arguments.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from '@typescript/typescript6'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { packed, root } from './installed.ts'

const options: ts.CompilerOptions = {
  strict: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
}

interface Found {
  /** Names of the types that can be disposed. */
  readonly disposable: ReadonlySet<string>
  readonly withoutClose: readonly string[]
}

/** `isOurs` says of a file whether the types that it declares must obey. */
function disposablesOf(files: readonly string[], isOurs: (file: string) => boolean): Found {
  const program = ts.createProgram([...files], options)
  const checker = program.getTypeChecker()
  const seen = new Set<ts.Type>()
  const disposable = new Set<string>()
  const withoutClose: string[] = []

  const visit = (type: ts.Type, at: ts.Node): void => {
    if (seen.has(type)) return
    seen.add(type)
    if (type.isUnionOrIntersection()) for (const each of type.types) visit(each, at)
    for (const each of checker.getTypeArguments(type as ts.TypeReference) ?? []) visit(each, at)
    const symbol = type.aliasSymbol ?? type.getSymbol()
    // What the language itself gives (generators) has its own way to end; what is only `Disposable` has none.
    const isBare = symbol?.name === 'Disposable' || symbol?.name === 'AsyncDisposable'
    if (!isBare && !symbol?.declarations?.some((each) => isOurs(each.getSourceFile().fileName))) return
    const members = type.getProperties()
    const names = members.map(({ escapedName }) => String(escapedName))
    if (names.some((name) => /^__@(asyncDispose|dispose)@/.test(name))) {
      const name = checker.typeToString(type)
      disposable.add(name.replace(/<.*/, ''))
      if (!names.includes('close')) withoutClose.push(name)
    }
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      visit(signature.getReturnType(), at)
    }
    for (const member of members) visit(checker.getTypeOfSymbolAtLocation(member, at), at)
  }

  for (const file of files) {
    const source = program.getSourceFile(file)
    const module = source && checker.getSymbolAtLocation(source)
    if (source === undefined || module === undefined) throw new Error(`${file} was not read`)
    for (const each of checker.getExportsOfModule(module)) {
      const symbol = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each
      if (symbol.flags & ts.SymbolFlags.Value) visit(checker.getTypeOfSymbolAtLocation(symbol, source), source)
      if (symbol.flags & ts.SymbolFlags.Type) visit(checker.getDeclaredTypeOfSymbol(symbol), source)
    }
  }
  return { disposable, withoutClose }
}

test('everything disposable that a package gives also has close()', () => {
  const files = packed().flatMap(({ folder }) => {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as {
      exports: Readonly<Record<string, { types: string }>>
    }
    return Object.values(manifest.exports).map(({ types }) => join(root, 'packages', folder, types))
  })
  const { disposable, withoutClose } = disposablesOf(files, (file) => file.includes('/packages/'))
  expect(withoutClose).toEqual([])
  // Held against a walk that came through nothing.
  const known = ['Client', 'Lease', 'Hold', 'RunningServer', 'Held', 'Term', 'HeldAll', 'Inside', 'QueueItem', 'Cache']
  const more = ['Acquired', 'Resolver', 'Registration', 'PersistentNode', 'Partitioner', 'Configuration', 'SharedValue']
  const last = ['Proxy', 'ApacheServer', 'RunningConsole', 'Instrumentation']
  for (const name of [...known, ...more, ...last]) expect([...disposable]).toContain(name)
})

const folder = temporaryFolders('disposables')

test.each([
  ['of a function', 'export declare function open(): Promise<Disposable>'],
  ['of a method', 'interface Lock extends AsyncDisposable {}\nexport declare class Client { lock(): Promise<Lock> }'],
  ['in a list', 'interface Item extends Disposable {}\nexport interface Box { readonly items: readonly Item[] }'],
])('a result %s without it would be found', (_, text) => {
  const file = join(folder(), 'planted.d.ts')
  writeFileSync(file, text)
  expect(disposablesOf([file], (each) => each === file).withoutClose).toHaveLength(1)
})
