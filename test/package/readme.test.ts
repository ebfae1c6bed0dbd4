/**
 * The snippets of the front page in a project that has installed the tarballs and nothing else: as ES modules, with `require`, in
 * Jest as it comes (CommonJS), in vitest, and as plain JavaScript on every Node. Each snippet runs alone, against a server of its own.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startServer } from '@lightkeeper/server'
import ts from '@typescript/typescript6'
import { beforeAll, describe, expect, test } from 'vitest'
import { jestProgram, missingRuntime, missingTool, programOf, runtimes } from '../../scripts/runtimes.mjs'
import { type Installed, install, root, runToEnd } from './installed.ts'

let project: Installed
beforeAll(() => {
  project = install('all')
})

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

interface Program {
  readonly file: string
  readonly source: string
}

/**
 * Writes programs into a folder of the project whose package.json says nothing about modules, as most have it. Each has a server of its
 * own; one command runs all of them.
 */
async function runs(
  folder: string,
  written: readonly Program[],
  command: (paths: readonly string[]) => readonly [string, ...string[]],
): Promise<void> {
  const at = join(project.folder, folder)
  mkdirSync(at, { recursive: true })
  writeFileSync(join(at, 'package.json'), '{ "private": true }\n')
  const servers = await Promise.all(written.map(() => startServer({ port: 0 })))
  try {
    for (const [i, { file, source }] of written.entries())
      writeFileSync(join(at, file), source.replaceAll('127.0.0.1:2181', servers[i]?.connectString ?? ''))
    const { code, output, errors } = await runToEnd(command(written.map(({ file }) => join(at, file))), at)
    expect(code, output + errors).toBe(0)
    expect(output + errors).not.toMatch(/Error|Warning/)
  } finally {
    await Promise.all(servers.map((server) => server.close()))
  }
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
    const node = (paths: readonly string[]): [string, ...string[]] => [program, ...paths]

    test.each(programs)('$name runs as an ES module', (snippet) => {
      const source = compiled(asProgram(snippet), ts.ModuleKind.ES2022)
      return runs('esm', [{ file: `${snippet.name}.mjs`, source }], node)
    })
    test.each(programs)('$name runs as CommonJS', (snippet) => {
      const source = compiled(asProgram(snippet), ts.ModuleKind.CommonJS)
      return runs('cjs', [{ file: `${snippet.name}.js`, source }], node)
    })
    test.each(plain)('$name runs as it is written', ({ name, imports, body }) =>
      runs('plain', [{ file: `${name}.${imports === '' ? 'cjs' : 'mjs'}`, source: `${imports}\n${body}` }], node),
    )
  })
}

test('the front page runs in vitest', () => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const tests = programs.map((snippet) => ({
    file: `${snippet.name}.test.mjs`,
    source: compiled(asTest(snippet), ts.ModuleKind.ES2022),
  }))
  return runs('vitest', tests, (paths) => [
    process.execPath,
    vitest,
    'run',
    '--globals',
    '--root',
    dirname(paths[0] ?? ''),
  ])
})

const jestMissing = missingTool('jest')
if (jestMissing !== undefined) {
  if (process.env['INTEROP'] === 'require') throw new Error(`jest is required and cannot run: ${jestMissing}`)
  console.log(`the front page in Jest: skipped, because ${jestMissing}`)
}

test.skipIf(jestMissing !== undefined)(
  'the front page and the guide run in Jest without any configuration, and the client and `lightkeeper` are one client there',
  () => {
    const tests = programs.map((snippet) => ({
      file: `${snippet.name}.test.js`,
      source: compiled(asTest(snippet), ts.ModuleKind.CommonJS),
    }))
    const guide = snippetsOf('js', 'docs/guide/testing.md').filter(({ body }) => body.includes('require('))
    expect(guide.length).toBeGreaterThan(0)
    const source = readFileSync(join(root, 'test/package/programs/one-client.test.cjs'), 'utf8')
    const more = [
      ...guide.map(({ name, body }) => ({ file: `guide-${name}.test.js`, source: body })),
      { file: 'one-client.test.js', source },
    ]
    return runs('jest', [...tests, ...more], (paths) => [
      process.execPath,
      jestProgram,
      '--rootDir',
      dirname(paths[0] ?? ''),
    ])
  },
)
