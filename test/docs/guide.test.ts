/**
 * Every snippet of the guides and of the front page is a program: it compiles under the project's own strictness, and runs to its end.
 * The blocks of a page about migration are one program.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '@lightkeeper/server'
import { afterAll, describe, expect, test } from 'vitest'
import { Child } from '../support/process.ts'
import { compileSnippets, programOf, runProgram, type Snippet, snippetsOf } from '../support/snippets.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guides = join(root, 'docs/guide')
const migrations = join(root, 'docs/migration')
/** Inside the workspace, so that its packages are found. */
const work = join(root, '.cache/guide')

/** The frameworks are installed by the lane `package`, which runs these snippets. */
const isOfPlugin = (source: string): boolean => /from '@lightkeeper\/(fastify|nestjs)'/.test(source)

const pagesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file))

const snippets: Snippet[] = [
  ...[join(root, 'README.md'), ...pagesIn(guides)].flatMap((file) => snippetsOf(file, 'ts')),
  ...pagesIn(migrations)
    .map((file) => programOf(file, 'ts'))
    .filter(({ source }) => source !== ''),
].filter(({ source }) => !isOfPlugin(source))
/** Tests of the page about testing are run by their runner. */
const isTest = ({ source }: Snippet): boolean => source.includes("from 'vitest'")

/** Blocks of plain JavaScript with modules. Those with `require` are of Jest, which the lane of the package has. */
const plain: Snippet[] = [join(root, 'README.md'), ...pagesIn(guides)]
  .flatMap((file) => snippetsOf(file, 'js'))
  .filter(({ source }) => !source.includes('require('))

/** Every block of shell is a script: it runs to its end, with `lightkeeper` on its path and a server of its own. */
const scripts: Snippet[] = ['command-line.md', 'getting-started.md'].flatMap((file) =>
  snippetsOf(join(guides, file), 'sh'),
)

async function runShell(source: string, connectString: string): Promise<{ code: number | null; output: string }> {
  const env = {
    LIGHTKEEPER_SERVER: connectString,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
  }
  const program = new Child(['sh', '-e', '-c', source], { env, cwd: root })
  const { code } = await program.closed
  return { code, output: program.printed }
}

describe('the snippets of the guides', () => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(join(work, 'out'), { recursive: true })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  test('compile', () => {
    expect(compileSnippets(work, snippets)).toBe('')
    expect(snippets.length).toBeGreaterThan(30)
  })

  /** Where a program outside of vitest finds the built packages: `npm test` has built them. */
  async function runsToItsEnd(command: readonly [string, ...string[]], file: string): Promise<void> {
    const server = await startServer({ port: 0 })
    const { code, output, errors } = await runProgram(command, file, server.connectString)
    await server.close()
    expect(output + errors).not.toMatch(/Error/)
    expect(code, output + errors).toBe(0)
  }

  test.concurrent.each(snippets.filter((each) => !isTest(each)))('$name runs to its end', ({ name }) =>
    runsToItsEnd([process.execPath], join(work, 'out', `${name}.js`)),
  )

  test.each(plain)('$name, in plain JavaScript, runs to its end', ({ name, source }) => {
    const file = join(work, 'out', `${name}.plain.mjs`)
    writeFileSync(file, source)
    return runsToItsEnd([process.execPath], file)
  })

  test.each(snippets.filter(isTest))('$name, a test, passes', ({ name }) => {
    writeFileSync(
      join(work, 'vitest.config.mjs'),
      `export default { test: { include: ['out/*.js'], reporters: ['dot'] } }\n`,
    )
    const runner = [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', work] as const
    return runsToItsEnd(runner, join(work, 'out', `${name}.js`))
  })

  // What each prints, as the guide says.
  const printed: Readonly<Record<string, RegExp>> = {
    'command-line-1': /^created \/watched .*\ncreated \/watched\/job .*\nready zxid=0x/,
    'command-line-2': /^owner number \d+ makes the report\nbackup\n$/,
    'command-line-3': /^scheduling in epoch \d+\n$/,
    'command-line-4':
      /^(lightkeeper lock: .*\n)?\/locks\/report lock \(curator\)\n {2}holds .*\n {2}waits 1 .* behind _c_.*-lock-0000000000\n/,
    'command-line-5': /^(users\n)?[0-9a-f-]{36} 10\.0\.0\.7:8080 weight=3\n10\.0\.0\.7:8080\n$/,
    'getting-started-1': /^(.*\n)?hello\n.*greeting.*\n/,
  }

  test('has no script whose output is not checked', () => {
    expect(scripts.map(({ name }) => name)).toEqual(Object.keys(printed))
  })

  test.each(scripts)('$name, a script, runs to its end and prints what the guide says', async ({ name, source }) => {
    const server = await startServer({ port: 0 })
    const { code, output } = await runShell(source, server.connectString)
    await server.close()
    expect(output).toMatch(printed[name] ?? /^$/)
    expect(code, output).toBe(0)
  })
})
