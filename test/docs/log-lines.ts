/** The lines of level `warn` and `error` that the sources can write, read from their syntax. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from '@typescript/typescript6'
import { root, sources } from '../tidy/tree.ts'

export interface LogLine {
  /** What the line says; `…` stands for each part that is known only when it is written. */
  readonly text: string
  readonly file: string
}

/** The packages whose programs write logs. */
const writers = ['client', 'recipes', 'runtime', 'server', 'console', 'cli', 'tools', 'opentelemetry'] as const

const isLevel = (node: ts.Expression | undefined): boolean =>
  node !== undefined && ts.isStringLiteralLike(node) && (node.text === 'warn' || node.text === 'error')

/** The last name of what is called, without a `#`: `log` of `this.#runtime.log?.(…)`. */
function nameOf(callee: ts.Expression): string {
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text.replace('#', '')
  // `reportTo(log)(…)` reports too.
  if (ts.isCallExpression(callee)) return nameOf(callee.expression).replace('reportTo', 'report')
  return ts.isIdentifier(callee) ? callee.text : ''
}

/** The argument of a call that is the text of such a line; undefined where the call writes none. */
function textArgument(node: ts.CallExpression | ts.NewExpression, file: string): ts.Expression | undefined {
  const args = node.arguments ?? []
  switch (nameOf(node.expression)) {
    case 'log':
    case 'to':
      return isLevel(args[0]) ? args[1] : undefined
    case 'RepeatedLine':
      return isLevel(args[2]) ? args[3] : undefined
    case 'line':
      // A RepeatedLine of this file, with a level of its own.
      return file.endsWith('transport/handshakes.ts') && args.length === 1 ? args[0] : undefined
    case 'tell':
      // Of RepeatedLines, which all have the level `warn`.
      return args.length === 3 ? args[1] : undefined
    case 'warn':
      return args.length === 3 ? args[2] : args.length === 2 && file.includes('/server/') ? args[0] : undefined
    case 'report':
      return args.length >= 2 && file.includes('/runtime/') && ts.isStringLiteralLike(args[0] as ts.Expression)
        ? args[0]
        : undefined
    case 'note':
      return file.includes('/config/') ? args[0] : undefined
    case 'push': {
      const [given] = args
      if (given === undefined || !ts.isObjectLiteralExpression(given) || !file.endsWith('server-settings.ts'))
        return undefined
      for (const property of given.properties) {
        if (property.name?.getText() !== 'message') continue
        return ts.isPropertyAssignment(property) ? property.initializer : (property.name as ts.Identifier)
      }
    }
  }
  return undefined
}

/** The `const` or parameter that a name stands for, nearest first; undefined where it is not in this file. */
function declarationOf(name: ts.Identifier): ts.VariableDeclaration | ts.ParameterDeclaration | undefined {
  let found: ts.VariableDeclaration | ts.ParameterDeclaration | undefined
  for (let scope: ts.Node | undefined = name.parent; scope !== undefined && found === undefined; scope = scope.parent) {
    const isScope = ts.isBlock(scope) || ts.isSourceFile(scope) || ts.isFunctionLike(scope) || ts.isCaseBlock(scope)
    if (!isScope) continue
    const look = (node: ts.Node): void => {
      if ((ts.isVariableDeclaration(node) || ts.isParameter(node)) && node.name.getText() === name.text) found ??= node
      else if (node === scope || !ts.isFunctionLike(node)) ts.forEachChild(node, look)
    }
    look(scope)
  }
  return found
}

/** What an expression can say. Empty where that is known only at run time. */
function textsOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isTemplateExpression(node))
    return [[node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…')]
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)]
  if (ts.isBinaryExpression(node))
    return textsOf(node.left).flatMap((left) => textsOf(node.right).map((right) => left + right))
  if (ts.isIdentifier(node)) {
    const declaration = declarationOf(node)
    if (declaration === undefined || ts.isParameter(declaration) || declaration.initializer === undefined) return []
    return textsOf(declaration.initializer)
  }
  return []
}

/** Every such line, in the order of the files. `unknown` names the calls whose text cannot be read here. */
export function logLines(): { readonly lines: readonly LogLine[]; readonly unknown: readonly string[] } {
  const lines: LogLine[] = []
  const unknown: string[] = []
  for (const file of writers.flatMap((name) => sources(name))) {
    const text = readFileSync(join(root, file), 'utf8')
    if (!/'(warn|error)'|\.tell\(|[rR]eport(To)?\(|\bnote\(|warn\(|\.push\(\{ message/.test(text)) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const argument = textArgument(node, file)
        const texts = argument === undefined ? [] : textsOf(argument)
        lines.push(...texts.map((each) => ({ text: each, file })))
        if (argument !== undefined && texts.length === 0) unknown.push(`${file}: ${argument.getText()}`)
      } else if (ts.isArrayLiteralExpression(node) && node.elements.length === 3 && isLevel(node.elements[0])) {
        const [, said] = node.elements
        if (said !== undefined && ts.isStringLiteralLike(said)) lines.push({ text: said.text, file })
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return { lines, unknown }
}
