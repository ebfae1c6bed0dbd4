/** The habits of this repository, as tests. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSource } from '../../scripts/figures.mjs'
import { knownDifferences } from '../conformance/known-differences.ts'
import { packages, read, root, sources, tracked } from './tree.ts'

describe.each(packages)('%s', (name) => {
  test('opens every file with what it is for', () => {
    for (const file of sources(name)) {
      if (file.endsWith('.gen.ts')) continue
      const text = read(file)
      const opensWell = /^(import[\s\S]*?\n\n)?\/\*\*/.test(text) || /\n\/\*\*[\s\S]*\nexport/.test(text)
      expect(opensWell, file).toBe(true)
    }
  })

  test('has a licence, a page, and the version of all the others', () => {
    const own = JSON.parse(read(`packages/${name}/package.json`))
    expect([own.version, own.license]).toEqual([JSON.parse(read('package.json')).version, 'Apache-2.0'])
    expect(existsSync(join(root, 'packages', name, 'README.md'))).toBe(true)
  })
})

test('generated code is what the tables generate', () => {
  const result = spawnSync(process.execPath, [join(root, 'packages/protocol/generate.mjs'), '--check'], {
    encoding: 'utf8',
  })
  expect(result.stderr).toBe('')
})

test('nothing is left unfinished, skipped for good, or tied to one machine', () => {
  const words = [
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['XX', 'X'],
    ['not impl', 'emented yet'],
    ['.on', 'ly('],
    ['/wo', 'rk/'],
  ].map((parts) => parts.join(''))
  for (const file of tracked) {
    if (!/\.(ts|mjs|json|md|py|go|c|java)$/.test(file) || file === 'package-lock.json') continue
    const text = read(file)
    for (const word of words) expect(text.includes(word), `${file} contains ${word}`).toBe(false)
  }
})

test('a comment names what it is about, and is no bare genitive', () => {
  // "Of the file", "The server's.": a reader has to guess the noun.
  const genitive = /\/\*\*[\s*]*(Of [^\n]*|((The|A|An|Its|Their|This|That) )?[\w ]{1,30}'s\.? *\*\/)/
  for (const file of tracked.filter((each) => /\.(ts|mjs)$/.test(each) && !each.startsWith('test/tidy/'))) {
    const found = genitive.exec(read(file))
    expect(
      found?.[0],
      `${file}: write what the value is, e.g. "The size of the file" for "Of the file"`,
    ).toBeUndefined()
  }
})

/** Sources above the limit that still have to be cut. The list only shrinks. */
const tooLong: readonly string[] = []
const linesMax = 500

test('no source has more than 500 lines', () => {
  const lengths = tracked.filter(isSource).map((file) => [file, read(file).split('\n').length - 1] as const)
  expect(lengths.length).toBeGreaterThan(100)
  const found = lengths.filter(([, lines]) => lines > linesMax).map(([file]) => file)
  const message = 'cut a file that is too long; take one that no longer is off the list `tooLong`'
  expect(found.sort(), message).toEqual([...tooLong].sort())
})

test('every known difference belongs to a case that exists', () => {
  const cases = tracked.filter((file) => /^test\/conformance\/.*\.test\.ts$/.test(file)).map(read)
  for (const { fact } of knownDifferences)
    expect(
      cases.some((text) => text.includes(fact)),
      fact,
    ).toBe(true)
})
