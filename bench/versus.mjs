// @ts-check
/** The same pipelined load on our server, on Apache ZooKeeper and on a bare echo, in one run. `--help` lists the options. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { listening } from './support/process.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    version: { type: 'string', default: '3.8' },
    beside: { type: 'string' },
    durable: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(
    'npm run bench -- versus [--quick] [--seconds N] [--rounds N] [--only reads|writes|mixed] [--version 3.8|3.9] [--durable] [--json]\n' +
      '                        [--beside FOLDER]   beside the server of another checkout, built, in place of Apache',
  )
  process.exit(0)
}
const seconds = values.quick ? 1 : Number(values.seconds)
const rounds = values.quick ? 1 : Number(values.rounds)
const here = fileURLToPath(new URL('.', import.meta.url))
const shapes = [
  { connections: 1, window: 1 },
  ...(values.durable
    ? [
        { connections: 8, window: 1 },
        { connections: 8, window: 16 },
      ]
    : []),
  { connections: 1, window: 64 },
  { connections: 64, window: 1 },
  { connections: 64, window: 16 },
  { connections: 64, window: 64 },
]
const mixes = values.only !== undefined ? [values.only] : values.durable ? ['writes'] : ['reads', 'writes', 'mixed']

/** @typedef {{ name: string, port: number, echo?: boolean, close(): unknown }} Target */

/** @param {string} name @param {readonly string[]} args @param {boolean} echo @returns {Promise<Target>} */
async function child(name, args, echo) {
  return { name, echo, ...(await listening(process.execPath, args, 'ignore')) }
}

/** @param {Target} target @param {{ connections: number, window: number }} shape @param {string} mix */
function round(target, shape, mix) {
  const options = {
    port: target.port,
    echo: target.echo,
    ...shape,
    mix,
    seconds,
    warmUp: Math.min(1, seconds / 2),
    nodes: 1000,
    bytes: 100,
  }
  const result = spawnSync(process.execPath, [`${here}versus/load.mjs`, JSON.stringify(options)], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`load on ${target.name} failed: ${result.stdout}${result.stderr}`)
  return /** @type {{ perSecond: number, p50: number, p99: number }} */ (JSON.parse(result.stdout))
}

const found = apacheAvailable(values.version === '3.9' ? '3.9' : '3.8')
const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
// The same disk for all: the test kit also puts Apache's data into a temporary directory.
const where = values.durable ? ['--data-dir', join(dataDir, 'ours')] : ['--in-memory']
/** @param {string} name @param {string} checkout @param {readonly string[]} data */
const server = (name, checkout, data) =>
  child(
    name,
    [
      join(checkout, 'packages/cli/bin/lightkeeper.js'),
      ...['server', '--port', '0', ...data, '--set', 'maxClientCnxns=0'],
    ],
    false,
  )
/** @type {Target[]} */
const targets = [await server('ours', `${here}..`, where)]
if (values.beside !== undefined) {
  const data = values.durable ? ['--data-dir', join(dataDir, 'beside')] : where
  targets.push(await server('beside', values.beside, data))
} else if (!values.durable) targets.push(await child('echo', [`${here}versus/echo.mjs`, '100'], true))
if (values.beside !== undefined) {
  // One question at a time: the difference between the two.
} else if (!found.available) console.log(`Apache ZooKeeper is left out, because ${found.reason}`)
else {
  const version = values.version === '3.9' ? '3.9' : '3.8'
  // The JVM as a server would run it: no quick-start flags, a heap of a gigabyte.
  const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC']
  for (const [name, config] of /** @type {const} */ ([
    [`Apache ${found.version}`, {}],
    [`Apache ${found.version} forceSync=no`, { 'zookeeper.forceSync': 'no' }],
  ]).slice(0, values.durable ? 1 : 2)) {
    const server = await apache({ version, jvm, config })
    targets.push({ name, port: server.ports[0] ?? 0, close: () => server.close() })
  }
}

const rows = []
try {
  for (const mix of mixes) {
    for (const shape of shapes) {
      /** @type {Record<string, { perSecond: number, p50: number, p99: number }[]>} */
      const results = {}
      // In turn, so that other load on the machine affects all of them alike.
      for (let i = 0; i < rounds; i++)
        for (const target of targets) (results[target.name] ??= []).push(round(target, shape, mix))
      /** @param {string} name */
      const median = (name) => (results[name] ?? []).sort((a, b) => a.perSecond - b.perSecond)[Math.floor(rounds / 2)]
      rows.push({ mix, ...shape, results: Object.fromEntries(targets.map(({ name }) => [name, median(name)])) })
      if (!values.json) {
        const cells = targets.map(
          ({ name }) =>
            `${name} ${(median(name)?.perSecond ?? 0).toLocaleString('en')}/s (p99 ${(median(name)?.p99 ?? 0).toFixed(2)} ms)`,
        )
        const ratios = targets
          .filter(({ name }) => name !== 'ours')
          .map(
            ({ name }) => `${((median('ours')?.perSecond ?? 0) / (median(name)?.perSecond ?? 1)).toFixed(2)} × ${name}`,
          )
        console.log(
          `${mix.padEnd(6)} ${String(shape.connections).padStart(2)} conn × ${String(shape.window).padStart(2)}: ${cells.join(', ')}\n${' '.repeat(19)}ours is ${ratios.join(', ')}`,
        )
      }
    }
  }
} finally {
  for (const target of targets) await target.close()
  rmSync(dataDir, { recursive: true, force: true })
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  java: spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr?.split('\n')[0],
}
const how = values.durable
  ? 'Both sync every write to the same disk'
  : values.beside !== undefined
    ? 'Both keep data in memory only'
    : 'Ours keeps data in memory only; Apache writes its log, and without forceSync=no syncs it'
if (values.json) console.log(JSON.stringify({ machine, seconds, rounds, rows }, null, 2))
else
  console.log(
    `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.java}; ${rounds} rounds of ${seconds} s, medians. ${how}.`,
  )
process.exit(0)
