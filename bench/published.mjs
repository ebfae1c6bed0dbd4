// @ts-check
/**
 * The published client, imported and required: what the start costs, and pipelined gets and sets against the stub. Beside it the same code
 * as an ES module of its own, which is what an import would load if the package had two builds. All clients work in short turns, each
 * round in another order, so that other load on the machine affects all of them.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundlingOf, packAll } from '../scripts/pack.mjs'
import { codeOf } from '../scripts/packing/bundle.mjs'
import { isPinned, start, startClient, stubOrExit } from './support/stub.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '51' },
    seconds: { type: 'string', default: '0.15' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run bench -- published [--quick] [--rounds N] [--seconds N]')
  process.exit(0)
}
const rounds = values.quick ? 11 : Number(values.rounds)
const seconds = Number(values.seconds)

const stubBinary = stubOrExit('published')

// -- what is compared -----------------------------------------------------------------------------------------------------

const folder = fileURLToPath(new URL('../.cache/published', import.meta.url))
await packAll(folder, ['client'])
const dist = join(folder, 'client/dist')
const code = await codeOf(bundlingOf('client', join(folder, 'client')))
await code.write({ dir: join(folder, 'esm'), format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
await code.close()

const variants = /** @type {const} */ ({
  import: { says: 'imported', source: `import ${JSON.stringify(join(dist, 'index.js'))}`, ending: 'mjs' },
  require: { says: 'required', source: `require(${JSON.stringify(join(dist, 'index.cjs'))})`, ending: 'cjs' },
  esm: {
    says: 'as an ES module of its own',
    source: `import ${JSON.stringify(join(folder, 'esm/index.mjs'))}`,
    ending: 'mjs',
  },
})
/** @typedef {keyof typeof variants} Variant */
const names = /** @type {Variant[]} */ (Object.keys(variants))

/** Programs that load a module and end, and one that loads nothing. @type {Record<Variant | 'nothing', string>} */
const programs = { nothing: program('nothing.cjs', ''), import: '', require: '', esm: '' }
for (const name of names) programs[name] = program(`${name}.${variants[name].ending}`, variants[name].source)

/** @param {string} name @param {string} source */
function program(name, source) {
  const file = join(folder, name)
  writeFileSync(file, `${source}\nconst { user, system } = process.cpuUsage()\nconsole.log((user + system) / 1000)\n`)
  return file
}

/** Milliseconds of CPU of a process that loads a module. Other load on the machine hardly changes them. @param {string} file */
function startMs(file) {
  const { status, stdout } = isPinned
    ? spawnSync('taskset', ['-c', '1', process.execPath, file], { encoding: 'utf8' })
    : spawnSync(process.execPath, [file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ended with ${status}`)
  return Number(stdout)
}

// -- the rounds -----------------------------------------------------------------------------------------------------------

/** @type {Record<Variant | 'nothing', number[]>} */
const starts = { nothing: [], import: [], require: [], esm: [] }
const stub = start(stubBinary, ['100'])
const port = (await stub.line()).split(':').at(-1) ?? ''
const driver = fileURLToPath(new URL('clients/lightkeeper-published.mjs', import.meta.url))

/** @param {Variant} variant */
function client(variant) {
  const file = { import: 'client/dist/index.js', require: 'client/dist/index.cjs', esm: 'esm/index.mjs' }[variant]
  return startClient(variant, [driver, port, join(folder, file)])
}

/** @type {Map<Variant, Awaited<ReturnType<typeof client>>>} */
const clients = new Map()
for (const name of names) clients.set(name, await client(name))
/** @param {'get' | 'set'} kind @param {number} length */
const order = (kind, length) => ({ command: 'pipelined', kind, window: 1000, seconds: length, warmUp: length / 3 })
for (const ask of clients.values()) {
  await ask({ command: 'prepare' })
  // Until the engine has optimized the code.
  for (const kind of /** @type {const} */ (['get', 'set'])) await ask(order(kind, 1))
}

/** @typedef {{ perSecond: number, cpu: number }} Rate */
/** @type {Record<Variant, { get: Rate[], set: Rate[] }>} */
const rates = { import: { get: [], set: [] }, require: { get: [], set: [] }, esm: { get: [], set: [] } }
for (let round = 0; round < rounds; round++) {
  // Forwards and backwards in turn, so that each variant follows each of its neighbours half of the time.
  const turn = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  if (round % 2 === 1) turn.reverse()
  for (const name of turn) {
    for (const kind of /** @type {const} */ (['get', 'set'])) {
      const { perSecond, cpuPerOpUs } = (await clients.get(name)?.(order(kind, seconds))) ?? {}
      rates[name][kind].push({ perSecond, cpu: cpuPerOpUs })
    }
  }
  for (const name of /** @type {const} */ (['nothing', ...turn])) starts[name].push(startMs(programs[name]))
}

// -- the table ------------------------------------------------------------------------------------------------------------

/** @param {readonly number[]} given */
const median = (given) => [...given].sort((a, b) => a - b)[given.length >> 1] ?? Number.NaN
/** @param {readonly Rate[]} given @param {keyof Rate} field @param {number} digits */
const shown = (given, field, digits) =>
  median(given.map((each) => each[field])).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })

const pinned = isPinned ? 'a core each' : 'not pinned'
console.log(`${rounds} rounds of ${seconds} s, Node ${process.version.slice(1)}, ${pinned}; medians\n`)
console.log('| the client | CPU of a start, ms | gets/s | CPU a get, µs | sets/s | CPU a set, µs |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
console.log(`| none: an empty program | ${median(starts.nothing).toFixed(1)} | | | | |`)
for (const name of names) {
  const { get, set } = rates[name]
  const cells = [shown(get, 'perSecond', 0), shown(get, 'cpu', 2), shown(set, 'perSecond', 0), shown(set, 'cpu', 2)]
  console.log(`| ${variants[name].says} | ${median(starts[name]).toFixed(1)} | ${cells.join(' | ')} |`)
}
process.exit(0)
