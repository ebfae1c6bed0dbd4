/**
 * The pages of docs/operations, tried as a new operator would: the blocks of shell of a page run one after the other, in an empty
 * directory, with `lightkeeper` on their path. Port 2181 becomes a free one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { temporaryFolders } from '../support/folders.ts'
import { freePort } from '../support/our-process.ts'
import { Child } from '../support/process.ts'
import { blocksOf } from '../support/snippets.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = join(root, 'docs/operations')

/** What the blocks of each page print, as the page says. Other pages have commands for directories that only their reader has. */
const printed: Readonly<Record<string, RegExp>> = {
  'running.md': /INFO the server listens address=127\.0\.0\.1:\d+/,
  'logs.md': /INFO audit: session=0x[0-9a-f]+\tuser=127\.0\.0\.1\tip=127\.0\.0\.1\toperation=create\tznode=\/leader/,
  'upgrading.md': /dataDir/,
  'backup.md': /INFO the data directory is recovered/,
}

const folder = temporaryFolders('operations')
const left: string[] = []
afterEach(() => {
  // A block that failed leaves its server behind; its id is in the file that the page makes.
  for (const file of left.splice(0)) {
    if (existsSync(file)) spawnSync('kill', ['-KILL', readFileSync(file, 'utf8').trim()])
  }
})

describe('the pages of docs/operations', () => {
  test.each(Object.entries(printed))('the commands of %s do what the page says', async (page, expected) => {
    const cwd = folder()
    left.push(join(cwd, 'server.pid'))
    const port = await freePort()
    let output = ''
    for (const block of blocksOf(join(pages, page), 'sh')) {
      const script = block.replaceAll('2181', `${port}`)
      const env = { PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}` }
      const { code, output: said, errors } = await new Child(['sh', '-e', '-c', script], { env, cwd }).closed
      output += said
      expect(code, `${script}\n${said}${errors}`).toBe(0)
    }
    expect(output).toMatch(expected)
  })

  test('are all in the index, and the index names nothing else', () => {
    const named = [...readFileSync(join(pages, 'README.md'), 'utf8').matchAll(/\]\(([a-z-]+\.md)\)/g)].map(
      ([, name]) => name,
    )
    const there = readdirSync(pages).filter((name) => name.endsWith('.md') && name !== 'README.md')
    expect([...new Set(named)].sort()).toEqual(there.sort())
  })
})
