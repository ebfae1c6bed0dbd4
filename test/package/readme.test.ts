/**
 * The snippets of the front page in a project that has installed the tarballs and nothing else: as ES modules, with `require`, in
 * Jest as it comes (CommonJS), in vitest, and as plain JavaScript on every Node. Each snippet runs alone, against a server of its own.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningServer, startServer } from '@lightkeeper/server'
import ts from '@typescript/typescript6'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jestProgram, missingRuntime, missingTool, programOf, runtimes } from '../../scripts/runtimes.mjs'
import { type Installed, install, root, runToEnd } from './installed.ts'

let project: Installed
beforeAll(() => {
  project = install('all')
})
afterAll(() => project[Symbol.dispose]())

interface Snippet {
  readonly name: string
  readonly imports: string
  readonly body: string
}

/** The blocks of one language on a page, each cut into its imports and the rest. */
function snippetsOf(language: 'ts' | 'js', page = 'README.md'): Snippet[] {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))]
  return blocks.map(([, source = ''], i) => {
    const imports = [...source.matchAll(/^import .*\n/gm)].map(([line]) => line).join('')
    return { name: `${language}-${i + 1}`, imports, body: source.replaceAll(/^import .*\n/gm, '') }
  })
}

/** What a compiler makes of TypeScript for Node 20, which knows no `await using`. */
function compiled(source: string, module: ts.ModuleKind): string {
  const compilerOptions = { module, target: ts.ScriptTarget.ES2022, esModuleInterop: true }
  return ts.transpileModule(source, { compilerOptions }).outputText
}

const asProgram = ({ imports, body }: Snippet): string =>
  `${imports}\nasync function main() {\n${body}\n}\nvoid main()\nexport {}\n`
const asTest = ({ name, imports, body }: Snippet): string =>
  `${imports}\ntest('${name}', async () => {\n${body}\n})\nexport {}\n`

/** Writes a file into a folder of the project whose package.json says nothing about modules, as most have it. */
function write(folder: string, file: string, source: string, server: RunningServer): string {
  const path = join(project.folder, folder)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), '{ "private": true }\n')
  writeFileSync(join(path, file), source.replaceAll('127.0.0.1:2181', server.connectString))
  return join(path, file)
}

async function runs(
  folder: string,
  file: string,
  source: string,
  command: (path: string) => readonly [string, ...string[]],
): Promise<void> {
  await using server = await startServer({ port: 0 })
  const path = write(folder, file, source, server)
  const { code, output, errors } = await runToEnd(command(path), join(project.folder, folder))
  expect(code, output + errors).toBe(0)
  expect(output + errors).not.toMatch(/Error|Warning/)
}

const programs = snippetsOf('ts')
const plain = [...snippetsOf('js'), ...snippetsOf('js', 'packages/client/README.md')]

test('the front page has snippets to try, in TypeScript and in plain JavaScript', () => {
  expect([programs.length > 1, plain.length > 0]).toEqual([true, true])
})

const nodes = [
  { name: `node ${process.versions.node}`, program: process.execPath, missing: undefined },
  ...runtimes
    .filter(({ name }) => name.startsWith('node-'))
    .map((each) => ({ name: each.name, program: programOf(each), missing: missingRuntime(each) })),
]

for (const { name, program, missing } of nodes) {
  if (missing !== undefined) {
    if (process.env['INTEROP'] === 'require') throw new Error(`${name} is required and cannot run: ${missing}`)
    console.log(`the front page on ${name}: skipped, because ${missing}`)
  }
  describe.skipIf(missing !== undefined)(`on ${name}`, () => {
    test.each(programs)('$name runs as an ES module', (snippet) =>
      runs('esm', `${snippet.name}.mjs`, compiled(asProgram(snippet), ts.ModuleKind.ES2022), (path) => [program, path]),
    )
    test.each(programs)('$name runs as CommonJS', (snippet) =>
      runs('cjs', `${snippet.name}.js`, compiled(asProgram(snippet), ts.ModuleKind.CommonJS), (path) => [
        program,
        path,
      ]),
    )
    test.each(plain)('$name runs as it is written', ({ name, imports, body }) =>
      runs('plain', `${name}.${imports === '' ? 'cjs' : 'mjs'}`, `${imports}\n${body}`, (path) => [program, path]),
    )
  })
}

test.each(programs)('$name runs in vitest', (snippet) => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const source = compiled(asTest(snippet), ts.ModuleKind.ES2022)
  const args = ['run', '--globals', '--root']
  return runs('vitest', `${snippet.name}.test.mjs`, source, (path) => [
    process.execPath,
    vitest,
    ...args,
    join(path, '..'),
    path,
  ])
})

const jestMissing = missingTool('jest')
if (jestMissing !== undefined) {
  if (process.env['INTEROP'] === 'require') throw new Error(`jest is required and cannot run: ${jestMissing}`)
  console.log(`the front page in Jest: skipped, because ${jestMissing}`)
}
describe.skipIf(jestMissing !== undefined)('in Jest without any configuration', () => {
  const jest = (path: string): [string, ...string[]] => [
    process.execPath,
    jestProgram,
    '--rootDir',
    join(path, '..'),
    path,
  ]

  test.each(programs)('$name runs', (snippet) =>
    runs('jest', `${snippet.name}.test.js`, compiled(asTest(snippet), ts.ModuleKind.CommonJS), jest),
  )

  test('a program that requires the client and `lightkeeper` has one client', () => {
    const source = readFileSync(join(root, 'test/package/programs/one-client.test.cjs'), 'utf8')
    return runs('jest', 'one-client.test.js', source, jest)
  })
})
