/**
 * The pages of docs/migration, both sides: the program in the other client's idioms and ours run against a server each, and print the
 * same.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { blocksOf, compileSnippets, programOf, runProgram } from '../../support/snippets.ts'
import { startTarget } from '../../support/target.ts'
import { has, skipReason } from '../lane.ts'
import { missingKazoo, python } from '../python.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = join(root, 'docs/migration')
/** Inside the workspace, so that its packages are found. */
const work = join(root, '.cache/migration')
const jars = join(root, '.cache/curator')

interface Side {
  readonly page: string
  readonly language: string
  readonly file: string
  /** Undefined where the program can be run, else what is missing. */
  missing(): string | undefined
  readonly command: readonly [string, ...string[]]
}

/** The folder of a package of npm's that scripts/peers.mjs has fetched, or a benchmark. */
const folderOf = (name: string, ...folders: readonly string[]): string | undefined =>
  folders.map((each) => join(root, '.cache', each)).find((each) => existsSync(join(each, 'node_modules', name)))

const fromNpm = (name: string, ...folders: readonly string[]): Side => {
  const folder = folderOf(name, ...folders)
  return {
    page: name,
    language: 'js',
    // Where `require` finds the package.
    file: join(folder ?? work, 'idioms.cjs'),
    missing: () => (folder === undefined ? 'it was not fetched; node scripts/peers.mjs does it' : undefined),
    command: [process.execPath],
  }
}

const sides: readonly Side[] = [
  fromNpm('node-zookeeper-client', 'node-zookeeper-client'),
  fromNpm('zookeeper', 'zookeeper', 'clients/npm'),
  {
    page: 'kazoo',
    language: 'python',
    file: join(work, 'idioms.py'),
    missing: () => missingKazoo,
    command: [python ?? ''],
  },
  {
    page: 'curator',
    language: 'java',
    file: join(work, 'Idioms.java'),
    missing: () =>
      !has('java')
        ? 'there is no java'
        : existsSync(jars)
          ? undefined
          : 'its jars were not fetched; node scripts/peers.mjs does it',
    command: ['java', '-XX:TieredStopAtLevel=1', '-Xmx256m', '-cp', `${jars}/*`],
  },
]

rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Runs a program against a server of its own. Returns what it prints. */
async function printedBy(command: Side['command'], file: string): Promise<string> {
  await using server = await startTarget()
  const { code, output, errors } = await runProgram(command, file, server.connectString)
  expect(code, output + errors).toBe(0)
  return output
}

test('our side of every page compiles', () => {
  const programs = sides.map(({ page }) => programOf(join(pages, `${page}.md`), 'ts'))
  expect(compileSnippets(work, programs)).toBe('')
})

describe.each(sides)('from $page', ({ page, language, file, missing, command }) => {
  // On Linux it is compiled with headers of Node, which the package registry does not have: CI goes without it.
  const isOptional = page === 'zookeeper'
  const why = missing()
  if (isOptional && why !== undefined) console.log(`migration from ${page}: skipped, because ${why}`)
  const reason = isOptional ? why : skipReason(`migration from ${page}`, why)

  test('every idiom of theirs has one of ours behind it', () => {
    const theirs = blocksOf(join(pages, `${page}.md`), language)
    expect(theirs.length).toBeGreaterThan(8)
    expect(blocksOf(join(pages, `${page}.md`), 'ts')).toHaveLength(theirs.length)
  })

  test.skipIf(reason !== undefined)('both programs print the same', async () => {
    writeFileSync(file, programOf(join(pages, `${page}.md`), language).source)
    const theirs = await printedBy(command, file)
    const ours = await printedBy([process.execPath], join(work, 'out', `${page}-ts.js`))
    expect(ours).toBe(theirs)
    expect(ours.split('\n').length).toBeGreaterThan(8)
  })
})
