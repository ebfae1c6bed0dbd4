// @ts-check
/**
 * What CI runs: the peers, every check, every test that needs only Node, then the lanes that need peers; these peers must be
 * installed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const started = Date.now()
/** @type {[title: string, seconds: number, lanes: import('./lane-times.mjs').LaneTime[]][]} */
const times = []
/** Files that failed once and passed when they ran again. Each is a fault of the test or of what it tests: look for it. @type {string[]} */
const unsteady = []
/** More failed files in one step are no accident of a slow machine. */
const mostAgain = 2
// Not through npm, which would die alone and leave the tests running.
const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run']
const reporters = ['--reporter=default', '--reporter=./scripts/lane-times.mjs']
/** @param {string} project @param {string[]} args */
const tests = (project, ...args) => [...vitest, ...reporters, '--project', project, ...args]

/** Prints how long each step took, and the sum of the files of each of its lanes where it has several. */
function printTimes() {
  console.log(`\n== times (${Math.round((Date.now() - started) / 1000)} s)`)
  for (const [title, seconds, lanes] of times) {
    console.log(`${seconds.toFixed(0).padStart(5)} s  ${title}`)
    for (const { lane, files, seconds: sum, slowest, slowestSeconds } of lanes.toSorted(
      (a, b) => b.seconds - a.seconds,
    ))
      console.log(
        `         ${lane}: ${sum.toFixed(0)} s in ${files} files, ${slowestSeconds.toFixed(0)} s of them in ${slowest}`,
      )
  }
  for (const each of unsteady) console.log(`UNSTEADY: ${each} failed and passed when it ran again`)
}

/**
 * @param {string} title
 * @param {string[]} command
 * @param {Record<string, string>} [env]
 * @param {number} [budgetMs] a step that takes longer is stopped and has failed
 */
function step(title, [name = '', ...args], env = {}, budgetMs) {
  console.log(`\n== ${title} (${Math.round((Date.now() - started) / 1000)} s)`)
  const begun = Date.now()
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-ci-'))
  const ofLanes = join(folder, 'lanes.json')
  const result = spawnSync(name, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env, LANE_TIMES: ofLanes },
    timeout: budgetMs,
  })
  /** @type {import('./lane-times.mjs').LaneReport} */
  const { lanes, failed, isTold } = existsSync(ofLanes)
    ? JSON.parse(readFileSync(ofLanes, 'utf8'))
    : { lanes: [], failed: [], isTold: false }
  rmSync(folder, { recursive: true, force: true })
  const passed = result.status === 0 || (result.status !== null && isTold && passAgain(title, failed, env))
  times.push([title, (Date.now() - begun) / 1000, lanes])
  if (passed) return
  printTimes()
  const isSlow = result.error !== undefined && 'code' in result.error && result.error.code === 'ETIMEDOUT'
  console.error(`ci: ${title} ${isSlow ? `took longer than ${(budgetMs ?? 0) / 1000} s` : 'failed'}`)
  process.exit(1)
}

/**
 * Runs failed files once more. A file with a real fault fails again; a seed gives the same run each time.
 * @param {string} title
 * @param {import('./lane-times.mjs').FailedFile[]} failed
 * @param {Record<string, string>} env
 */
function passAgain(title, failed, env) {
  if (failed.length === 0 || failed.length > mostAgain) return false
  for (const { lane, file } of failed) {
    console.log(`\n== ${title}: ${file} failed and runs once more`)
    const { status } = spawnSync(process.execPath, [...vitest.slice(1), '--project', lane, file], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
      timeout: 300_000,
    })
    if (status !== 0) return false
    unsteady.push(`${file} (${title})`)
  }
  return true
}

step('npm ci and build', ['node', 'scripts/prepare.mjs', '--install', '--force'])
for (const platform of [
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 'arm64', 'glibc'],
  ['linux', 'x64', 'musl'],
]) {
  const [os, cpu, libc] = platform
  const args = [`--os=${os}`, `--cpu=${cpu}`, ...(libc === undefined ? [] : [`--libc=${libc}`])]
  step(`npm ci would pass on ${platform.join(' ')}`, ['npm', 'ci', '--dry-run', '--loglevel=error', ...args])
}
step('the documentation site', ['npm', 'run', 'docs'], {}, 90_000)
step('peers', ['node', 'scripts/peers.mjs'])
// All of `npm run check` but its tests, which run with the others.
/** @type {{ scripts: { check: string } }} */
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
for (const check of scripts.check.split(' && '))
  if (!check.startsWith('vitest ')) step(check, ['npm', 'exec', '--call', check])
step('tests that need nothing', ['npm', 'test', '--', ...reporters])
step('runtimes', ['node', 'scripts/runtimes.mjs'])
step('the published package', tests('package'), { INTEROP: 'require' }, 300_000)
step('more seeds', tests('simulation', 'durability.test'), { SEEDS_ROUND: '2' })
// No test of this lane looks at a clock, so two files run at a time.
step('fuzz', tests('fuzz', '--maxWorkers=2'), { FUZZ_SECONDS: '10', FUZZ_SEED: '20' })
const hasNewest = existsSync(`${root}.cache/apache-3.9`)
if (!hasNewest) console.log('the lanes against Apache 3.9 are skipped, because Maven did not answer')
const apaches = ['apache-3.8', ...(hasNewest ? ['apache-3.9'] : [])]
for (const target of apaches) {
  const env = { LIGHTKEEPER_TARGET: target, INTEROP: 'require' }
  step(`conformance on ${target}`, tests('conformance'), env)
  step(`the client on ${target}`, tests('client'), env)
  step(`the recipes on ${target}`, tests('recipes'), env)
  step(`commands on ${target}`, tests('cli', 'test/cli/commands'), env, 120_000)
  step(`examples on ${target}`, tests('examples'), env)
}
if (hasNewest) {
  // The rest of the cases is for `npm run test:conformance -- --target ours-follower`.
  const cases = ['writes', 'watches', 'access'].map((name) => `test/conformance/${name}.test.ts`)
  const env = { LIGHTKEEPER_TARGET: 'ours-follower', INTEROP: 'require' }
  step('conformance on ours-follower', tests('conformance', ...cases), env, 180_000)
}
// Conformance tests the release that our server follows; only the client must know 3.5.
if (existsSync(`${root}.cache/apache-3.5`)) {
  const env = { LIGHTKEEPER_TARGET: 'apache-3.5', INTEROP: 'require' }
  step('the client on apache-3.5', tests('client'), env)
} else console.log('the lane of the client against Apache 3.5 is skipped, because Maven did not answer')
step('foreign clients', tests('interop'), { INTEROP: 'require' })
const amongApaches = ['observer', 'follower', 'leading', 'faults'].map(
  (name) => `test/interop/ensemble/${name}.test.ts`,
)
const oldest = { INTEROP: 'require', ENSEMBLE_VERSION: '3.8' }
step('members of ours among those of Apache 3.8', tests('interop', ...amongApaches), oldest, 240_000)
step('the console in a browser', tests('browser'), { INTEROP: 'require' }, 300_000)
step('faults', ['node', 'scripts/faults.mjs', '--target', 'apache', '--', ...reporters], { INTEROP: 'require' })
// All of them on an ensemble of ours take as long again: --target ours has them, and --target mixed those on both kinds together.
const killed = 'three servers of ours the (leader|follower) is killed and restarted'
const ofOurs = ['--target', 'ours', '--', ...reporters, 'test/faults/faults.test.ts', '-t', killed]
step('faults on three of ours', ['node', 'scripts/faults.mjs', ...ofOurs], { INTEROP: 'require' }, 120_000)
printTimes()
