// @ts-check
/**
 * Three servers of ours beside three of Apache ZooKeeper 3.9, each a process on this machine: writes, reads, and how long nobody writes
 * after the leader was killed. `--help` lists the options.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { connect } from '@lightkeeper/client'
import { apache, apacheAvailable, ask, freePorts } from '@lightkeeper/testing'
import { listening } from './support/process.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- ensemble [--seconds N] [--rounds N] [--kills N] [--only ours|apache]

--seconds   of each load (default 5)
--rounds    of all loads; the median counts (default 3)
--kills     of the leader (default 10)
--only      one of the two`)
  process.exit(0)
}
const [seconds, rounds, kills] = [Number(values.seconds), Number(values.rounds), Number(values.kills)]
const run = promisify(execFile)
const file = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url))
const times = { tickTime: 2000, initLimit: 10, syncLimit: 5 }

/**
 * @typedef {{ name: string, ports: readonly number[], kill(i: number): Promise<void>, restart(i: number): Promise<void>,
 *   close(): Promise<void> }} Trio
 */

/** @returns {Promise<Trio>} */
async function ours() {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
  const all = await freePorts(9)
  const ports = all.slice(0, 3)
  const members = ports.map((_, i) => `server.${i + 1}=127.0.0.1:${all[3 + i]}:${all[6 + i]}`)
  /** @type {(Awaited<ReturnType<typeof listening>> | undefined)[]} */
  const processes = []
  const start = async (/** @type {number} */ i) => {
    const program = file('../packages/cli/bin/lightkeeper.js')
    processes[i] = await listening(process.execPath, [program, 'server', join(folder, `${i + 1}`, 'zoo.cfg')], 'ignore')
  }
  const kill = (/** @type {number} */ i) =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      const child = processes[i]?.child
      child?.once('close', () => resolve())
      child?.kill('SIGKILL')
    })
  for (const [i, port] of ports.entries()) {
    const dataDir = join(folder, `${i + 1}`)
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
    const lines = [
      ...Object.entries(times).map(([key, value]) => `${key}=${value}`),
      ...[`dataDir=${dataDir}`, `clientPort=${port}`, 'ensemble.voting=experimental', 'maxClientCnxns=0'],
      ...['admin.enableServer=false', ...members],
    ]
    writeFileSync(join(dataDir, 'zoo.cfg'), `${lines.join('\n')}\n`)
  }
  await Promise.all(ports.map((_, i) => start(i)))
  return {
    name: 'ours',
    ports,
    kill,
    restart: start,
    async close() {
      await Promise.all(ports.map((_, i) => kill(i)))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @returns {Promise<Trio>} */
async function theirs() {
  const servers = await apache({ version: '3.9', size: 3, config: { ...times, maxClientCnxns: 0 }, jvm: ['-Xmx1g'] })
  const { ports } = servers
  return {
    name: `Apache ${servers.version}`,
    ports,
    kill: (i) => servers.kill(i),
    restart: (i) => servers.restart(i),
    close: () => servers.close(),
  }
}

/** @param {Trio} trio */
async function leaderOf(trio) {
  for (;;) {
    const answers = await Promise.all(trio.ports.map((port) => ask(port, 'srvr').catch(() => '')))
    const modes = answers.map((answer) => /^Mode: (.*)$/m.exec(answer)?.[1])
    const leader = modes.indexOf('leader')
    if (leader >= 0 && modes.every((mode) => mode === 'leader' || mode === 'follower')) return leader
    await sleep(50)
  }
}

/**
 * Replies a second. The load is spread over these ports.
 * @param {readonly number[]} ports @param {'reads' | 'writes'} mix @param {number} connections @param {number} window
 */
async function load(ports, mix, connections, window) {
  const each = { mix, connections: Math.ceil(connections / ports.length), window, seconds, warmUp: 1 }
  const runs = ports.map((port) =>
    run(process.execPath, [file('versus/load.mjs'), JSON.stringify({ ...each, port, nodes: 1000, bytes: 100 })]),
  )
  const results = (await Promise.all(runs)).map(({ stdout }) => JSON.parse(stdout))
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50: Math.max(...results.map(({ p50 }) => p50)),
    p99: Math.max(...results.map(({ p99 }) => p99)),
  }
}

/** Milliseconds from the end of the leader to the first write that a survivor acknowledges. @param {Trio} trio */
async function failOver(trio) {
  /** @type {number[]} */
  const gaps = []
  for (let i = 0; i < kills; i++) {
    const leader = await leaderOf(trio)
    const survivors = trio.ports.filter((_, at) => at !== leader)
    const zk = await connect(survivors.map((port) => `127.0.0.1:${port}`).join(','), { sessionTimeout: 30_000 })
    await zk.create(`/kill-${i}`, '')
    const begun = performance.now()
    await trio.kill(leader)
    for (;;) {
      try {
        await zk.set(`/kill-${i}`, '')
        break
      } catch {
        await sleep(2)
      }
    }
    gaps.push(performance.now() - begun)
    await zk.close()
    await trio.restart(leader)
  }
  return gaps.sort((a, b) => a - b)
}

const median = (/** @type {readonly number[]} */ all) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN

/** @param {Trio} trio */
async function measure(trio) {
  /** @type {Record<string, number[]>} */
  const found = {}
  const note = (/** @type {string} */ name, /** @type {number} */ value) => {
    found[name] = [...(found[name] ?? []), value]
  }
  for (let round = 0; round < rounds; round++) {
    const leader = await leaderOf(trio)
    const followers = trio.ports.filter((_, i) => i !== leader)
    const [follower = 0] = followers
    note('writes/s at the leader', (await load([trio.ports[leader] ?? 0], 'writes', 64, 16)).perSecond)
    note('writes/s at all three', (await load(trio.ports, 'writes', 64, 16)).perSecond)
    note('reads/s at the followers', (await load(followers, 'reads', 64, 16)).perSecond)
    const one = await load([follower], 'writes', 1, 1)
    note('one write at a follower, p50 ms', one.p50)
    note('one write at a follower, p99 ms', one.p99)
  }
  const figures = Object.fromEntries(Object.entries(found).map(([name, all]) => [name, median(all)]))
  const gaps = await failOver(trio)
  return { ...figures, 'leader killed, p50 ms': median(gaps), 'leader killed, max ms': gaps.at(-1) ?? Number.NaN }
}

/** @type {Record<string, Record<string, number>>} */
const all = {}
for (const start of [ours, theirs]) {
  if (values.only !== '' && (values.only === 'ours') !== (start === ours)) continue
  const reason = start === theirs ? apacheAvailable('3.9') : { available: true }
  if (!reason.available) {
    console.log(`Apache 3.9 is left out: ${'reason' in reason ? reason.reason : ''}`)
    continue
  }
  const trio = await start()
  try {
    all[trio.name] = await measure(trio)
  } finally {
    await trio.close()
  }
}
const show = (/** @type {number} */ value) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1))
const [own, other] = Object.values(all)
for (const [name, value] of Object.entries(own ?? {})) {
  const beside = other?.[name]
  const text = beside === undefined ? '' : `   ${show(beside).padStart(9)}   ${(value / beside).toFixed(2)}`
  console.log(`${name.padEnd(34)} ${show(value).padStart(9)}${text}`)
}
console.log(`columns: ${Object.keys(all).join(', ')}, ratio of the first to the second`)
