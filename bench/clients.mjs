// @ts-check
/**
 * ZooKeeper clients side by side: ours, two from npm, Go's, Java's own and kazoo, each in its own process, against a stub that
 * answers from memory and against Apache ZooKeeper. `--help` lists the options; README.md says what is measured.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { compileC, has, lookups } from './clients/peers.mjs'
import { listening } from './support/process.mjs'

const workloads = /** @type {const} */ ({
  latency: 'gets one after the other: time of each',
  gets: 'gets, 1000 in flight on one connection',
  sets: 'sets of 100 bytes, 1000 in flight on one connection',
  events: '1000 watches fired at once: events a second',
  'event-latency': '1000 watched znodes, one changed at a time: from the set to its event',
  watches: 'memory of 100,000 watches; then a cut: the time until they are back',
  pending: 'memory of 100,000 requests without a reply',
})
/** @typedef {keyof typeof workloads} Workload */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', multiple: true, default: [] },
    'no-pin': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- clients [--quick] [--rounds N] [--seconds N] [--only WHAT]… [--no-pin] [--json]

--quick     one round of half a second each
--rounds    rounds of each measurement; the tables show medians (default 3)
--seconds   length of a measurement, as long again to warm up, three times that for the JVM (default 2)
--only      a client, a workload or a server; may be given more than once
--no-pin    let the scheduler place server and client; else they have a core each, where taskset is
--json      the numbers for a program

