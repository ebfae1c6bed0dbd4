// @ts-check
/**
 * Our recipes beside Curator's: each library in a process of its own, both against the same server, their rounds in turn, so that
 * whatever the machine does meanwhile hits both alike. `--help` tells the options.
 */
import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apache, apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'

/** What is measured: what a turn is, and with how many contenders, each on a connection of its own. */
const workloads = /** @type {const} */ ({
  'lock alone': { recipe: 'lock', contenders: 1, says: 'a mutex taken and released by one' },
  'lock contended': { recipe: 'lock', contenders: 8, says: 'a mutex taken and released by eight in turn' },
  'election alone': {
    recipe: 'election',
    contenders: 1,
    says: 'elected and resigned, by one; Curator with LeaderLatch',
  },
  'election contended': { recipe: 'election', contenders: 8, says: 'eight that are elected one after the other' },
  'read lock shared': { recipe: 'read-lock', contenders: 8, says: 'a read lock taken and released by eight at a time' },
  semaphore: { recipe: 'semaphore', contenders: 8, says: 'two leases, taken and returned by eight in turn' },
  'double barrier': { recipe: 'double-barrier', contenders: 1, says: 'a double barrier of one entered and left' },
  'persistent node': { recipe: 'persistent-node', contenders: 1, says: 'a persistent node made and closed' },
  'shared value': { recipe: 'shared-value', contenders: 1, says: 'a shared value set' },
})
/** @typedef {keyof typeof workloads} Workload */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const names = /** @type {Workload[]} */ (Object.keys(workloads))
if (values.help) {
  console.log(`npm run bench:recipes -- [--quick] [--rounds N] [--seconds N] [--only WORKLOAD]… [--json]

--quick     one round of a second each
--rounds    rounds of each measurement; medians are told (default 5)
--seconds   length of a round, as long again to warm up (default 3)
--only      a workload, or a part of its name; may be given more than once
--json      the numbers for a program

workloads   ${names.map((name) => `${name.padEnd(16)} ${workloads[name].says}`).join('\n            ')}`)
  process.exit(0)
}
const rounds = values.quick ? 1 : Number(values.rounds)
const seconds = values.quick ? 1 : Number(values.seconds)
const chosen = names.filter((name) => values.only.length === 0 || values.only.some((part) => name.includes(part)))
if (chosen.length === 0) {
  console.error(`bench:recipes: nothing here is called ${values.only.join(', ')}; see --help`)
  process.exit(2)
}
/** @param {string} text */
const say = (text) => (values.json ? console.error(text) : console.log(text))

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(file('../.cache/bench/recipes'))

/** @typedef {{ name: string, command: readonly [string, ...string[]] }} Library */
/** @type {Library[]} */
const libraries = [{ name: 'ours', command: [process.execPath, file('recipes/ours.mjs')] }]
const withoutCurator = javaMissing(['curator-recipes']) ?? compileJava(classPath, [file('recipes/Curator.java')])
if (withoutCurator === undefined) {
  libraries.push({ name: 'curator', command: ['java', '-Xmx512m', '-cp', classPath, 'Curator'] })
} else say(`Curator is left out, because ${withoutCurator}`)

/** A process that takes orders, one line each, and answers each with a line. @param {Library} library @param {string} hosts */
async function start({ name, command: [command, ...args] }, hosts) {
  const child = spawn(command, [...args, hosts], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** @returns {Promise<{ turns?: number }>} */
  const answer = async () => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`the driver of ${name} ended`)
      if (value.startsWith('{')) return JSON.parse(value)
    }
  }
  await answer()
  return {
    name,
    /** @param {string} order */
    async ask(order) {
      child.stdin.write(`${order}\n`)
      return (await answer()).turns ?? 0
    },
    end: () => child.kill('SIGKILL'),
  }
}

const found = apacheAvailable('3.8')
if (!found.available) {
  console.error(`bench:recipes needs an Apache ZooKeeper: ${found.reason}`)
  process.exit(1)
}
// The JVM as a server would run it; without a sync for each write, which would be all that is measured.
const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4']
const server = await apache({ version: '3.8', jvm, config: { 'zookeeper.forceSync': 'no', maxClientCnxns: 0 } })
/** Turns a second, of each round. @type {Record<string, Record<string, number[]>>} */
const results = {}
/** @type {Awaited<ReturnType<typeof start>>[]} */
const drivers = []
try {
  for (const library of libraries) drivers.push(await start(library, server.connectString))
  for (const name of chosen) {
    say(`${name}: ${workloads[name].says}`)
    const table = (results[name] = /** @type {Record<string, number[]>} */ ({}))
    // The server warms up too, and must not do so for one of them alone.
    for (const driver of drivers) await driver.ask(order(name, seconds, 0))
    for (let round = 0; round < rounds; round++) {
      for (const driver of drivers) {
        const turns = await driver.ask(order(name, seconds, seconds / 10))
        ;(table[driver.name] ??= []).push(turns / seconds)
        say(`  ${driver.name.padEnd(10)} ${Math.round(turns / seconds).toLocaleString('en')} turns a second`)
      }
    }
  }
} finally {
  for (const driver of drivers) driver.end()
  await server.close()
}

/** @param {Workload} name @param {number} length @param {number} warmUp seconds, both */
function order(name, length, warmUp) {
  const { recipe, contenders } = workloads[name]
  return `${recipe} ${contenders} ${length} ${warmUp} /bench/${name.replaceAll(' ', '-')}`
}

/** @param {readonly number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
if (values.json) console.log(JSON.stringify({ rounds, seconds, results }, null, 2))
else {
  const head = ['turns a second', ...drivers.map(({ name }) => name)]
  const rows = chosen.map((name) => [
    name,
    ...drivers.map((driver) => Math.round(median(results[name]?.[driver.name] ?? [])).toLocaleString('en')),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  console.log(`\n${[line(head), rule, ...rows.map(line)].join('\n')}`)
  console.log(
    `\n${cpus()[0]?.model ?? 'an unknown processor'}, ${cpus().length} cores, Node ${process.version}; Apache ${found.version} without a sync for each write; ${rounds} rounds of ${seconds} s, medians.`,
  )
}
process.exit(0)
