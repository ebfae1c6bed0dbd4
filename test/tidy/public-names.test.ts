/**
 * Every name that users import has a comment, and each of its methods and properties: editors and the site show them. Names are
 * followed to where they are declared.
 */
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

type Member = ts.ClassElement | ts.TypeElement | ts.ParameterPropertyDeclaration

/** The members of a class, of an interface, or of a type that is written as objects; those that they inherit from our own types too. */
function membersOf(node: ts.Node): Member[] {
  if (ts.isTypeAliasDeclaration(node) || ts.isParenthesizedTypeNode(node)) return membersOf(node.type)
  if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) return node.types.flatMap(membersOf)
  // The comment above an object that is written in one line describes its properties.
  if (ts.isTypeLiteralNode(node)) return node.getText().includes('\n') ? withInner(node.members) : []
  if (ts.isInterfaceDeclaration(node)) return [...inherited(node), ...withInner(node.members)]
  if (!ts.isClassDeclaration(node)) return []
  return [...inherited(node), ...node.members.flatMap((member) => [member, ...propertiesMade(member)])]
}

/** The members with those of objects inside them. */
function withInner(members: readonly ts.TypeElement[]): Member[] {
  return members.flatMap((member): Member[] => {
    const type = ts.isPropertySignature(member) ? member.type : undefined
    return type === undefined ? [member] : [member, ...membersOf(type)]
  })
}

function inherited(node: ts.InterfaceDeclaration | ts.ClassDeclaration): Member[] {
  const clauses = (node.heritageClauses ?? []).filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
  const bases = clauses.flatMap(({ types }) => types.map(({ expression }) => expression.getText()))
  const file = node.getSourceFile().fileName
  return bases.flatMap((name) => declarationsOf({ file, name }).flatMap(membersOf))
}

/** The parameters of a constructor that are properties too. */
function propertiesMade(member: ts.ClassElement): Member[] {
  if (!ts.isConstructorDeclaration(member)) return []
  return member.parameters.filter((each): each is ts.ParameterPropertyDeclaration =>
    ts.isParameterPropertyDeclaration(each, member),
  )
}

/**
 * The methods, getters and properties that have no comment. One comment is enough for an overloaded method, and for a property of
 * several shapes of a union.
 */
function undocumentedMembers(place: Place): string[] {
  const members = declarationsOf(place)
    .flatMap(membersOf)
    .filter((member) => isShown(member) && isPublic(member))
  const documented = new Set(members.filter(isDocumented).map(labelOf))
  return members
    .map(labelOf)
    .filter((label) => !documented.has(label))
    .map((label) => `${label} (${place.name})`)
}

const labelOf = (member: Member): string => `${member.getSourceFile().fileName} ${member.name?.getText() ?? ''}`

function isShown(member: Member): boolean {
  // ZooKeeper's own file describes the records that are generated from it.
  if (member.getSourceFile().fileName.endsWith('.gen.ts')) return false
  // A value that is always the same describes itself.
  if (ts.isPropertySignature(member)) return member.type === undefined || !ts.isLiteralTypeNode(member.type)
  return (
    ts.isMethodDeclaration(member) ||
    ts.isMethodSignature(member) ||
    ts.isGetAccessor(member) ||
    ts.isPropertyDeclaration(member) ||
    ts.isParameter(member)
  )
}

function isPublic(member: Member): boolean {
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
  'every name that users get from packages/%s has a comment, and every method and property',
  (name) => {
    const places = [...entriesOf(name).values()].flatMap(exportsOf)
    expect(places.length).toBeGreaterThan(0)
    expect(undocumented(places)).toEqual([])
    expect([...new Set(places.flatMap(undocumentedMembers))]).toEqual([])
  },
)

// `lightkeeper` passes on only a part of their names; editors show the others to the authors of this repository.
test.each(['client', 'protocol', 'recipes', 'runtime', 'server', 'testing', 'tools'])(
  'every method and property of what packages/%s exports has a comment',
  (name) => {
    const places = [...entriesOf(name).values()].flatMap(exportsOf)
    expect(places.length).toBeGreaterThan(0)
    expect([...new Set(places.flatMap(undocumentedMembers))]).toEqual([])
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
  expect(undocumentedMembers({ file: 'planted.ts', name: 'Planted' })).toEqual(['planted.ts unknown (Planted)'])
})
test('a property without a comment is found, in an interface, a class, a shape of a union and an object inside', () => {
  const text = `
    interface Base { lent: string }
    export interface Planted extends Base {
      /** Known. */
      known: string
      unknown: string
      kind: 'planted'
      inner: {
        deep: number
      }
      /** Its parts. */
      short: { part: string }
    }
    export class Made {
      /** Known. */
      readonly known = 1
      readonly unknown = 2
      readonly #own = 3
      private readonly hidden = 4
      constructor(readonly given: string) {}
    }
    export type Either =
      | {
          kind: 'one'
          /** Known. */
          both: string
        }
      | {
          kind: 'two'
          both: string
          single: string
        }
  `
  parsed.set('planted.ts', ts.createSourceFile('planted.ts', text, ts.ScriptTarget.ES2022, true))
  const found = ['Planted', 'Made', 'Either'].flatMap((name) => undocumentedMembers({ file: 'planted.ts', name }))
  expect(found).toEqual([
    'planted.ts lent (Planted)',
    'planted.ts unknown (Planted)',
    'planted.ts inner (Planted)',
    'planted.ts deep (Planted)',
    'planted.ts unknown (Made)',
    'planted.ts given (Made)',
    'planted.ts single (Either)',
  ])
})
