/** Blocks of code in Markdown as programs: taken out of a page, compiled under the project's own strictness, and run. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from './process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Snippet {
  /** The name of the page and the number of the block. */
  readonly name: string
  readonly source: string
}

/** The blocks of a page in one language. They may stand in a list, indented. */
export function blocksOf(file: string, language: string): string[] {
  const pattern = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\`$`, 'gms')
  return [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, indent = '', source = '']) =>
    source.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

/** Each block as a program of its own. */
export function snippetsOf(file: string, language: string): Snippet[] {
  return blocksOf(file, language).map((source, i) => ({ name: `${nameOf(file)}-${i + 1}`, source }))
}

/** The blocks of a page in one language as one program. */
export function programOf(file: string, language: string): Snippet {
  return { name: `${nameOf(file)}-${language}`, source: blocksOf(file, language).join('') }
}

/** What the page is called; a README has the name of its folder, and the one of the repository is the front page. */
function nameOf(file: string): string {
  const name = basename(file, '.md')
  if (name !== 'README') return name
  return join(dirname(file), '/') === root ? 'front-page' : basename(dirname(file))
}

/** Compiles snippets of TypeScript in the folder `work`, which lies inside the workspace, into `work/out`. Returns the complaints. */
export function compileSnippets(work: string, snippets: readonly Snippet[]): string {
  mkdirSync(work, { recursive: true })
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
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', work], { cwd: root, encoding: 'utf8' })
  return stdout + stderr
}

/** Runs the file of a program, after port 2181 has become that of `connectString` in it. */
export async function runProgram(
  command: readonly [string, ...string[]],
  file: string,
  connectString: string,
): Promise<{ code: number | null; output: string; errors: string }> {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('127.0.0.1:2181', connectString))
  return new Child([...command, file]).closed
}
