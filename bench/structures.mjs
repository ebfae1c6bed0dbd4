// @ts-check
/**
 * Counters and queues of ours and of Curator, in turn, against one Apache ZooKeeper that does not sync each write. `--help` tells
 * the options.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@lightkeeper/client'
import { counter, queue } from '@lightkeeper/recipes'
import { apache, apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    items: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run bench:structures -- [--seconds N] [--items N] [--rounds N] [--json]')
  process.exit(0)
}
const seconds = Number(values.seconds)
const items = Number(values.items)
const rounds = Number(values.rounds)
const found = apacheAvailable('3.8')
if (!found.available) {
  console.error(`there is nothing to measure on: ${found.reason}`)
  process.exit(1)
}

const classes = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
const classPath = javaClassPath(classes)
const source = fileURLToPath(new URL('structures/Load.java', import.meta.url))
const withoutCurator = javaMissing(['curator-recipes']) ?? compileJava(classPath, [source])
if (withoutCurator !== undefined) console.log(`Curator is left out: ${withoutCurator}`)

/** @typedef {Record<string, number>} Result operations a second, by what was measured */

/** @param {string} hosts @param {readonly string[]} args @returns {number[]} */
function curator(hosts, args) {
  const ran = spawnSync('java', ['-cp', classPath, 'Load', hosts, ...args], { encoding: 'utf8' })
  const line = ran.stdout.split('\n').find((each) => each.startsWith('result '))
  if (line === undefined) throw new Error(`Curator's load failed: ${ran.stdout}${ran.stderr}`)
  return line.split(' ').slice(1).map(Number)
}

/** @param {string} hosts @returns {Result} */
function curatorRound(hosts) {
  const [alone = 0] = curator(hosts, ['counter', '1', `${seconds}`])
  const [many = 0] = curator(hosts, ['counter', '8', `${seconds}`])
  const [put = 0, take = 0] = curator(hosts, ['queue', `${items}`])
  return {
    'increments, one by one': alone,
    'increments, 8 at once': many,
    'put, pipelined': put,
    'take and done': take,
  }
}

let rounded = 0

/** @param {string} hosts @returns {Promise<Result>} */
async function ourRound(hosts) {
  const zk = await connect(hosts)
  try {
    return await measure(zk)
  } finally {
    await zk.close()
  }
}

/** @param {import('@lightkeeper/client').Client} zk @returns {Promise<Result>} */
async function measure(zk) {
  const base = /** @type {const} */ (`/ours-${rounded++}`)
  const now = () => performance.now()
  /** @param {number} parties */
  const counting = async (parties) => {
    const n = counter(zk, `${base}/n${parties}`)
    let done = 0
    for (const ms of [1_000, seconds * 1_000]) {
      const until = now() + ms
      done = 0
      await Promise.all(
        Array.from({ length: parties }, async () => {
          for (; now() < until; done++) await n.increment()
        }),
      )
    }
    return done / seconds
  }
  const alone = await counting(1)
  const many = await counting(8)
  const body = new Uint8Array(100)
  /** @param {string} name @param {number} count */
  const queued = async (name, count) => {
    const q = queue(zk, /** @type {const} */ (`${base}/${name}`))
    let start = now()
    await Promise.all(Array.from({ length: count }, () => q.put(body)))
    const put = (count / (now() - start)) * 1_000
    start = now()
    // As Curator's consumer: each item is done before the next is taken.
    for (let i = 0; i < count; i++) await (await q.take()).done()
    const take = (count / (now() - start)) * 1_000
    return { put, take }
  }
  await queued('warm', items / 4)
  const { put, take } = await queued('q', items)
  return {
    'increments, one by one': alone,
    'increments, 8 at once': many,
    'put, pipelined': put,
    'take and done': take,
  }
}

const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC']
const server = await apache({ version: '3.8', jvm, config: { 'zookeeper.forceSync': 'no' } })
/** @type {{ ours: Result[], curator: Result[] }} */
const results = { ours: [], curator: [] }
try {
  for (let i = 0; i < rounds; i++) {
    results.ours.push(await ourRound(server.connectString))
    if (withoutCurator === undefined) results.curator.push(curatorRound(server.connectString))
  }
} finally {
  await server.close()
  rmSync(classes, { recursive: true, force: true })
}
/** @param {readonly Result[]} of @param {string} what */
const median = (of, what) => of.map((each) => each[what] ?? 0).sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, server: found.version }
if (values.json) console.log(JSON.stringify({ machine, results }))
else {
  for (const what of Object.keys(results.ours[0] ?? {})) {
    const ours = median(results.ours, what)
    const theirs = median(results.curator, what)
    const beside =
      theirs === 0 ? '' : `  Curator ${Math.round(theirs).toLocaleString('en')}  ${(ours / theirs).toFixed(1)} ×`
    console.log(`${what.padEnd(24)} ours ${Math.round(ours).toLocaleString('en')}${beside}`)
  }
  console.log(
    `${machine.cores} × ${machine.cpu}, Node ${machine.node}, Apache ${machine.server}, forceSync=no; a second`,
  )
}
