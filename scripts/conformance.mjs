// @ts-check
/** `npm run test:conformance -- --target ours|ours-observer|apache-3.8|apache-3.9|apache|all`: the same cases against each server. */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { target: { type: 'string', default: 'ours' } } })
/** @type {Record<string, readonly string[]>} */
const groups = { apache: ['apache-3.8', 'apache-3.9'], all: ['ours', 'ours-observer', 'apache-3.8', 'apache-3.9'] }
const targets = groups[values.target] ?? [values.target]
for (const target of targets) {
  if (!['ours', 'ours-observer', 'apache-3.8', 'apache-3.9'].includes(target)) {
    console.error(`no target "${target}"; there are ours, ours-observer, apache-3.8, apache-3.9, apache, all`)
    process.exit(2)
  }
  const env = { ...process.env, LIGHTKEEPER_TARGET: target }
  const result = spawnSync('npx', ['vitest', 'run', '--project', 'conformance'], { stdio: 'inherit', env })
  if (result.status !== 0) process.exitCode = 1
}
