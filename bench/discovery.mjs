// @ts-check
/**
 * Ten thousand instances of one service in a discovery cache: ours beside Curator's ServiceCache, each in a process of its own, on the
 * same server, in turn. `--help` tells the options.
 */
import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '@lightkeeper/client'
import { discovery } from '@lightkeeper/recipes'
import { apache, apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench:discovery -- [--instances N] [--rounds N] [--json]

--instances   in the service (default 10000)
--rounds      of each library, in turn; medians are told (default 3)
--json        the numbers for a program`)
  process.exit(0)
}
const [count, rounds] = [Number(values.instances), Number(values.rounds)]

/** @param {string} name */
const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const classPath = javaClassPath(file('../.cache/bench/discovery'))

/** @type {Record<string, readonly [string, ...string[]]>} */
const libraries = { ours: [process.execPath, '--expose-gc', file('discovery/ours.mjs')] }
const without = javaMissing(['curator-x-discovery']) ?? compileJava(classPath, [file('discovery/Cache.java')])
if (without === undefined) libraries['curator'] = ['java', '-Xmx1g', '-cp', classPath, 'Cache']
else console.error(`Curator is left out, because ${without}`)

const found = apacheAvailable('3.8')
if (!found.available) {
  console.error(`bench:discovery needs an Apache ZooKeeper: ${found.reason}`)
  process.exit(1)
}

/**
 * One process: fills its cache, picks, and is told of an instance that comes.
 * @param {readonly [string, ...string[]]} command @param {string} hosts @param {() => Promise<void>} add
 */
async function measure([command, ...args], hosts, add) {
  const child = spawn(command, [...args, hosts, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** @returns {Promise<Record<string, number>>} */
  const next = async () => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${command} ended`)
      if (value.startsWith('{')) return JSON.parse(value)
    }
  }
  const filled = await next()
  const before = performance.now()
  await add()
  await next()
  const seenMs = performance.now() - before
  child.kill('SIGKILL')
  return { ...filled, seenMs }
}

const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4']
const server = await apache({ version: '3.8', jvm, config: { 'zookeeper.forceSync': 'no', maxClientCnxns: 0 } })
/** @type {Record<string, Record<string, number>[]>} */
const results = {}
try {
  const zk = await connect(server.connectString)
  const services = discovery(zk)
  console.error(`registering ${count} instances`)
  for (let i = 0; i < count; i += 500) {
    const batch = Array.from({ length: Math.min(500, count - i) }, (_, j) => i + j)
    await Promise.all(
      batch.map((each) =>
        services.register({
          name: 'users',
          id: `users-${each}`,
          address: `10.0.${each >> 8}.${each & 255}`,
          port: 8080,
          weight: 1 + (each % 5),
        }),
      ),
    )
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(libraries)) {
      const late = { name: 'users', id: `late-${name}-${round}`, address: '10.1.0.0', port: 8080 }
      /** @type {{ close(): Promise<void> } | undefined} */
      let added
      const measured = await measure(command, server.connectString, async () => {
        added = await services.register(late)
      })
      await added?.close()
      ;(results[name] ??= []).push(measured)
      console.error(name, JSON.stringify(measured))
    }
  }
} finally {
  await server.close()
}

/** @param {readonly number[]} numbers */
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
/** @param {string} library @param {string} measure */
const of = (library, measure) => median((results[library] ?? []).map((each) => each[measure] ?? Number.NaN))
const told = /** @type {const} */ ([
  ['until the cache is full, ms', 'filledMs', 0],
  ['memory of the process more than before, MB', 'memoryMb', 0],
  ['a pick by weight, ns', 'pickNs', 0],
  ['a pick at random, ns', 'randomNs', 0],
  ['until one more is seen, ms', 'seenMs', 1],
])
if (values.json) console.log(JSON.stringify({ instances: count, rounds, results }, null, 2))
else {
  const names = Object.keys(libraries)
  const width = Math.max(...told.map(([title]) => title.length))
  /** @param {readonly string[]} cells */
  const row = ([title = '', ...cells]) =>
    `| ${title.padEnd(width)} | ${cells.map((cell) => cell.padStart(10)).join(' | ')} |`
  console.log(row([`${count.toLocaleString('en')} instances`, ...names]))
  console.log(`| ${'-'.repeat(width)} | ${names.map(() => `${'-'.repeat(9)}:`).join(' | ')} |`)
  for (const [title, key, digits] of told) {
    const cells = names.map((name) => {
      const number = of(name, key)
      return Number.isNaN(number) ? 'has none' : number.toLocaleString('en', { maximumFractionDigits: digits })
    })
    console.log(row([title, ...cells]))
  }
  console.log(
    `\n${cpus()[0]?.model ?? 'an unknown processor'}, ${cpus().length} cores, Node ${process.version}; Apache ${found.version}; ${rounds} rounds, medians.`,
  )
}
process.exit(0)
