// @ts-check
/** `npm run test:conformance -- --target TARGET|apache|all [file …]`: the same cases against each server, or those of some files. */
import { spawnSync } from 'node:child_process'
import { optionsOf, refused } from './options.mjs'

const usage = 'npm run test:conformance -- [--target TARGET] [file …]'
const { values, positionals } = optionsOf(usage, {
  options: { target: { type: 'string', default: 'ours' } },
  allowPositionals: true,
})
const all = ['ours', 'ours-observer', 'ours-follower', 'ours-leading', 'apache-3.8', 'apache-3.9']
/** @type {Record<string, readonly string[]>} */
const groups = { apache: ['apache-3.8', 'apache-3.9'], all }
const targets = groups[values.target] ?? [values.target]
for (const target of targets) {
  if (!all.includes(target)) refused(usage, `no target "${target}"; there are ${all.join(', ')}, apache, all`)
  const env = { ...process.env, LIGHTKEEPER_TARGET: target }
  const script = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'conformance', ...positionals]
  const { status } = spawnSync(process.execPath, script, { stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
