// @ts-check
/**
 * Before `npm start` and `npm test`: installs and builds what a fresh clone lacks; otherwise it does nothing. `--install` always
 * installs, `--force` always builds.
 */
import { spawnSync } from 'node:child_process'
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

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
if (process.argv.includes('--install') || read('installed') !== lock) {
  console.error('installing dependencies…')
  // `npm ci` installs exactly what is locked. There is no fallback to `npm install`: it would hide a lock file that does not match.
  npm(
    ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
    'npm ci failed. If it says that package.json and package-lock.json differ, run `npm install --package-lock-only` in a ' +
      'checkout without node_modules and commit the lock file; otherwise check that the package registry can be reached',
  )
  write('installed', lock)
}

const newest = sources().reduce((latest, file) => Math.max(latest, statSync(file).mtimeMs), 0)
const state = `${newest} ${sources().length}`
const built = existsSync(join(root, 'packages/cli/dist/main.js')) && existsSync(join(root, 'examples/dist/report.js'))
if (process.argv.includes('--force') || !built || read('built') !== state) {
  console.error('building…')
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], 'the build failed')
  write('built', state)
}

/** Every file that the build reads. */
function sources() {
  const files = ['tsconfig.base.json', 'tsconfig.json', 'examples/tsconfig.json'].map((name) => join(root, name))
  for (const folder of ['examples', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`)]) {
    for (const entry of readdirSync(join(root, folder, 'src'), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.ts')) files.push(join(entry.parentPath ?? entry.path, entry.name))
    }
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
