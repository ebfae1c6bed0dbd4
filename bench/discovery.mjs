// @ts-check
/**
 * Ten thousand instances of one service in a discovery cache, in ours and in Curator's ServiceCache, each in its own process, on
 * the same server, in turn. `--help` lists the options.
 */
import { parseArgs } from 'node:util'
import { connect } from '@lightkeeper/client'
import { discovery } from '@lightkeeper/recipes'
import { librariesOf, machine, median, serverFor, start, table } from './curator/driver.mjs'

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- discovery [--instances N] [--rounds N] [--json]

--instances   in the service (default 10000)
--rounds      of each library, in turn; the table shows medians (default 3)
--json        the numbers for a program`)
  process.exit(0)
}
const [count, rounds] = [Number(values.instances), Number(values.rounds)]

const libraries = librariesOf({
  bench: 'discovery',
  needs: 'curator-x-discovery',
  java: 'Cache',
  javaOptions: ['-Xmx1g'],
  nodeOptions: ['--expose-gc'],
  say: console.error,
})
const server = await serverFor('discovery')

/**
 * One process: fills its cache, picks, and sees one more instance arrive.
 * @param {import('./curator/driver.mjs').Library} library @param {() => Promise<void>} add
 */
async function measure(library, add) {
  const driver = start(library, [server.hosts, String(count)])
  const filled = await driver.answer()
  const before = performance.now()
  await add()
  await driver.answer()
  const seenMs = performance.now() - before
  driver.end()
  return { ...filled, seenMs }
}

/** @type {Record<string, Record<string, number>[]>} */
const results = {}
try {
  const zk = await connect(server.hosts)
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
    for (const library of libraries) {
      const { name } = library
      const late = { name: 'users', id: `late-${name}-${round}`, address: '10.1.0.0', port: 8080 }
      /** @type {{ close(): Promise<void> } | undefined} */
      let added
      const measured = await measure(library, async () => {
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

/** @param {string} library @param {string} measure */
const medianOf = (library, measure) => median((results[library] ?? []).map((each) => each[measure] ?? Number.NaN))
const measures = /** @type {const} */ ([
  ['until the cache is full, ms', 'filledMs', 0],
  ['memory of the process more than before, MB', 'memoryMb', 0],
  ['a pick by weight, ns', 'pickNs', 0],
  ['a pick at random, ns', 'randomNs', 0],
  ['until one more is seen, ms', 'seenMs', 1],
])
if (values.json) console.log(JSON.stringify({ instances: count, rounds, results }, null, 2))
else {
  const names = libraries.map(({ name }) => name)
  const rows = measures.map(([title, key, digits]) => [
    title,
    ...names.map((name) => {
      const number = medianOf(name, key)
      return Number.isNaN(number) ? 'has none' : number.toLocaleString('en', { maximumFractionDigits: digits })
    }),
  ])
  console.log(table([`${count.toLocaleString('en')} instances`, ...names], rows))
  console.log(`\n${machine(server.version)}; ${rounds} rounds, medians.`)
}
process.exit(0)
