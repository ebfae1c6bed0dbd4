/** Every name that users import has a comment, which editors and the site show. Names are followed to where they are declared. */
import { dirname, posix } from 'node:path'
import ts from '@typescript/typescript6'
import { expect, test } from 'vitest'
import { read } from './tree.ts'

interface Place {
  readonly file: string
  readonly name: string
}

const parsed = new Map<string, ts.SourceFile>()
function sourceOf(file: string): ts.SourceFile {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true)
  parsed.set(file, source)
  return source
}

/** The file that a specifier names; undefined where it names a package of others. */
function fileOf(specifier: ts.Expression | undefined, from: string): string | undefined {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined
  const { text } = specifier
  if (text.startsWith('.')) return posix.join(dirname(from), text)
  const [, name = '', more] = /^@lightkeeper\/(\w+)(?:\/(.*))?$/.exec(text) ?? []
  return name === '' ? undefined : entriesOf(name).get(more === undefined ? '.' : `./${more}`)
}

/** The modules that a package exports, by their keys in its package.json. */
function entriesOf(name: string): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(read(`packages/${name}/package.json`)) as {
    exports: Readonly<Record<string, { 'lightkeeper-source': string }>>
  }
  const entries = Object.entries(exports)
  return new Map(entries.map(([key, to]) => [key, posix.join('packages', name, to['lightkeeper-source'])]))
}

/** Where the names are declared that a module exports. */
function exportsOf(file: string): Place[] {
  return sourceOf(file).statements.flatMap((statement): Place[] => {
    if (ts.isExportDeclaration(statement)) {
      const from = fileOf(statement.moduleSpecifier, file)
      if (statement.moduleSpecifier !== undefined && from === undefined) return []
      const { exportClause } = statement
      if (exportClause === undefined) return exportsOf(from ?? file)
      if (!ts.isNamedExports(exportClause)) return []
      return exportClause.elements.map(({ name, propertyName }) => ({
        file: from ?? file,
        name: (propertyName ?? name).text,
      }))
    }
    return namesOf(statement).map((name) => ({ file, name }))
  })
}

/** The names that a statement exports. */
function namesOf(statement: ts.Statement): string[] {
  const isExported = ts.canHaveModifiers(statement)
    ? ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    : false
  return isExported ? declaredBy(statement) : []
}

function declaredBy(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => (ts.isIdentifier(name) ? name.text : ''))
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  return isNamed && statement.name !== undefined ? [statement.name.text] : []
}

/** The statements that declare a name, in the file where they are: a file may pass on what it imports. */
function declarationsOf({ file, name }: Place): ts.Statement[] {
  const { statements } = sourceOf(file)
  const own = statements.filter((statement) => declaredBy(statement).includes(name))
  if (own.length > 0) return own
  for (const statement of statements) {
    const isList = ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined
    if (isList) {
      const passedOn = exportsOf(file).find((each) => each.file !== file && each.name === name)
      if (passedOn !== undefined) return declarationsOf(passedOn)
    }
    if (!ts.isImportDeclaration(statement)) continue
    const list = statement.importClause?.namedBindings
    const from = fileOf(statement.moduleSpecifier, file)
    if (list === undefined || !ts.isNamedImports(list) || from === undefined) continue
    const found = list.elements.find((each) => each.name.text === name)
    if (found !== undefined) return declarationsOf({ file: from, name: (found.propertyName ?? found.name).text })
  }
  return []
}

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).some((each) => ts.isJSDoc(each))

/** The methods and getters of a class or an interface that have no comment. An overloaded method needs one comment. */
function undocumentedMethods(place: Place): string[] {
  const methods = declarationsOf(place)
    .flatMap((statement): readonly (ts.ClassElement | ts.TypeElement)[] =>
      ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement) ? [...statement.members] : [],
    )
    .filter((member) => isMethod(member) && isPublic(member))
  const documented = new Set(methods.filter(isDocumented).map((method) => method.name?.getText()))
  return methods
    .map((method) => method.name?.getText() ?? '')
    .filter((name) => !documented.has(name))
    .map((name) => `${place.file} ${place.name}.${name}`)
}

const isMethod = (member: ts.ClassElement | ts.TypeElement): boolean =>
  ts.isMethodDeclaration(member) || ts.isMethodSignature(member) || ts.isGetAccessor(member)

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name === undefined || ts.isPrivateIdentifier(member.name)) return false
  // What the language names: disposal, iteration, tags.
  if (ts.isComputedPropertyName(member.name)) return false
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
  return !modifiers.some(
    ({ kind }) =>
      kind === ts.SyntaxKind.PrivateKeyword ||
      kind === ts.SyntaxKind.ProtectedKeyword ||
      // The class above has the comment.
      kind === ts.SyntaxKind.OverrideKeyword,
  )
}

/** Of a list of places, `file name` of those whose declaration has no comment. */
function undocumented(places: readonly Place[]): string[] {
  return places
    .filter((place) => {
      const declarations = declarationsOf(place)
      expect(declarations.length, `${place.file} declares ${place.name}`).toBeGreaterThan(0)
      return !declarations.some(isDocumented)
    })
    .map(({ file, name }) => `${file} ${name}`)
}

// The other packages are parts of these: `lightkeeper` passes their names on, and SECURITY.md says what else of them is no API.
test.each(['cli', 'console', 'fastify', 'gssapi', 'nestjs', 'opentelemetry'])(
  'every name that users get from packages/%s has a comment, and every method',
  (name) => {
    const places = [...entriesOf(name).values()].flatMap(exportsOf)
    expect(places.length).toBeGreaterThan(0)
    expect(undocumented(places)).toEqual([])
    expect([...new Set(places.flatMap(undocumentedMethods))]).toEqual([])
  },
)

test('a name without a comment is found', () => {
  expect(undocumented([{ file: 'test/tidy/public-names.test.ts', name: 'Place' }])).toHaveLength(1)
})

test('a method without a comment is found', () => {
  const source = ts.createSourceFile(
    'planted.ts',
    'export class Planted {\n  /** Known. */\n  known() {}\n  unknown() {}\n  #own() {}\n  private hidden() {}\n}\n',
    ts.ScriptTarget.ES2022,
    true,
  )
  parsed.set('planted.ts', source)
  expect(undocumentedMethods({ file: 'planted.ts', name: 'Planted' })).toEqual(['planted.ts Planted.unknown'])
})
