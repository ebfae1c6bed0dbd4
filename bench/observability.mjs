// @ts-check
/**
 * The cost of diagnostics channels: pipelined gets on one connection against the stub, without listeners, with a plain subscriber and
 * with OpenTelemetry, compared with a client without channels. All processes run from start to end and work in short turns, each
 * round in another order, so that other load on the machine affects all of them. `removed` is measured twice, which shows the noise.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isPinned, start, startClient, stubOrExit } from './support/stub.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '101' },
    seconds: { type: 'string', default: '0.15' },
  },
})
const rounds = values.quick ? 11 : Number(values.rounds)
const seconds = Number(values.seconds)

const variants = /** @type {const} */ ({
  removed: 'channels removed',
  'removed-again': 'channels removed, once more',
  nobody: 'no listener',
  subscriber: 'a subscriber that counts',
  context: 'an active span, client not instrumented',
  sampled: 'OpenTelemetry, 1 % sampled',
  opentelemetry: 'OpenTelemetry, all sampled',
})
/** @typedef {keyof typeof variants} Variant */
const names = /** @type {Variant[]} */ (Object.keys(variants))

const stubBinary = stubOrExit('observability')

const stub = start(stubBinary, ['100'])
const port = (await stub.line()).split(':').at(-1) ?? ''
const driver = fileURLToPath(new URL('clients/lightkeeper-observed.mjs', import.meta.url))

/** @param {Variant} variant */
const client = (variant) => startClient(variant, [driver, port, variant])

/** @param {readonly number[]} given */
function median(given) {
  const sorted = [...given].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** @type {Map<Variant, Awaited<ReturnType<typeof client>>>} */
const clients = new Map()
for (const name of names) clients.set(name, await client(name))
const gets = { command: 'pipelined', kind: 'get', window: 1000, seconds, warmUp: seconds / 3 }
for (const ask of clients.values()) {
  await ask({ command: 'prepare' })
  // Until the engine has optimized the code.
  await ask({ ...gets, seconds: 1 })
}
/** @type {Record<Variant, { perSecond: number, cpu: number }[]>} */
const results = {
  removed: [],
  'removed-again': [],
  nobody: [],
  subscriber: [],
  context: [],
  sampled: [],
  opentelemetry: [],
}
for (let round = 0; round < rounds; round++) {
  // Forwards and backwards in turn, so that each variant follows each of its neighbours half of the time.
  const turn = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  if (round % 2 === 1) turn.reverse()
  for (const name of turn) {
    const answer = await clients.get(name)?.(gets)
    results[name].push({ perSecond: answer?.['perSecond'], cpu: answer?.['cpuPerOpUs'] })
  }
}

const { version } = process
console.log(
  `${rounds} rounds of ${seconds} s, Node ${version.slice(1)}, ${isPinned ? 'a core each' : 'not pinned'}; medians\n`,
)
console.log('|  | gets/s | CPU a get, µs | of all rounds | beside removed, by round |')
console.log('| --- | ---: | ---: | ---: | ---: |')
for (const name of names) {
  const own = results[name]
  const cpu = own.map((each) => each.cpu)
  const ratio = median(own.map((each, i) => each.cpu / (results.removed[i]?.cpu ?? Number.NaN)))
  const beside = name === 'removed' ? '' : `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`
  const all = `${Math.min(...cpu).toFixed(2)}–${Math.max(...cpu).toFixed(2)}`
  const rate = Math.round(median(own.map((each) => each.perSecond))).toLocaleString('en')
  console.log(`| ${variants[name]} | ${rate} | ${median(cpu).toFixed(2)} | ${all} | ${beside} |`)
}
process.exit(0)
