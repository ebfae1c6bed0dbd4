// @ts-check
/**
 * `npm run fuzz -- --server --frames N [--from SEED]` runs new stories of a whole server under clients that say anything until they
 * have sent N frames, makes those that end badly small, and prints the command that runs them again: `--server --seed SEED`.
 * `npm run fuzz [-- --seconds S]` runs every target of the lane `fuzz` for S seconds (default 60) with seeds of its own.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { optionsOf, refused } from './options.mjs'

const usage = 'npm run fuzz -- [--server --frames N [--from SEED] | --server --seed SEED | --seconds S]'
const { values } = optionsOf(usage, {
  options: {
    server: { type: 'boolean', default: false },
    frames: { type: 'string', default: '1000000' },
    from: { type: 'string' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
  },
})
for (const name of /** @type {const} */ (['frames', 'from', 'seed', 'seconds'])) {
  const text = values[name]
  if (text !== undefined && !/^\d+$/.test(text)) refused(usage, `--${name} must be a number, got ${text}`)
}
const args = values.server
  ? ['test/fuzz/server/', '--project', 'swarm', '--disable-console-intercept']
  : ['--project', 'fuzz']
const env = values.server
  ? {
      FUZZ_FRAMES: values.frames,
      FUZZ_FROM: values.seed ?? values.from ?? String(Date.now() % 1_000_000_000),
      FUZZ_ONE: values.seed === undefined ? '' : '1',
    }
  : { FUZZ_SECONDS: values.seconds }
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const run = spawnSync(process.execPath, [vitest, 'run', ...args], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, ...env },
})
process.exit(run.status ?? 1)
