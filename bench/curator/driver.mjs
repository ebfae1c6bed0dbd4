// @ts-check
/** What all benchmarks with Curator share: one Apache server, a process for each library, medians, a table. */
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { apache, apacheAvailable, compileJava, javaClassPath, javaMissing } from '@lightkeeper/testing'
import { talking } from '../support/process.mjs'

/** @param {string} name a file of bench/ */
const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** @typedef {{ readonly name: string, readonly command: readonly [string, ...string[]] }} Library */

/**
 * The libraries that can be measured here: ours, and Curator's unless something for it is missing; then `say` gets the reason.
 * @param {{ bench: string, needs: string, java: string, javaOptions: readonly string[], nodeOptions?: readonly string[], say: (text: string) => void }} options
 * `needs` is Curator's artifact, `java` the class with `main` in `bench/BENCH/`; ours is `bench/BENCH/ours.mjs`
 * @returns {Library[]}
 */
export function librariesOf({ bench, needs, java, javaOptions, nodeOptions = [], say }) {
  const classPath = javaClassPath(file(`../.cache/bench/${bench}`))
  /** @type {Library} */
  const ours = { name: 'ours', command: [process.execPath, ...nodeOptions, file(`${bench}/ours.mjs`)] }
  const missing = javaMissing([needs]) ?? compileJava(classPath, [file(`${bench}/${java}.java`)])
  if (missing === undefined)
    return [ours, { name: 'curator', command: ['java', ...javaOptions, '-cp', classPath, java] }]
  say(`Curator is left out, because ${missing}`)
  return [ours]
}

/**
 * Starts Apache 3.8 without a sync for each write, because the sync would take nearly all the time. Ends the process without
 * Apache.
 * @param {string} bench @param {readonly string[]} [jvm] the JVM as a server would run it
 */
export async function serverFor(bench, jvm = ['-Xmx1g', '-XX:TieredStopAtLevel=4']) {
  const found = apacheAvailable('3.8')
  if (!found.available) {
    console.error(`bench ${bench} needs an Apache ZooKeeper: ${found.reason}`)
    process.exit(1)
  }
  const server = await apache({ version: '3.8', jvm, config: { 'zookeeper.forceSync': 'no', maxClientCnxns: 0 } })
  return { hosts: server.connectString, version: found.version, close: () => server.close() }
}

/**
 * Starts a process that reads one order for each line and answers in lines of JSON. Other lines of its output are ignored.
 * @param {Library} library @param {readonly string[]} more arguments
 */
export function start({ name, command: [command, ...args] }, more) {
  const { child, line, say } = talking(command, [...args, ...more])
  /** The next answer. @returns {Promise<Record<string, number>>} */
  const answer = async () => {
    const text = await line()
    return text.startsWith('{') ? JSON.parse(text) : answer()
  }
  /** @param {string} order */
  const ask = (order) => {
    say(order)
    return answer()
  }
  return { name, answer, ask, end: () => child.kill('SIGKILL') }
}

/** @param {readonly number[]} numbers @returns {number} `NaN` of none */
export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** A markdown table, numbers to the right. @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  /** @param {readonly string[]} cells */
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** The machine and versions, for the line below the table. @param {string} version of Apache */
export const machine = (version) =>
  `${cpus()[0]?.model ?? 'an unknown processor'}, ${cpus().length} cores, Node ${process.version}; Apache ${version} without a sync for each write`
