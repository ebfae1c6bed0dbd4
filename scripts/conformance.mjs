// @ts-check
/** `npm run test:conformance -- --target TARGET|apache|all`: the same cases against each server. */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { target: { type: 'string', default: 'ours' } } })
const all = ['ours', 'ours-observer', 'ours-follower', 'ours-leading', 'apache-3.8', 'apache-3.9']
/** @type {Record<string, readonly string[]>} */
const groups = { apache: ['apache-3.8', 'apache-3.9'], all }
const targets = groups[values.target] ?? [values.target]
for (const target of targets) {
  if (!all.includes(target)) {
    console.error(`no target "${target}"; there are ${all.join(', ')}, apache, all`)
    process.exit(2)
  }
  const env = { ...process.env, LIGHTKEEPER_TARGET: target }
  const result = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'conformance'], {
    stdio: 'inherit',
    env,
  })
  if (result.status !== 0) process.exitCode = 1
}
