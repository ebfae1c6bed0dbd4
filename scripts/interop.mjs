// @ts-check
/**
 * `npm run test:interop -- [--target TARGET|all] [--long] [--kills N] [file …]`: clients in other languages against each target: ours,
 * ours-observer (ours as an observer among three of Apache 3.9), ours-follower (a voter with two of them), ours-leading (a leader of two), apache-3.8 or apache-3.9.
 * `--kills` is the number of faults that a member of ours goes through in test/interop/ensemble, and of leaders killed there under load of
 * kazoo, Curator and our client.
 * With `--long` also what takes longer than CI may: all of kazoo's own tests, and more rounds of locks and of counters.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { optionsOf, refused } from './options.mjs'

const usage = 'npm run test:interop -- [--target TARGET|all] [--long] [--kills N] [file …]'
const { values, positionals } = optionsOf(usage, {
  options: {
    target: { type: 'string', default: process.env['LIGHTKEEPER_TARGET'] ?? 'ours' },
    long: { type: 'boolean' },
    kills: { type: 'string' },
  },
  allowPositionals: true,
})
const all = ['ours', 'ours-observer', 'ours-follower', 'ours-leading', 'apache-3.8', 'apache-3.9']
const targets = values.target === 'all' ? all : [values.target]
const root = fileURLToPath(new URL('..', import.meta.url))
for (const target of targets) {
  if (!all.includes(target)) refused(usage, `no target "${target}"; there are ${all.join(', ')}, all`)
  const long = values.long ? { INTEROP_LONG: 'yes', LOCK_ROUNDS: '200', PEER_ROUNDS: '2000' } : {}
  const kills = values.kills === undefined ? {} : { ENSEMBLE_KILLS: values.kills }
  const env = { ...process.env, ...long, ...kills, LIGHTKEEPER_TARGET: target }
  const script = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'interop', ...positionals]
  const { status } = spawnSync(process.execPath, script, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
