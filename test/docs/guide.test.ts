/** Every snippet of the guides is a program: it compiles under the project's own strictness, and runs to its end. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '@lightkeeper/server'
import { afterAll, describe, expect, test } from 'vitest'

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

/** Where a program outside of vitest finds the built packages: `npm test` has built them. */
function run(file: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('close', (code) => resolve({ code, output }))
  })
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
})
