// @ts-check
/**
 * `npm run test:faults [-- --times N] [--target apache|ours|mixed]`: the fault matrix, N times in a row, on ensembles of Apache's servers
 * and on those of ours, on one kind of them, or on those that have servers of both; vitest gets the other arguments.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { optionsOf, refused } from './options.mjs'

const usage = 'npm run test:faults -- [--times N] [--target apache|ours|mixed] [file …]'
const { values, positionals } = optionsOf(usage, {
  options: { times: { type: 'string', default: '1' }, target: { type: 'string', default: '' } },
  allowPositionals: true,
})
if (!/^[1-9]\d*$/.test(values.times)) refused(usage, `--times must be a number, got ${values.times}`)
if (!['', 'apache', 'ours', 'mixed'].includes(values.target)) refused(usage, `no target "${values.target}"`)
const root = fileURLToPath(new URL('..', import.meta.url))
for (const script of [
  ['scripts/prepare.mjs'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults', ...positionals],
]) {
  const env = { ...process.env, FAULT_TIMES: values.times, FAULT_TARGET: values.target }
  const { status } = spawnSync(process.execPath, script, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) process.exit(1)
}
