// @ts-check
/**
 * `npm run simulate -- --seed N [--failing-disk|--rot] [--trace]` runs one story again. `npm run simulate -- --swarm --minutes M` runs
 * new stories until the time has passed, and prints the command that repeats a bad one. `--zab` does the same with the machines of
 * an ensemble instead of a server and its clients, `--ensemble` with whole members and their clients, `--linearizability` with histories
 * of calls that must be linearizable; with it `--histories N` ends the swarm after so many.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { optionsOf, refused } from './options.mjs'

const usage = `npm run simulate -- --seed N [--failing-disk|--rot|--zab|--ensemble|--linearizability] [--trace]
       npm run simulate -- --swarm --minutes M [--zab|--ensemble|--linearizability [--histories N]] [--from SEED]`
const { values } = optionsOf(usage, {
  options: {
    seed: { type: 'string' },
    trace: { type: 'boolean' },
    'failing-disk': { type: 'boolean' },
    rot: { type: 'boolean' },
    zab: { type: 'boolean' },
    ensemble: { type: 'boolean' },
    linearizability: { type: 'boolean' },
    histories: { type: 'string' },
    swarm: { type: 'boolean' },
    minutes: { type: 'string', default: '5' },
    from: { type: 'string' },
  },
})
const isNumber = (/** @type {string | undefined} */ text) => text !== undefined && /^\d+(\.\d+)?$/.test(text)
if (!values.swarm && !isNumber(values.seed)) refused(usage, 'a --seed, or --swarm, says what to run')
if (values.swarm && !isNumber(values.minutes)) refused(usage, `--minutes must be a number, got ${values.minutes}`)
const from = values.from ?? String(Date.now() % 1_000_000_000)
const env = values.swarm
  ? { SWARM_MINUTES: values.minutes, SWARM_FROM: from, ...(values.histories && { SWARM_HISTORIES: values.histories }) }
  : {
      SEED: values.seed,
      STORY: values['failing-disk'] ? 'failing-disk' : values.rot ? 'rot' : '',
      TRACE: values.trace ? '1' : '',
    }
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const kind = /** @type {const} */ (['zab', 'ensemble', 'linearizability']).find((each) => values[each]) ?? 'durability'
const folder = `test/simulation/${kind}/`
const run = spawnSync(process.execPath, [vitest, 'run', folder, '--project', 'swarm', '--disable-console-intercept'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, ...env },
})
process.exit(run.status ?? 1)
