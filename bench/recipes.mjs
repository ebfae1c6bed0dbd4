// @ts-check
/**
 * Our recipes and Curator's: each library in its own process, both against the same server, in turn, so that other load on the
 * machine affects both alike. `--help` lists the options.
 */
import { parseArgs } from 'node:util'
import { librariesOf, machine, median, serverFor, start, table } from './curator/driver.mjs'

/** The workloads: the meaning of a turn, and the number of contenders, each with its own connection. */
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
  console.log(`npm run bench -- recipes [--quick] [--rounds N] [--seconds N] [--only WORKLOAD]… [--json]

--quick     one round of a second each
--rounds    rounds of each measurement; the table shows medians (default 5)
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
  console.error(`bench recipes: there is nothing called ${values.only.join(', ')}; see --help`)
  process.exit(2)
}
/** @param {string} text */
const say = (text) => (values.json ? console.error(text) : console.log(text))

const libraries = librariesOf({
  bench: 'recipes',
  needs: 'curator-recipes',
  java: 'Curator',
  javaOptions: ['-Xmx512m'],
  say,
})
const server = await serverFor('recipes')
/** Turns a second, of each round. @type {Record<string, Record<string, number[]>>} */
const results = {}
const drivers = libraries.map((library) => start(library, [server.hosts]))
try {
  // The first answer says that the driver is connected.
  for (const driver of drivers) await driver.answer()
  for (const name of chosen) {
    say(`${name}: ${workloads[name].says}`)
    const rates = (results[name] = /** @type {Record<string, number[]>} */ ({}))
    // The server warms up too, and must not do so for only one of them.
    for (const driver of drivers) await driver.ask(order(name, seconds, 0))
    for (let round = 0; round < rounds; round++) {
      for (const driver of drivers) {
        const { turns = 0 } = await driver.ask(order(name, seconds, seconds / 10))
        ;(rates[driver.name] ??= []).push(turns / seconds)
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

if (values.json) console.log(JSON.stringify({ rounds, seconds, results }, null, 2))
else {
  const rows = chosen.map((name) => [
    name,
    ...drivers.map((driver) => Math.round(median(results[name]?.[driver.name] ?? [])).toLocaleString('en')),
  ])
  console.log(`\n${table(['turns a second', ...drivers.map(({ name }) => name)], rows)}`)
  console.log(`\n${machine(server.version)}; ${rounds} rounds of ${seconds} s, medians.`)
}
process.exit(0)
