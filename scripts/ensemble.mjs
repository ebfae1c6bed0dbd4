// @ts-check
/**
 * `npm run test:ensemble [-- --all] [--only LANE]`: every lane about ensembles, one after the other. Without `--all` what CI runs of
 * them; with it the long form of each, which takes hours. A lane that fails does not stop the others. Ends with a summary.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { optionsOf, refused } from './options.mjs'

const usage =
  'npm run test:ensemble -- [--all] [--only model|story|linearizability|interop|faults|conformance|users] [--minutes M] [--histories N] [--kills N]'
const { values } = optionsOf(usage, {
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    minutes: { type: 'string', default: '10' },
    histories: { type: 'string', default: '200' },
    kills: { type: 'string', default: '100' },
  },
})
const { all, only, minutes, histories, kills } = values
const root = fileURLToPath(new URL('..', import.meta.url))
/** @param {string} project @param {string[]} files */
const tests = (project, ...files) => ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...files]

/** @type {readonly { lane: string, title: string, isLong?: boolean, script: string[], env?: Record<string, string> }[]} */
const lanes = [
  {
    lane: 'model',
    title: 'the machines alone: scenarios, schedules, planted bugs',
    script: tests('simulation', 'test/simulation/zab'),
  },
  {
    lane: 'story',
    title: 'whole members and their clients in a simulated world, and planted bugs',
    script: tests('simulation', 'test/simulation/ensemble'),
    env: all ? { PLANTED: 'all', SEEDS_TIMES: '20' } : {},
  },
  {
    lane: 'linearizability',
    title: 'histories in a simulated world',
    script: tests('simulation', 'test/simulation/linearizability'),
    env: all ? { PLANTED: 'all' } : {},
  },
  {
    lane: 'model',
    title: `${minutes} min of new schedules`,
    isLong: true,
    script: ['scripts/simulate.mjs', '--swarm', '--zab', '--minutes', minutes],
  },
  {
    lane: 'story',
    title: `${minutes} min of new stories`,
    isLong: true,
    script: ['scripts/simulate.mjs', '--swarm', '--ensemble', '--minutes', minutes],
  },
  {
    lane: 'linearizability',
    title: `${histories} new histories`,
    isLong: true,
    script: ['scripts/simulate.mjs', '--swarm', '--linearizability', '--minutes', '600', '--histories', histories],
  },
  {
    lane: 'linearizability',
    title: `${histories} histories on three of ours, and on two of Apache with one of ours`,
    isLong: true,
    script: tests('interop', 'test/interop/ensemble/linearizability.test.ts'),
    env: { LINEAR_HISTORIES: histories },
  },
  {
    lane: 'interop',
    title: 'members of ours among those of Apache',
    script: tests('interop', 'test/interop/ensemble'),
    env: all ? { INTEROP_LONG: 'yes', ENSEMBLE_KILLS: kills } : {},
  },
  ...['ours', 'mixed'].map((target) => ({
    lane: 'faults',
    title: `the fault matrix on ${target === 'ours' ? 'three of ours' : 'two of Apache and one of ours, and on one and two'}`,
    script: ['scripts/faults.mjs', '--target', target],
    isLong: true,
  })),
  ...['ours-observer', 'ours-follower', 'ours-leading'].map((target) => ({
    lane: 'conformance',
    title: `the cases on ${target}`,
    script: ['scripts/conformance.mjs', '--target', target],
    isLong: true,
  })),
  ...['client', 'recipes', 'examples'].map((project) => ({
    lane: 'users',
    title: `${project} on three of ours`,
    script: tests(project),
    env: { LIGHTKEEPER_TARGET: 'ours-ensemble' },
    isLong: true,
  })),
]

const known = [...new Set(lanes.map(({ lane }) => lane))]
const isNumber = (/** @type {string} */ text) => /^[1-9]\d*$/.test(text)
for (const each of only ?? []) {
  if (!known.includes(each)) refused(usage, `no lane "${each}"; there are ${known.join(', ')}`)
}
for (const [name, value] of Object.entries({ minutes, histories, kills })) {
  if (!isNumber(value)) refused(usage, `--${name} must be a number, got ${value}`)
}

/** @type {string[]} */
const summary = []
for (const { lane, title, isLong = false, script, env = {} } of lanes) {
  if ((only !== undefined && !only.includes(lane)) || (isLong && !all)) continue
  console.log(`\n== ${lane}: ${title}`)
  const begun = Date.now()
  const { status } = spawnSync(process.execPath, script, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  const seconds = Math.round((Date.now() - begun) / 1000)
  summary.push(`${status === 0 ? 'passed' : 'FAILED'} ${`${seconds}`.padStart(6)} s  ${lane}: ${title}`)
  if (status !== 0) process.exitCode = 1
}
console.log(`\n== ensembles\n${summary.join('\n')}`)
