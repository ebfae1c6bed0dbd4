/** What the documents name exists: links, files, commands. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { honoured } from '../../packages/server/src/config/rooms.ts'
import { anchorsOf, linkPattern, namedBy, outsideOfCode, pages } from '../../site/pages.mjs'
import { read, root, tracked } from './tree.ts'

const documents = tracked.filter((file) => file.endsWith('.md'))

/** The texts between backticks in a document, line ends as spaces. */
function quoted(file: string): string[] {
  return [...read(file).matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' '))
}

test('every link of a document leads to a file of this repository, and to a heading that is there', () => {
  const broken: string[] = []
  let links = 0
  for (const file of documents) {
    outsideOfCode(read(file), (part) => {
      for (const [link] of part.matchAll(linkPattern)) {
        const named = namedBy(file, link)
        if (named === undefined) continue
        links++
        const { path, anchor } = named
        if (!existsSync(join(root, path))) broken.push(`${file} links to ${link}, which is not there`)
        else if (anchor !== '' && !anchorsOf(read(path)).includes(anchor))
          broken.push(`${file} links to ${link}, which has no such heading`)
      }
      return part
    })
  }
  expect(broken).toEqual([])
  expect(links).toBeGreaterThan(200)
})

test('every page for users is on the site', () => {
  const forUsers = documents.filter((file) => /^docs\/|^packages\/recipes\/src\/.*README\.md$/.test(file))
  const ofTheHouse = new Set(['docs/architecture/house.md'])
  expect(
    forUsers.filter((file) => !pages.has(file) && !ofTheHouse.has(file)),
    'site/pages.mjs lists them',
  ).toEqual([])
  expect([...pages.keys()].filter((file) => !tracked.includes(file))).toEqual([])
  const targets = [...pages.values()]
  expect(targets.filter((target, i) => targets.indexOf(target) !== i)).toEqual([])
})

test('every key of a zoo.cfg that has an effect is in the pages for operators', () => {
  const pages = documents.filter((file) => file.startsWith('docs/operations/'))
  const named = new Set(pages.flatMap(quoted))
  expect([...honoured.keys()].filter((key) => !named.has(key))).toEqual([])
})

test('every file and folder that ARCHITECTURE.md names is there', () => {
  const names = quoted('ARCHITECTURE.md').filter((name) => /^[\w./-]+(\.(ts|mjs|md)|\/)$/.test(name))
  expect(names.length).toBeGreaterThan(20)
  const isThere = (name: string) => tracked.some((file) => `/${file}`.includes(`/${name}`))
  expect(names.filter((name) => !isThere(name))).toEqual([])
})

test('each walk of ARCHITECTURE.md names one room a line, and each room once', () => {
  const walks: string[][] = []
  let isWalk = false
  for (const line of read('ARCHITECTURE.md').split('\n')) {
    const step = /^\d+\. (.*)/.exec(line)?.[1]
    if (step === undefined) {
      // A step may go on in the next line, with a margin.
      isWalk &&= line.startsWith('   ')
      continue
    }
    if (!isWalk) walks.push([])
    isWalk = true
    walks.at(-1)?.push(/^`([^`]+\.ts)`/.exec(step)?.[1] ?? step)
  }
  expect(walks.length).toBeGreaterThanOrEqual(3)
  for (const rooms of walks) {
    expect(rooms.length).toBeGreaterThanOrEqual(4)
    for (const room of rooms) expect(room).toMatch(/^[\w/-]+\.ts$/)
    expect(rooms.filter((room, i) => rooms.indexOf(room) !== i)).toEqual([])
  }
})

test('every path from the root that a document names is there', () => {
  for (const file of documents) {
    for (const name of quoted(file)) {
      if (!/^(packages|test|scripts|bench|docs|examples)\/[\w./-]+$/.test(name)) continue
      expect(existsSync(join(root, name)), `${file} names ${name}`).toBe(true)
    }
  }
})

test('CONTRIBUTING.md says what each script of package.json does, and they fit on one screen', () => {
  const names: string[] = Object.keys(JSON.parse(read('package.json')).scripts)
  expect(names.length).toBeLessThanOrEqual(24)
  const rows = [...read('CONTRIBUTING.md').matchAll(/^\| `(npm[^`]*)` *\|/gm)].map(([, command = '']) => command)
  const commandOf = (name: string): string => (name === 'test' || name === 'start' ? `npm ${name}` : `npm run ${name}`)
  // The pre-scripts of npm run by themselves.
  const missing = names
    .filter((name) => !name.startsWith('pre'))
    .filter((name) => !rows.some((row) => row === commandOf(name) || row.startsWith(`${commandOf(name)} `)))
  expect(missing).toEqual([])
})

test('CONTRIBUTING.md names every lane', () => {
  const [, lanes = ''] = read('CONTRIBUTING.md').split('| lane ')
  for (const name of lanesOf()) expect(lanes, name).toMatch(new RegExp(`\\| .*\`${name}\\b.*\\|.*\\|`))
})

test('the glossary is linked from the front page, and explains each term once, on one page', () => {
  expect(read('README.md')).toContain('(docs/glossary.md)')
  const text = read('docs/glossary.md')
  const rows = [...text.matchAll(/^\| ([^|]+?) *\| ([^|]+?) *\|$/gm)].filter(
    ([, term = '']) => !/^(term|-+)$/.test(term),
  )
  expect(rows.length).toBeGreaterThan(40)
  expect(text.split('\n').length).toBeLessThan(120)
  const terms = rows.flatMap(([, term = '']) => term.split(', '))
  expect(terms.filter((term, i) => terms.indexOf(term) !== i)).toEqual([])
  for (const [, term, meaning = ''] of rows) expect(meaning.length, term).toBeGreaterThan(20)
})

test('every command that a document or a message names is there', () => {
  const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts
  const lanes = lanesOf()
  expect(lanes.length).toBeGreaterThan(10)
  for (const file of tracked) {
    if (!/\.(md|mjs|ts|json)$/.test(file) || /\.test\.ts$|^package-lock/.test(file)) continue
    const text = read(file)
    for (const [command, script = ''] of text.matchAll(/npm run ([a-z][\w:-]*)/g)) {
      expect(Object.keys(scripts), `${file}: ${command}`).toContain(script)
    }
    for (const [command, bench = ''] of text.matchAll(/npm run bench --\s+([a-z][\w-]*)/g)) {
      expect(tracked, `${file}: ${command}`).toContain(`bench/${bench}.mjs`)
    }
    for (const [command, lane = ''] of text.matchAll(/--project[ =]([a-z]\w*)/g)) {
      expect(lanes, `${file}: ${command}`).toContain(lane)
    }
    for (const [, script = ''] of text.matchAll(/node scripts\/([\w-]+\.mjs)/g)) {
      expect(tracked, file).toContain(`scripts/${script}`)
    }
  }
})

/** The projects of vitest. */
function lanesOf(): string[] {
  return [...read('vitest.config.ts').matchAll(/(?:project\(|name: )'(\w+)'/g)].map(([, name = '']) => name)
}
