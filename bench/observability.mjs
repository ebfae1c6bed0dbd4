// @ts-check
/**
 * What it costs to be observed: pipelined gets on one connection against the stub, with nobody who listens to the client, with a
 * plain subscriber and with OpenTelemetry, beside a client that could not be listened to. All processes live from start to end
 * and work in short turns, each round in another order, so that what else the machine does hits all of them; `removed` is there
 * twice, which tells the noise.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileC, has } from './clients/peers.mjs'

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
  nobody: 'nobody listens',
  subscriber: 'a subscriber that counts',
  context: 'an active span, client not instrumented',
  sampled: 'OpenTelemetry, 1 % sampled',
  opentelemetry: 'OpenTelemetry, all sampled',
})
/** @typedef {keyof typeof variants} Variant */
const names = /** @type {Variant[]} */ (Object.keys(variants))

const compiled = compileC('stub', 'stub.c')
if (!('binary' in compiled)) {
  console.error(`bench observability: the stub cannot be had, because ${compiled.reason}`)
  process.exit(1)
}
const isPinned = cpus().length > 1 && has('taskset')
if (isPinned) spawnSync('taskset', ['-acp', '0', String(process.pid)])
/** @type {import('node:child_process').ChildProcess[]} */
const children = []
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A child and its lines of output, one at a time. @param {string} command @param {readonly string[]} args */
function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${[command, ...args].join(' ')} ended`)
    return /** @type {string} */ (value)
  }
  return { child, line }
}

const stub = start(compiled.binary, ['100'])
const port = (await stub.line()).split(':').at(-1) ?? ''
const driver = fileURLToPath(new URL('clients/lightkeeper-observed.mjs', import.meta.url))

/** @param {Variant} variant */
async function client(variant) {
  const command = [process.execPath, driver, port, variant]
  const { child, line } = isPinned
    ? start('taskset', ['-c', '1', ...command])
    : start(process.execPath, command.slice(1))
  /** @returns {Promise<Record<string, any>>} */
  const answer = async () => {
    const told = JSON.parse(await line())
    if (!told.ok) throw new Error(`${variant}: ${told.reason}`)
    return told
  }
  await answer()
  /** @param {object} order */
  return (order) => {
    child.stdin?.write(`${JSON.stringify(order)}\n`)
    return answer()
  }
}

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
  // Until the code is as fast as it gets.
  await ask({ ...gets, seconds: 1 })
}
/** @type {Record<Variant, { perSecond: number, cpu: number }[]>} */
const told = {
  removed: [],
  'removed-again': [],
  nobody: [],
  subscriber: [],
  context: [],
  sampled: [],
  opentelemetry: [],
}
for (let round = 0; round < rounds; round++) {
  // By turns from either end: whoever comes first or behind the costly ones does so half of the time.
  const turn = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  if (round % 2 === 1) turn.reverse()
  for (const name of turn) {
    const answer = await clients.get(name)?.(gets)
    told[name].push({ perSecond: answer?.['perSecond'], cpu: answer?.['cpuPerOpUs'] })
  }
}

const { version } = process
console.log(
  `${rounds} rounds of ${seconds} s, Node ${version.slice(1)}, ${isPinned ? 'a core each' : 'not pinned'}; medians\n`,
)
console.log('|  | gets/s | CPU a get, µs | of all rounds | beside removed, by round |')
console.log('| --- | ---: | ---: | ---: | ---: |')
for (const name of names) {
  const own = told[name]
  const cpu = own.map((each) => each.cpu)
  const ratio = median(own.map((each, i) => each.cpu / (told.removed[i]?.cpu ?? Number.NaN)))
  const beside = name === 'removed' ? '' : `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`
  const all = `${Math.min(...cpu).toFixed(2)}–${Math.max(...cpu).toFixed(2)}`
  const rate = Math.round(median(own.map((each) => each.perSecond))).toLocaleString('en')
  console.log(`| ${variants[name]} | ${rate} | ${median(cpu).toFixed(2)} | ${all} | ${beside} |`)
}
process.exit(0)
