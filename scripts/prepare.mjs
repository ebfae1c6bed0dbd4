// @ts-check
/**
 * Before `npm start` and `npm test`: installs and builds what a fresh clone lacks; otherwise it does nothing. `--install` always
 * installs, `--force` always builds. `--serve` is for `npm start`: in a fresh clone it leaves out what a server does not need, which are
 * the dependencies for development, the examples, and the packages that stand beside the command line.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamps = join(root, 'node_modules', '.lightkeeper')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`this is Node ${process.versions.node}; Lightkeeper needs 20.19 or newer`)
}

const isToServe = process.argv.includes('--serve')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
// Two marks: what is installed is all of the lock file, or what a server needs. A folder without a mark may have been installed by hand.
const [all, some] = [lock, `${lock} to serve`]
const installed = read('installed')
if (process.argv.includes('--install')) install(all)
else if (isToServe && !existsSync(join(root, 'node_modules'))) install(some)
else if (installed === some && !isToServe) complete()
else if (installed !== all && installed !== some) install(installed.endsWith(' to serve') && isToServe ? some : all)

const state = stateOf(sources())
const isForced = process.argv.includes('--force')
// A build of everything also serves.
const [target, result, marks] = isToServe
  ? ['packages/cli', 'packages/cli/dist/main.js', ['built', 'built-to-serve']]
  : ['.', 'examples/dist/report.js', ['built']]
const isBuilt = existsSync(join(root, result)) && marks.some((mark) => read(mark) === state)
// The web application of the console is built beside the packages: neither needs the other.
const web = join(root, 'packages/console/web')
const webState = stateOf([...filesIn(web), ...filesIn(join(root, 'packages/console/src'))])
const isWebBuilt = existsSync(join(root, 'packages/console/dist/web/index.html')) && read('built-web') === webState
const webBuild = isForced || !isWebBuilt ? buildWeb() : undefined
if (isForced || !isBuilt) {
  console.error('building…')
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', target], 'the build failed')
  write(marks.at(-1) ?? '', state)
}
await webBuild

/** Installs exactly what is locked: all of it, or what a server needs. @param {string} mark */
function install(mark) {
  console.error('installing dependencies…')
  // There is no fallback to `npm install`: it would hide a lock file that does not match.
  npm(
    ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(mark === some ? ['--omit=dev'] : [])],
    'npm ci failed. If it says that package.json and package-lock.json differ, run `npm install --package-lock-only` in a ' +
      'checkout without node_modules and commit the lock file; otherwise check that the package registry can be reached',
  )
  write('installed', mark)
}

/** Adds what is not needed to serve. `npm ci` would first delete the packages that a running server has, so it only checks the lock file. */
function complete() {
  console.error('installing what the tests need too…')
  const problem = 'npm install failed; check that the package registry can be reached'
  npm(['ci', '--dry-run', '--no-audit', '--no-fund', '--silent'], 'npm ci would fail; `npm ci` says why')
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], problem)
  write('installed', all)
}

/** @returns {Promise<void>} */
function buildWeb() {
  console.error('building the web application…')
  const vite = [
    join(root, 'node_modules/vite/bin/vite.js'),
    'build',
    '--config',
    join(web, 'vite.config.ts'),
    '--logLevel',
    'warn',
  ]
  const child = spawn(process.execPath, vite, { cwd: root, stdio: ['ignore', 2, 2] })
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      if (code !== 0) fail('the build of the web application failed (vite build)')
      write('built-web', webState)
      resolve()
    })
  })
}

/** What changes when one of the files does. @param {readonly string[]} files */
function stateOf(files) {
  const newest = files.reduce((latest, file) => Math.max(latest, statSync(file).mtimeMs), 0)
  return `${newest} ${files.length}`
}

/** @param {string} folder @returns {string[]} */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

/** Every file that the build reads. */
function sources() {
  const files = ['tsconfig.base.json', 'tsconfig.json', 'examples/tsconfig.json'].map((name) => join(root, name))
  for (const folder of ['examples', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)]) {
    files.push(...filesIn(join(root, folder, 'src')).filter((file) => file.endsWith('.ts')))
  }
  return files
}

/**
 * On Windows npm is a script that only a shell can start, so the npm that runs this file is started by its path where it is known.
 * @param {readonly string[]} args @param {string} problem
 */
function npm(args, problem) {
  const self = process.env.npm_execpath
  if (self?.endsWith('npm-cli.js')) run(process.execPath, [self, ...args], problem)
  else run('npm', args, problem, process.platform === 'win32')
}

/** @param {string} command @param {readonly string[]} args @param {string} problem @param {boolean} [shell] */
function run(command, args, problem, shell = false) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (result.status !== 0) fail(`${problem} (${command} ${args.join(' ')})`)
}

/** @param {string} name */
function read(name) {
  try {
    return readFileSync(join(stamps, name), 'utf8')
  } catch {
    return ''
  }
}

/** @param {string} name @param {string} text */
function write(name, text) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, name), text)
}

/** @param {string} problem */
function fail(problem) {
  console.error(`lightkeeper: ${problem}`)
  process.exit(1)
}
