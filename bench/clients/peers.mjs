// @ts-check
/** The other clients: found, fetched or compiled into .cache/clients, or left out with the reason. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { apacheAvailable } from '@lightkeeper/testing'

/**
 * @typedef {{ name: string, version: string, command: readonly [string, ...string[]], env?: Record<string, string> }} Peer
 * @typedef {{ name: string, find(): Peer | string }} Lookup `find` returns the reason where this machine has no such client.
 */

const here = fileURLToPath(new URL('.', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache/clients/', import.meta.url))
const npmPeers = `${cache}npm`

/** @param {string} command @param {readonly string[]} args @param {import('node:child_process').SpawnSyncOptions} [options] */
const run = (command, args, options = {}) =>
  spawnSync(command, args, { timeout: 300_000, ...options, encoding: 'utf8' })
/** @param {{ stdout: string, stderr: string, error?: Error | undefined }} result */
const lastWords = ({ stdout, stderr, error }) =>
  error?.message ?? (`${stdout}${stderr}`.trim().split('\n').at(-1) ?? '').slice(0, 200)
/** @param {string} command */
export const has = (command) => run('sh', ['-c', `command -v ${command}`]).status === 0

/**
 * Compiles `source` where it is newer than the binary. @param {string} name @param {string} source
 * @returns {{ binary: string } | { reason: string }}
 */
export function compileC(name, source) {
  if (!has('cc')) return { reason: 'there is no C compiler' }
  mkdirSync(cache, { recursive: true })
  const binary = `${cache}${name}`
  const built = run('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, `${here}${source}`])
  return built.status === 0 ? { binary } : { reason: `cc failed: ${lastWords(built)}` }
}

/**
 * An npm package in exactly this version, in its own folder: none of them is a dependency of this project. @param {string} name
 * @param {string} version @param {string} driver @returns {Peer | string}
 */
function npmPeer(name, version, driver) {
  const folder = `${npmPeers}/node_modules/${name}`
  const isThere = () =>
    existsSync(`${folder}/package.json`) &&
    JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version === version
  if (!isThere()) {
    mkdirSync(npmPeers, { recursive: true })
    if (!existsSync(`${npmPeers}/package.json`)) writeFileSync(`${npmPeers}/package.json`, '{"private":true}\n')
    const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--save-exact', `${name}@${version}`]
    const installed = run('npm', args, { cwd: npmPeers })
    if (!isThere()) return `npm could not install it: ${lastWords(installed)}`
  }
  const loads = () => run(process.execPath, ['-e', `require(${JSON.stringify(folder)})`])
  // Where npm does not run scripts of packages, a native one must still be built.
  if (loads().status !== 0) run('npm', ['run', 'install'], { cwd: folder })
  const loaded = loads()
  if (loaded.status !== 0) return `it does not load: ${lastWords(loaded)}`
  return {
    name,
    version,
    command: [process.execPath, '--expose-gc', `${here}${driver}`],
    env: { PEERS: npmPeers },
  }
}

/** @type {readonly Lookup[]} */
export const lookups = [
  {
    name: 'lightkeeper',
    find: () => ({
      name: 'lightkeeper',
      version: JSON.parse(readFileSync(`${here}../../packages/client/package.json`, 'utf8')).version,
      command: [process.execPath, '--expose-gc', `${here}lightkeeper.mjs`],
    }),
  },
  {
    name: 'node-zookeeper-client',
    find: () => npmPeer('node-zookeeper-client', '1.1.3', 'node-zookeeper-client.mjs'),
  },
  { name: 'zookeeper', find: () => npmPeer('zookeeper', '7.3.0', 'zookeeper-binding.mjs') },
  {
    name: 'go-zookeeper',
    find() {
      if (!has('go')) return 'there is no go toolchain'
      mkdirSync(cache, { recursive: true })
      const binary = `${cache}go-driver`
      const built = run('go', ['build', '-o', binary, '.'], { cwd: `${here}go` })
      if (built.status !== 0) return `go build failed: ${lastWords(built)}`
      const version = /zk v(\S+)/.exec(readFileSync(`${here}go/go.mod`, 'utf8'))?.[1] ?? ''
      return { name: 'go-zookeeper', version, command: [binary] }
    },
  },
  {
    name: 'java',
    find() {
      const found = apacheAvailable('3.8')
      if (!found.available) return found.reason
      if (!has('javac')) return 'there is no javac'
      const classes = `${cache}java`
      mkdirSync(classes, { recursive: true })
      const classPath = `${classes}:${found.classPath}`
      const built = run('javac', ['-nowarn', '-d', classes, '-cp', classPath, `${here}Driver.java`])
      if (built.status !== 0) return `javac failed: ${lastWords(built)}`
      const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
      return { name: 'java', version: found.version, command: ['java', quiet, '-cp', classPath, 'Driver'] }
    },
  },
  {
    name: 'kazoo',
    find() {
      // The Debian package installs for the system's Python, which may not be the first one on the path.
      for (const python of ['/usr/bin/python3', 'python3']) {
        const asked = run(python, ['-c', 'import kazoo.version; print(kazoo.version.__version__)'])
        if (asked.status === 0)
          return { name: 'kazoo', version: asked.stdout.trim(), command: [python, `${here}driver.py`] }
      }
      return 'no python3 here can import kazoo (Debian package python3-kazoo)'
    },
  },
]
