// @ts-check
/**
 * `npm run docs`: installs what only the site needs, makes its pages, builds it into site/dist, and checks every link. `-- --serve`
 * shows it then on a port of this machine.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pageOf, pages, root } from './pages.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const staged = join(here, '.pages')
const begun = Date.now()
const took = () => `${((Date.now() - begun) / 1000).toFixed(1)} s`

install()
stage()
const { writeReference } = await import('./api.mjs')
const { errors, warnings } = await writeReference(join(staged, 'api'))
if (errors + warnings > 0) fail(`TypeDoc complains ${errors + warnings} times, see above`)
console.log(`the reference is written (${took()})`)

const { build, serve } = await import('vitepress')
await build(here)
const { checkSite } = await import('./check.mjs')
const { pages: count, links, problems } = checkSite(join(here, 'dist'), process.env['DOCS_BASE'] ?? '/')
for (const problem of problems) console.error(problem)
if (problems.length > 0) fail(`${problems.length} links are broken`)
console.log(`site/dist has ${count} pages; all of their ${links} links lead somewhere (${took()})`)
if (process.argv.includes('--serve')) await serve({ root: here, port: 4173 })

/** `npm ci`, where it was not done for this lock file yet. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(here, 'package-lock.json')))
    .digest('hex')
  const stamp = join(here, 'node_modules', '.lightkeeper')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.log('installing what only the site needs…')
  const self = process.env['npm_execpath']
  const [command, ...args] = self?.endsWith('npm-cli.js') ? [process.execPath, self] : ['npm']
  const options = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync(command ?? 'npm', [...args, ...options], {
    cwd: here,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  })
  if (status !== 0) fail('npm ci failed in site/; check that the package registry can be reached')
  writeFileSync(stamp, lock)
}

/** Writes every page with its links as the site has them, and the pictures beside them. */
function stage() {
  rmSync(staged, { recursive: true, force: true })
  for (const [source, target] of pages) {
    const file = join(staged, target)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, pageOf(source))
  }
  cpSync(join(root, 'docs/console'), join(staged, 'console'), { recursive: true })
  mkdirSync(join(staged, 'public'))
  cpSync(join(root, 'docs/console/znode.png'), join(staged, 'public/tree.png'))
}

/** @param {string} problem */
function fail(problem) {
  console.error(`docs: ${problem}`)
  process.exit(1)
}
