// @ts-check
/** What loads three servers: the generator of bench/versus in processes of its own, and a probe that writes a thousand times a second. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const generator = fileURLToPath(new URL('../versus/load.mjs', import.meta.url))

/**
 * Replies a second. The load is spread over these ports. `processorUs`: processor time of the generators.
 * @param {readonly number[]} ports @param {{ mix: 'reads' | 'writes', connections: number, window: number, seconds: number }} options
 */
export async function load(ports, { connections, ...options }) {
  const before = ofChildren()
  const each = { ...options, connections: Math.ceil(connections / ports.length), warmUp: 1, nodes: 1000, bytes: 100 }
  const runs = ports.map((port) => run(process.execPath, [generator, JSON.stringify({ ...each, port })]))
  const results = (await Promise.all(runs)).map(({ stdout }) => JSON.parse(stdout))
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50: Math.max(...results.map(({ p50 }) => p50)),
    p99: Math.max(...results.map(({ p99 }) => p99)),
    processorUs: ofChildren() - before,
  }
}

/** Processor time of all processes that this one has started and that ended, microseconds. */
function ofChildren() {
  const [, rest = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ')
  const fields = rest.split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10_000
}

/**
 * Writes once a millisecond, whether earlier writes are answered or not, until `stop`, which returns the longest time between two answers
 * and how long the slowest write of a hundred took, both in milliseconds.
 * @param {import('@lightkeeper/client').ZooKeeper} zk @param {string} path
 */
export function probe(zk, path) {
  /** @type {number[]} */
  const took = []
  const open = new Set()
  let answeredAt = performance.now()
  let gap = 0
  const answered = () => {
    const now = performance.now()
    gap = Math.max(gap, now - answeredAt)
    answeredAt = now
    return now
  }
  const write = () => {
    const askedAt = performance.now()
    const asked = zk.set(path, '').then(
      () => void took.push(answered() - askedAt),
      () => {},
    )
    open.add(asked)
    void asked.finally(() => open.delete(asked))
  }
  const timer = setInterval(write, 1)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      took.sort((a, b) => a - b)
      return { gap, p99: took[Math.floor(took.length * 0.99)] ?? Number.NaN }
    },
  }
}
