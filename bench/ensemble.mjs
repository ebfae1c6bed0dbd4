// @ts-check
/**
 * Three servers of ours beside three of Apache ZooKeeper 3.9, each a process on this machine: writes, reads, processor time, and what
 * happens when one of them dies, comes back or comes new. `--help` lists the options.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheAvailable } from '@lightkeeper/testing'
import { filled, firstWrite, followerLost, leaderKilled, leaderSilent, observed, rejoin } from './ensemble/faults.mjs'
import { load } from './ensemble/loads.mjs'
import { counterOf, figureOf, leaderOf, memoryOf, ours, processorOf, theirs } from './ensemble/trio.mjs'
import { fill } from './support/fill.mjs'
import { listening } from './support/process.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    kills: { type: 'string' },
    znodes: { type: 'string' },
    rows: { type: 'string', default: 'start,load,kills,cable,follower,observer,rejoin' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- ensemble [--quick] [--rows LIST] [--only ours|apache] [--seconds N] [--rounds N] [--kills N] [--znodes N]

--rows      some of start,load,kills,cable,follower,observer,rejoin (default: all)
--seconds   of each load (default 5)
--rounds    of all loads; the median counts (default 3)
--kills     of the leader (default 10)
--znodes    of the servers that a follower without data joins (default 1000000)
--quick     about three minutes: one round of 2 s, 3 kills, 100000 znodes
--only      one of the two`)
  process.exit(0)
}
const number = (
  /** @type {'seconds' | 'rounds' | 'kills' | 'znodes'} */ name,
  /** @type {[number, number]} */ byDefault,
) => Number(values[name] ?? byDefault[values.quick ? 1 : 0])
const seconds = number('seconds', [5, 2])
const rounds = number('rounds', [3, 1])
const kills = number('kills', [10, 3])
const znodes = number('znodes', [1_000_000, 100_000])
const rows = values.rows.split(',')

/** @typedef {import('./ensemble/trio.mjs').Trio} Trio */
/** @typedef {Map<string, number[]>} Figures */

const median = (/** @type {readonly number[]} */ all) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN
const writes = /** @type {const} */ ({ mix: 'writes', connections: 64, window: 16, seconds })

/** @param {Figures} figures @param {string} name @param {number} value */
function note(figures, name, value) {
  figures.set(name, [...(figures.get(name) ?? []), value])
}

/** Milliseconds of `fdatasync` after 4 KB: what no server can be faster than. */
function disk() {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
  const file = openSync(join(folder, 'file'), 'w')
  const block = Buffer.alloc(4096, 1)
  const took = []
  for (let i = 0; i < 400; i++) {
    const begun = performance.now()
    writeSync(file, block)
    fdatasyncSync(file)
    took.push(performance.now() - begun)
  }
  closeSync(file)
  rmSync(folder, { recursive: true })
  took.sort((a, b) => a - b)
  return { half: took[200] ?? 0, most: took[396] ?? 0 }
}

/** Writes at the leader, with the processor time of each process, and how many transactions shared a flush. @param {Trio} trio @param {Figures} figures */
async function loadLeader(trio, figures) {
  const leader = await leaderOf(trio)
  const port = trio.ports[leader] ?? 0
  const others = [0, 1, 2].filter((i) => i !== leader)
  const used = () => [leader, ...others].map((i) => processorOf(trio.directoryOf(i)))
  const flushes = () => figureOf(trio.ports[others[0] ?? 0] ?? 0, 'zk_cnt_sync_processor_batch_size')
  const [countBefore, before, flushesBefore] = [await counterOf(port), used(), await flushes()]
  const { perSecond, processorUs } = await load([port], writes)
  const count = (await counterOf(port)) - countBefore
  const [ofLeader = 0, ...ofFollowers] = used().map((us, i) => (us - (before[i] ?? 0)) / count)
  note(figures, 'writes/s at the leader', perSecond)
  note(figures, 'processor time of one: leader, µs', ofLeader)
  note(figures, 'processor time of one: follower, µs', ofFollowers.reduce((sum, us) => sum + us, 0) / 2)
  note(figures, 'processor time of one: load, µs', processorUs / count)
  note(figures, 'writes in a flush of a follower', count / ((await flushes()) - flushesBefore))
}

/** @param {Trio} trio @param {Figures} figures */
async function loads(trio, figures) {
  for (let round = 0; round < rounds; round++) {
    await loadLeader(trio, figures)
    const leader = await leaderOf(trio)
    const followers = trio.ports.filter((_, i) => i !== leader)
    note(figures, 'writes/s at all three', (await load(trio.ports, writes)).perSecond)
    note(figures, 'reads/s at the followers', (await load(followers, { ...writes, mix: 'reads' })).perSecond)
    const one = await load(followers.slice(0, 1), { ...writes, connections: 1, window: 1 })
    note(figures, 'one write at a follower, p50 ms', one.p50)
    note(figures, 'one write at a follower, p99 ms', one.p99)
  }
}

