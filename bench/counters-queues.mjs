// @ts-check
/**
 * Counters and queues, ours and Curator's: each library in its own process, on the same server, in turn. `--help` lists the
 * options.
 */
import { parseArgs } from 'node:util'
import { librariesOf, machine, median, serverFor, start, table } from './curator/driver.mjs'

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
  console.log('npm run bench -- counters-queues [--seconds N] [--items N] [--rounds N] [--json]')
  process.exit(0)
}
const [seconds, items, rounds] = [Number(values.seconds), Number(values.items), Number(values.rounds)]

/** What is measured: the order that measures it, and the index of the number in the answer. */
const measures = /** @type {const} */ ([
  ['increments, one by one', `counter 1 ${seconds}`, 'increments'],
  ['increments, 8 at once', `counter 8 ${seconds}`, 'increments'],
  ['put, pipelined', `queue ${items}`, 'puts'],
  ['take and done', `queue ${items}`, 'takes'],
])
const libraries = librariesOf({
  bench: 'counters-queues',
  needs: 'curator-recipes',
  java: 'Load',
  javaOptions: [],
  say: console.error,
})
const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC']
const server = await serverFor('counters-queues', jvm)
/** Operations a second in each round, by library and by measurement. @type {Record<string, Record<string, number[]>>} */
const results = {}
try {
  for (let round = 0; round < rounds; round++) {
    for (const library of libraries) {
      const driver = start(library, [server.hosts])
      await driver.answer()
      /** @type {Record<string, Record<string, number>>} */
      const answers = {}
      for (const [, order] of measures) answers[order] ??= await driver.ask(order)
      driver.end()
      const own = (results[library.name] ??= {})
      for (const [what, order, field] of measures) (own[what] ??= []).push(answers[order]?.[field] ?? Number.NaN)
    }
  }
} finally {
  await server.close()
}
if (values.json) console.log(JSON.stringify({ rounds, seconds, items, results }, null, 2))
else {
  const names = libraries.map(({ name }) => name)
  const rows = measures.map(([what]) => [
    what,
    ...names.map((name) => Math.round(median(results[name]?.[what] ?? [])).toLocaleString('en')),
  ])
  console.log(table(['operations a second', ...names], rows))
  console.log(`\n${machine(server.version)}; ${rounds} rounds, medians.`)
}
process.exit(0)