clients     ${lookups.map(({ name }) => name).join(', ')}
servers     stub, apache
workloads   ${Object.entries(workloads)
    .map(([name, says]) => `${name.padEnd(14)} ${says}`)
    .join('\n            ')}`)
  process.exit(0)
}
const rounds = values.quick ? 1 : Number(values.rounds)
const seconds = values.quick ? 0.5 : Number(values.seconds)
/** The names in --only; all of `names` where it is empty. @template {string} T @param {readonly T[]} names */
const chosen = (names) => {
  const named = names.filter((name) => values.only.includes(name))
  return named.length > 0 ? named : names
}
const clientNames = lookups.map(({ name }) => name)
const workloadNames = /** @type {Workload[]} */ (Object.keys(workloads))
const serverNames = /** @type {const} */ (['stub', 'apache'])
const unknown = values.only.filter((each) => ![...clientNames, ...workloadNames, ...serverNames].includes(each))
if (unknown.length > 0) {
  console.error(`bench clients: there is nothing called ${unknown.join(', ')}; see --help`)
  process.exit(2)
}
/** @param {string} text */
const say = (text) => (values.json ? console.error(text) : console.log(text))

// -- servers and clients --------------------------------------------------------------------------------------------------

const isPinned = !values['no-pin'] && cpus().length > 1 && has('taskset')
// This process and the servers, which inherit it, run on the first core; the clients on the second.
if (isPinned) spawnSync('taskset', ['-acp', '0', String(process.pid)])

/** @typedef {{ name: string, title: string, port: number, workloads: readonly Workload[], close(): unknown }} Target */

const ordinary = /** @type {const} */ (['latency', 'gets', 'sets', 'event-latency'])

/** @returns {Promise<Target>} */
async function stub() {
  const compiled = compileC('stub', 'stub.c')
  if ('binary' in compiled) {
    const started = await listening(compiled.binary, ['100'])
    return { name: 'stub', title: 'the stub', workloads: workloadNames, ...started }
  }
  const left = workloadNames.filter((name) => !ordinary.includes(/** @type {never} */ (name)))
  say(`our server in memory replaces the stub, because ${compiled.reason}; left out: ${left.join(', ')}`)
  const bin = fileURLToPath(new URL('../packages/cli/bin/lightkeeper.js', import.meta.url))
  const started = await listening(process.execPath, [bin, 'server', '--port', '0', '--in-memory'])
  return { name: 'stub', title: 'our server in memory', workloads: ordinary, ...started }
}

/** @returns {Promise<Target | undefined>} */
async function apacheServer() {
  const found = apacheAvailable('3.8')
  if (!found.available) {
    say(`Apache ZooKeeper is left out, because ${found.reason}`)
    return undefined
  }
  // The JVM as a server would run it, without a sync for each write, since the clients are measured.
  const jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4']
  const server = await apache({ version: '3.8', jvm, config: { 'zookeeper.forceSync': 'no' } })
  return {
    name: 'apache',
    title: `Apache ZooKeeper ${found.version}, forceSync=no`,
    port: server.ports[0] ?? 0,
    workloads: ordinary,
    close: () => server.close(),
  }
}

/** @type {import('./clients/peers.mjs').Peer[]} */
const clients = []
for (const lookup of lookups.filter(({ name }) => chosen(clientNames).includes(name))) {
  const found = lookup.find()
  if (typeof found === 'string') say(`${lookup.name} is left out, because ${found}`)
  else clients.push(found)
}

// -- one measurement ------------------------------------------------------------------------------------------------------

/** @typedef {{ ok: boolean, reason?: string } & Record<string, any>} Answer */

/**
 * Starts a driver, gives it commands in turn and returns its answers. @param {import('./clients/peers.mjs').Peer} client @param
 * {number} port @param {readonly object[]} orders @returns {Promise<Answer[]>}
 */
async function drive(client, port, orders) {
  const [file, ...args] = [...(isPinned ? ['taskset', '-c', '1'] : []), ...client.command, String(port)]
  const child = spawn(file ?? '', args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...client.env } })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-400)
  })
  child.stdin.on('error', () => {})
  const patience = setTimeout(() => child.kill('SIGKILL'), 120_000)
  /** @type {Answer[]} */
  const answers = []
  const ended = new Promise((resolve) => child.once('exit', resolve))
  // The first answer says that the driver is connected.
  const commands = [{ command: 'prepare' }, ...orders]
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue
    const answer = /** @type {Answer} */ (JSON.parse(line))
    answers.push(answer)
    const next = commands[answers.length - 1]
    if (!answer.ok || next === undefined) break
    child.stdin.write(`${JSON.stringify(next)}\n`)
  }
  clearTimeout(patience)
  child.kill('SIGKILL')
  await ended
  const last = answers.at(-1)
  if (answers.length <= commands.length && last?.ok !== false) {
    answers.push({ ok: false, reason: errors.trim().split('\n').at(-1) || 'it ended without an answer' })
  }
  return answers.slice(2)
}

/** @param {Workload} workload @param {string} client @returns {readonly object[]} */
function ordersOf(workload, client) {
  const time = { seconds, warmUp: client === 'java' ? 3 * seconds : seconds }
  const scale = values.quick ? 20_000 : 100_000
  switch (workload) {
    case 'latency':
      return [{ command: 'sequential', kind: 'get', ...time }]
    case 'gets':
      return [{ command: 'pipelined', kind: 'get', window: 1000, ...time }]
    case 'sets':
      return [{ command: 'pipelined', kind: 'set', window: 1000, ...time }]
    case 'events':
      return [{ command: 'deliver', watches: 1000, ...time }]
    case 'event-latency':
      return [{ command: 'notify', watches: 1000, ...time }]
    case 'watches':
      return [
        { command: 'watches', count: scale },
        { command: 'rearm', count: scale, patience: 12 },
      ]
    default:
      return [{ command: 'pending', count: scale }]
  }
}

// -- all of them ----------------------------------------------------------------------------------------------------------

/**
 * Answers by server, workload, client and command: one entry for each round. @type {Record<string, Record<string, Record<string,
 * Answer[]>>>}
 */
const results = {}
/** @type {Target[]} */
const targets = []
try {
  for (const name of chosen(serverNames)) {
    const target = name === 'stub' ? await stub() : await apacheServer()
    if (target === undefined) continue
    targets.push(target)
    const own = (results[target.name] = /** @type {Record<string, Record<string, Answer[]>>} */ ({}))
    for (const workload of chosen(workloadNames).filter((each) => target.workloads.includes(each))) {
      say(`${target.title}: ${workloads[workload]}`)
      const table = (own[workload] = /** @type {Record<string, Answer[]>} */ ({}))
      // In turn, so that other load on the machine affects all of them alike.
      for (let round = 0; round < rounds; round++) {
        for (const client of clients) {
          const answers = await drive(client, target.port, ordersOf(workload, client.name))
          const failed = answers.find(({ ok }) => !ok)
          const answer = failed === undefined ? Object.assign({}, ...answers) : Object.assign({}, ...answers, failed)
          ;(table[client.name] ??= []).push(answer)
          const { ok, ...rest } = answer
          say(`  ${client.name.padEnd(22)} ${ok ? summary(rest) : `failed: ${answer.reason}`}`)
        }
      }
    }
    await target.close()
  }
} finally {
  for (const target of targets) await target.close()
}

/** @param {Record<string, unknown>} answer */
function summary(answer) {
  return Object.entries(answer)
    .map(
      ([name, value]) =>
        `${name} ${typeof value === 'number' ? Number(value.toFixed(1)).toLocaleString('en') : String(value)}`,
    )
    .join(', ')
}

/** Median of a number over the rounds that have it. @param {string} server @param {Workload} workload @param {string} client @param {string} field @returns {number | undefined} */
function median(server, workload, client, field) {
  const found = (results[server]?.[workload]?.[client] ?? [])
    .map((answer) => answer[field])
    .filter((value) => typeof value === 'number')
    .sort((a, b) => a - b)
  return found[Math.floor(found.length / 2)]
}

/** @param {string} server @param {readonly (readonly [string, Workload, string, number])[]} columns title, workload, field, digits @returns {string} */
function markdown(server, columns) {
  const shown = columns.filter(([, workload]) => results[server]?.[workload] !== undefined)
  const rows = clients.map(({ name, version }) => [
    `${name} ${version}`,
    ...shown.map(([, workload, field, digits]) => {
      const value = median(server, workload, name, field)
      if (value !== undefined)
        return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
      const answers = results[server]?.[workload]?.[name] ?? []
      if (answers.some(({ usable }) => usable === false)) return 'never'
      return answers.some(({ ok }) => !ok) ? 'failed' : '–'
    }),
  ])
  const head = ['client', ...shown.map(([title]) => title)]
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

const machine = {
  cpu: cpus()[0]?.model ?? 'an unknown processor',
  cores: cpus().length,
  node: process.version,
  go: has('go') ? spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout.trim() : undefined,
  java: spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr?.split('\n')[0],
}
if (values.json)
  console.log(
    JSON.stringify(
      { machine, isPinned, rounds, seconds, clients: clients.map(({ name, version }) => ({ name, version })), results },
      null,
      2,
    ),
  )
else {
  for (const { name, title } of targets) {
    console.log(`\nAgainst ${title}; times in µs:`)
    const times = markdown(name, [
      ['get p50', 'latency', 'p50', 0],
      ['get p99', 'latency', 'p99', 0],
      ['CPU a get', 'latency', 'cpuPerOpUs', 1],
      ['gets/s', 'gets', 'perSecond', 0],
      ['CPU a get, pipelined', 'gets', 'cpuPerOpUs', 2],
      ['sets/s', 'sets', 'perSecond', 0],
      ['CPU a set', 'sets', 'cpuPerOpUs', 2],
      ['events/s', 'events', 'perSecond', 0],
      ['CPU an event', 'events', 'cpuPerOpUs', 2],
      ['event p50', 'event-latency', 'p50', 0],
      ['event p99', 'event-latency', 'p99', 0],
    ])
    if ([...ordinary, 'events'].some((each) => results[name]?.[each] !== undefined)) console.log(`\n${times}`)
    const memory = markdown(name, [
      ['heap a watch', 'watches', 'heapBytes', 0],
      ['resident a watch', 'watches', 'residentBytes', 0],
      ['usable after the cut, ms', 'watches', 'usableAfterMs', 0],
      ['watches at the server', 'watches', 'watches', 0],
      ['events heard', 'watches', 'heard', 0],
      ['largest frame', 'watches', 'frameLargest', 0],
      ['heap a request', 'pending', 'heapBytes', 0],
      ['resident a request', 'pending', 'residentBytes', 0],
    ])
    if (['watches', 'pending'].some((each) => results[name]?.[each] !== undefined)) console.log(`\n${memory}`)
  }
  const pinned = isPinned ? 'server and client pinned to a core each' : 'nothing pinned'
  console.log(
    `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.go ?? 'no Go'}, ${machine.java}; ${rounds} rounds of ${seconds} s, medians; ${pinned}.`,
  )
}
process.exit(0)
