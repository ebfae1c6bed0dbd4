/** Every snippet of the guides is a program: it compiles under the project's own strictness, and runs to its end. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '@lightkeeper/server'
import { afterAll, describe, expect, test } from 'vitest'
import { Child } from '../support/process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guides = join(root, 'docs/guide')
/** Inside the workspace, so that its packages are found. */
const work = join(root, '.cache/guide')

interface Snippet {
  readonly name: string
  readonly source: string
}

const snippets: Snippet[] = readdirSync(guides)
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) => {
    const blocks = [...readFileSync(join(guides, file), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)]
    return blocks.map(([, source = ''], i) => ({ name: `${file.slice(0, -3)}-${i + 1}`, source }))
  })

/** Every block of shell is a script: it runs to its end, with `lightkeeper` on its path and a server of its own. */
const scripts: Snippet[] = ['command-line.md'].flatMap((file) => {
  const blocks = [...readFileSync(join(guides, file), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)]
  return blocks.map(([, source = ''], i) => ({ name: `${file.slice(0, -3)}-${i + 1}`, source }))
})

function runShell(source: string, connectString: string): Promise<{ code: number | null; output: string }> {
  const env = {
    LIGHTKEEPER_SERVER: connectString,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
  }
  return ranToEnd(new Child(['sh', '-e', '-c', source], { env }))
}

/** Where a program outside of vitest finds the built packages: `npm test` has built them. */
function run(file: string): Promise<{ code: number | null; output: string }> {
  return ranToEnd(new Child([process.execPath, file]))
}

async function ranToEnd(program: Child): Promise<{ code: number | null; output: string }> {
  const { code } = await program.closed
  return { code, output: program.printed }
}

describe('the snippets of docs/guide', () => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  test('compile', () => {
    for (const { name, source } of snippets) writeFileSync(join(work, `${name}.ts`), `${source}\nexport {}\n`)
    const config = {
      extends: join(root, 'tsconfig.test.json'),
      compilerOptions: {
        noEmit: false,
        outDir: join(work, 'out'),
        rootDir: work,
        allowImportingTsExtensions: false,
        customConditions: [],
      },
      include: [join(work, '*.ts')],
    }
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config))
    const { stdout, stderr } = spawnSync('npx', ['tsc', '-p', work], { cwd: root, encoding: 'utf8' })
    expect(stdout + stderr.replaceAll(/^npm warn.*\n/gm, '')).toBe('')
    expect(snippets.length).toBeGreaterThan(8)
  })

  test.each(snippets)('$name runs to its end', async ({ name }) => {
    const server = await startServer({ port: 0 })
    const file = join(work, 'out', `${name}.js`)
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('127.0.0.1:2181', server.connectString))
    const { code, output } = await run(file)
    await server.close()
    expect(output, output).not.toMatch(/Error/)
    expect(code, output).toBe(0)
  })

  // What each prints, as the guide says.
  const printed: Readonly<Record<string, RegExp>> = {
    'command-line-1': /^created \/watched .*\ncreated \/watched\/job .*\nready zxid=0x/,
    'command-line-2': /^owner number \d+ makes the report\nbackup\n$/,
    'command-line-3': /^scheduling in epoch \d+\n$/,
    'command-line-4':
      /^(lightkeeper lock: .*\n)?\/locks\/report lock \(curator\)\n {2}holds .*\n {2}waits 1 .* behind _c_.*-lock-0000000000\n/,
    'command-line-5': /^(users\n)?[0-9a-f-]{36} 10\.0\.0\.7:8080 weight=3\n10\.0\.0\.7:8080\n$/,
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