/** @param {Trio} trio @param {Figures} figures */
async function faults(trio, figures) {
  if (rows.includes('kills')) {
    const gaps = await leaderKilled(trio, kills)
    note(figures, 'no writes after the leader is killed, p50 ms', median(gaps))
    note(figures, 'the same, longest, ms', gaps.at(-1) ?? Number.NaN)
  }
  if (rows.includes('cable')) note(figures, 'no writes after the leader falls silent, ms', await leaderSilent(trio))
  if (rows.includes('follower')) {
    const { quietMs, lostMs } = await followerLost(trio)
    note(figures, 'longest time without a write, ms', quietMs)
    note(figures, 'the same when a follower is killed, ms', lostMs)
  }
  if (rows.includes('observer')) {
    const { withoutUs, withUs } = await observed(trio, async (port) => {
      const before = await counterOf(port)
      await load([port], writes)
      return (await counterOf(port)) - before
    })
    note(figures, 'leader with an observer more, µs of a write, %', (withUs / withoutUs - 1) * 100)
  }
  if (!rows.includes('rejoin')) return
  const late = await rejoin(trio, { behind: 10_000 })
  note(figures, 'start of a follower 10,000 writes behind, ms', late.ms)
  note(figures, 'writes meanwhile, p99 ms', late.p99)
  const { leaderMb, followerMb } = await filled(trio, znodes)
  note(figures, memoryRow('leader'), leaderMb)
  note(figures, memoryRow('follower'), followerMb)
  const empty = await rejoin(trio, 'empty')
  note(figures, `start of an empty follower, ${znodes} znodes, ms`, empty.ms)
  note(figures, 'writes meanwhile, p99 ms (empty)', empty.p99)
}

/** @param {string} role */
const memoryRow = (role) => `memory of a ${role}, ${znodes} znodes, MB`

/** Memory of a server of ours that is no member, megabytes. */
async function standaloneMb() {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
  const program = join(import.meta.dirname, '../packages/cli/bin/lightkeeper.js')
  const args = [program, 'server', '--port', '0', '--data-dir', join(folder, 'data'), '--set', 'maxClientCnxns=0']
  const server = await listening(process.execPath, args, 'ignore')
  await fill(server.port, { root: '/filled', folders: 100, znodes, data: new Uint8Array(100).fill(0x78) })
  const mb = memoryOf(folder)
  const over = new Promise((resolve) => server.child.once('close', resolve))
  server.child.kill('SIGKILL')
  await over
  rmSync(folder, { recursive: true, force: true })
  return mb
}

/** @param {() => Promise<Trio>} start */
async function measure(start) {
  /** @type {Figures} */
  const figures = new Map()
  const begun = performance.now()
  const trio = await start()
  try {
    const firstMs = await firstWrite(trio, begun)
    if (rows.includes('start')) note(figures, 'first write after a start of all, ms', firstMs)
    if (rows.includes('load')) await loads(trio, figures)
    await faults(trio, figures)
  } finally {
    await trio.close()
  }
  if (rows.includes('rejoin') && start === ours) {
    const mb = await standaloneMb()
    note(figures, `memory of ours alone, ${znodes} znodes, MB`, mb)
    for (const role of ['leader', 'follower'])
      note(figures, `a ${role} of ours has more than that, MB`, median(figures.get(memoryRow(role)) ?? []) - mb)
  }
  return { name: trio.name, figures }
}

const { half, most } = disk()
console.log(`fdatasync of this disk: ${half.toFixed(2)} ms, 99 of 100 within ${most.toFixed(2)} ms`)
const all = []
for (const start of [ours, theirs]) {
  if (values.only !== '' && (values.only === 'ours') !== (start === ours)) continue
  const reason = start === theirs ? apacheAvailable('3.9') : { available: true }
  if (reason.available) all.push(await measure(start))
  else console.log(`Apache 3.9 is left out: ${'reason' in reason ? reason.reason : ''}`)
}
const show = (/** @type {number} */ value) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1)
const [first, second] = all
for (const [name, found] of first?.figures ?? []) {
  const value = median(found)
  const beside = median(second?.figures.get(name) ?? [])
  const text = Number.isNaN(beside) ? '' : `   ${show(beside).padStart(9)}   ${(value / beside).toFixed(2)}`
  console.log(`${name.padEnd(48)} ${show(value).padStart(9)}${text}`)
}
console.log(`columns: ${all.map(({ name }) => name).join(', ')}, ratio of the first to the second`)
