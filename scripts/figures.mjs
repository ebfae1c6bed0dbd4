// @ts-check
/**
 * `node scripts/figures.mjs [FOLDER]` prints the figures of docs/architecture/house.md for this checkout or for the one in FOLDER:
 * files, lines, the longest files, circles of files, imports against the table of layers, and scripts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The groups of files that import each other through others: the strongly connected components of more than one file (Tarjan).
 * @param {readonly string[]} files @param {(file: string) => readonly string[]} importsOf @returns {string[][]}
 */
export function circles(files, importsOf) {
  /** @type {Map<string, number>} */
  const indexes = new Map()
  /** @type {Map<string, number>} */
  const lowest = new Map()
  /** @type {string[]} */
  const stack = []
  /** @type {string[][]} */
  const groups = []
  /** @param {string} file @returns {number} */
  const visit = (file) => {
    const index = indexes.size
    indexes.set(file, index)
    stack.push(file)
    let low = index
    for (const target of importsOf(file)) {
      if (!indexes.has(target)) low = Math.min(low, visit(target))
      else if (stack.includes(target)) low = Math.min(low, lowest.get(target) ?? indexes.get(target) ?? low)
    }
    lowest.set(file, low)
    if (low === index) {
      const group = stack.splice(stack.indexOf(file))
      if (group.length > 1) groups.push(group.sort())
    }
    return low
  }
  for (const file of files) if (!indexes.has(file)) visit(file)
  return groups.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
}

/** The imports in a text, including types, as they are written. @param {string} text @returns {string[]} */
export function importsIn(text) {
  // The command 'import' and the option '--from' are not the beginning of an import.
  return [...text.matchAll(/(?<!['-])(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier)
}

/** The table of layers: for each package, the packages it may import; undefined for all. @param {string} text of ARCHITECTURE.md */
export function layersIn(text) {
  return new Map(
    [...text.matchAll(/^\| `(\w+)` *\| ([^|;]*?) *[|;]/gm)].map(([, name = '', cell = '']) => [
      name,
      cell.startsWith('all of them') ? undefined : cell.split(', ').filter((each) => each !== 'nothing'),
    ]),
  )
}

/**
 * Whether people write this file: code of a package, an example, a script or a benchmark; no test and nothing generated. @param
 * {string} file
 */
export function isSource(file) {
  return (
    /^(packages\/[a-z]+\/(src|spec)|examples\/src|scripts|bench)\/.*\.(ts|mjs)$/.test(file) &&
    !/\.(test|harness|gen)\.[a-z]+$/.test(file)
  )
}

/** @param {string} root */
function print(root) {
  const { stdout } = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  const tracked = stdout.split('\n').filter((file) => file !== '' && existsSync(join(root, file)))
  /** @param {string} file */
  const read = (file) => readFileSync(join(root, file), 'utf8')
  const sources = tracked.filter(isSource)
  const lengths = sources
    .map((file) => /** @type {const} */ ([read(file).split('\n').length - 1, file]))
    .sort(([a], [b]) => a - b)
  /** @param {string} file */
  const relative = (file) =>
    importsIn(read(file))
      .filter((each) => each.startsWith('.'))
      .map((each) => join(file, '..', each))
      .filter((each) => sources.includes(each))
  const groups = circles(sources, relative)
  const layers = layersIn(read('ARCHITECTURE.md'))
  const upward = sources.flatMap((file) => {
    const name = /^packages\/([a-z]+)\/src/.exec(file)?.[1] ?? ''
    const allowed = layers.get(name)
    if (allowed === undefined) return []
    const targets = importsIn(read(file)).map((each) => /^@lightkeeper\/([a-z]+)/.exec(each)?.[1] ?? '')
    return targets.filter((each) => layers.has(each) && each !== name && !allowed.includes(each)).map(() => file)
  })
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts)
  const tests = tracked.filter((file) => file.endsWith('.test.ts'))
  const longest = lengths.slice(-5).reverse()
  console.log(`sources          ${sources.length} files, ${lengths.reduce((sum, [lines]) => sum + lines, 0)} lines`)
  console.log(`test files       ${tests.length}`)
  console.log(`median           ${lengths[Math.floor(lengths.length / 2)]?.[0] ?? 0} lines`)
  console.log(`above 500 lines  ${lengths.filter(([lines]) => lines > 500).length} files`)
  for (const [lines, file] of longest) console.log(`  ${lines}  ${file}`)
  console.log(`circles          ${groups.length}, of ${groups.flat().length} files`)
  for (const group of groups) console.log(`  ${group.join(' ')}`)
  console.log(`upward imports   ${upward.length}`)
  console.log(`npm scripts      ${scripts.length}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  print(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))))
}
