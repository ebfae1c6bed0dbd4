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
  const lanes = existsSync(ofLanes) ? JSON.parse(readFileSync(ofLanes, 'utf8')) : []
  times.push([title, (Date.now() - begun) / 1000, lanes])
  rmSync(folder, { recursive: true, force: true })
  if (result.status === 0) return
  printTimes()
  const isSlow = result.error !== undefined && 'code' in result.error && result.error.code === 'ETIMEDOUT'
  console.error(`ci: ${title} ${isSlow ? `took longer than ${(budgetMs ?? 0) / 1000} s` : 'failed'}`)
  process.exit(1)
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
step('checks', ['npm', 'run', 'check'])
step('tests that need nothing', ['npm', 'test', '--', '--reporter=default', '--reporter=./scripts/lane-times.mjs'])
step('runtimes', ['node', 'scripts/runtimes.mjs'])
// Not through npm, which would die alone and leave the tests running.
const ofPackage = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'package']
step('the published package', ofPackage, { INTEROP: 'require' }, 240_000)
step('more seeds', ['npx', 'vitest', 'run', '--project', 'simulation', 'durability.test'], { SEEDS_TIMES: '4' })
// No test of this lane looks at a clock, so two files run at a time.
step('fuzz', ['npx', 'vitest', 'run', '--project', 'fuzz', '--maxWorkers=2'], { FUZZ_SECONDS: '20', FUZZ_SEED: '20' })
const hasNewest = existsSync(`${root}.cache/apache-3.9`)
if (!hasNewest) console.log('the lanes against Apache 3.9 are skipped, because Maven did not answer')
const apaches = ['apache-3.8', ...(hasNewest ? ['apache-3.9'] : [])]
for (const target of apaches) {
  const env = { LIGHTKEEPER_TARGET: target, INTEROP: 'require' }
  step(`conformance on ${target}`, ['npx', 'vitest', 'run', '--project', 'conformance'], env)
  step(`the client on ${target}`, ['npx', 'vitest', 'run', '--project', 'client'], env)
  step(`the recipes on ${target}`, ['npx', 'vitest', 'run', '--project', 'recipes'], env)
  step(`commands on ${target}`, ['npx', 'vitest', 'run', '--project', 'cli', 'test/cli/commands'], env, 120_000)
  step(`examples on ${target}`, ['npx', 'vitest', 'run', '--project', 'examples'], env)
}
if (hasNewest) {
  // The rest of the cases is for `npm run test:conformance -- --target ours-follower`.
  const cases = ['writes', 'watches', 'access'].map((name) => `test/conformance/${name}.test.ts`)
  const env = { LIGHTKEEPER_TARGET: 'ours-follower', INTEROP: 'require' }
  step('conformance on ours-follower', ['npx', 'vitest', 'run', '--project', 'conformance', ...cases], env, 180_000)
}
// Conformance tests the release that our server follows; only the client must know 3.5.
if (existsSync(`${root}.cache/apache-3.5`)) {
  const env = { LIGHTKEEPER_TARGET: 'apache-3.5', INTEROP: 'require' }
  step('the client on apache-3.5', ['npx', 'vitest', 'run', '--project', 'client'], env)
} else console.log('the lane of the client against Apache 3.5 is skipped, because Maven did not answer')
step('foreign clients', ['npx', 'vitest', 'run', '--project', 'interop'], { INTEROP: 'require' })
step('the console in a browser', ['npx', 'vitest', 'run', '--project', 'browser'], { INTEROP: 'require' }, 300_000)
step('faults', ['node', 'scripts/faults.mjs'], { INTEROP: 'require' })
printTimes()
