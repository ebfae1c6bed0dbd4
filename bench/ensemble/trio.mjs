// @ts-check
/** Three servers on this machine, of ours or of Apache, each a process with a directory of its own; and an observer that may join them. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apache, ask, freePorts } from '@lightkeeper/testing'
import { listening } from '../support/process.mjs'

/** @type {Readonly<Record<string, number>>} */
const times = { tickTime: 2000, initLimit: 10, syncLimit: 5 }
const program = fileURLToPath(new URL('../../packages/cli/bin/lightkeeper.js', import.meta.url))
/** The place of the observer. */
const fourth = 3

/**
 * @typedef {{
 *   name: string,
 *   ports: readonly number[],
 *   directoryOf(i: number): string,
 *   kill(i: number): Promise<void>,
 *   restart(i: number): Promise<void>,
 *   observer: { readonly port: number, start(): Promise<void>, stop(): Promise<void> },
 *   close(): Promise<void>
 * }} Trio
 */

/**
 * `config` are more lines of each zoo.cfg, `jvm` options of Apache's.
 * @typedef {{ config?: Readonly<Record<string, string | number>>, jvm?: readonly string[] }} TrioOptions
 */

/** @param {TrioOptions} [options] @returns {Promise<Trio>} */
export async function ours({ config = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
  const all = await freePorts(12)
  const ports = all.slice(0, 4)
  const members = ports.map((_, i) => {
    const role = i === fourth ? ':observer' : ''
    return `server.${i + 1}=127.0.0.1:${all[4 + i]}:${all[8 + i]}${role}`
  })
  const directoryOf = (/** @type {number} */ i) => join(folder, `${i + 1}`)
  /** @type {(import('node:child_process').ChildProcess | undefined)[]} */
  const processes = []
  const start = async (/** @type {number} */ i) => {
    const { child } = await listening(process.execPath, [program, 'server', join(directoryOf(i), 'zoo.cfg')], 'ignore')
    processes[i] = child
  }
  const kill = (/** @type {number} */ i) =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      const child = processes[i]
      processes[i] = undefined
      if (child === undefined) return resolve()
      child.once('close', () => resolve())
      child.kill('SIGKILL')
    })
  for (const [i, port] of ports.entries()) {
    const dataDir = directoryOf(i)
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'myid'), `${i + 1}\n`)
    const settings = { ...times, dataDir, clientPort: port, maxClientCnxns: 0, ...config }
    const lines = [
      ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
      ...['admin.enableServer=false', '4lw.commands.whitelist=*', ...(i === fourth ? ['peerType=observer'] : [])],
      ...members,
    ]
    writeFileSync(join(dataDir, 'zoo.cfg'), `${lines.join('\n')}\n`)
  }
  const three = [0, 1, 2]
  await Promise.all(three.map((i) => start(i)))
  return {
    name: 'ours',
    ports: ports.slice(0, 3),
    directoryOf,
    kill,
    restart: start,
    observer: { port: ports[fourth] ?? 0, start: () => start(fourth), stop: () => kill(fourth) },
    async close() {
      await Promise.all([...three, fourth].map((i) => kill(i)))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @param {TrioOptions} [options] @returns {Promise<Trio>} */
export async function theirs({ config: more = {}, jvm = ['-Xmx1g'] } = {}) {
  const config = { ...times, maxClientCnxns: 0, '4lw.commands.whitelist': '*', ...more }
  const servers = await apache({ version: '3.9', size: 3, guests: 1, config, jvm })
  const [guest] = servers.guests
  if (guest === undefined) throw new Error('the ensemble has room for an observer')
  const folder = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-'))
  guest.configure(folder)
  /** @type {import('@lightkeeper/testing').GuestProcess | undefined} */
  let observer
  return {
    name: `Apache ${servers.version}`,
    ports: servers.ports.slice(0, 3),
    directoryOf: (i) => servers.directoryOf(i),
    kill: (i) => servers.kill(i),
    restart: (i) => servers.restart(i),
    observer: {
      port: guest.clientPort,
      start: async () => {
        observer = await guest.start(folder)
      },
      stop: async () => observer?.kill(),
    },
    async close() {
      await observer?.kill()
      await servers.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The place of the leader, once all three serve. @param {Trio} trio */
export async function leaderOf(trio) {
  for (;;) {
    const modes = await Promise.all(trio.ports.map((port) => modeOf(port)))
    const leader = modes.indexOf('leader')
    if (leader >= 0 && modes.every((mode) => mode === 'leader' || mode === 'follower')) return leader
    await sleep(20)
  }
}

/** `leader`, `follower`, `observer`; undefined where nobody serves. @param {number} port */
export async function modeOf(port) {
  const answer = await ask(port, 'srvr').catch(() => '')
  return /^Mode: (.*)$/m.exec(answer)?.[1]
}

/** How many transactions the epoch has had. @param {number} port */
export async function counterOf(port) {
  const zxid = /^Zxid: (.*)$/m.exec(await ask(port, 'srvr'))?.[1] ?? '0'
  return Number(BigInt(zxid) & 0xffff_ffffn)
}

/** What the word `mntr` says under this name, as a number; NaN where it says nothing. @param {number} port @param {string} name */
export async function figureOf(port, name) {
  const answer = await ask(port, 'mntr').catch(() => '')
  return Number(new RegExp(`^${name}\\t(.*)$`, 'm').exec(answer)?.[1] ?? Number.NaN)
}

/** The process whose command line names something in this directory. @param {string} directory */
export function pidOf(directory) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const file = `/proc/${pid}/cmdline`
    if (!existsSync(file)) continue
    const [command = '', ...args] = readFileSync(file, 'utf8').split('\0')
    if (/(node|java)$/.test(command) && args.some((arg) => arg.includes(`${directory}/`))) return Number(pid)
  }
  throw new Error(`no process works in ${directory}`)
}

/** @param {string} directory @param {'SIGSTOP' | 'SIGCONT'} name */
export function signal(directory, name) {
  process.kill(pidOf(directory), name)
}

/** Microseconds of processor time that the server has used; Linux counts them in hundredths of a second. @param {string} directory */
export function processorOf(directory) {
  const [, rest = ''] = readFileSync(`/proc/${pidOf(directory)}/stat`, 'utf8').split(') ')
  const fields = rest.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** Resident memory of the server, megabytes. @param {string} directory */
export function memoryOf(directory) {
  const status = readFileSync(`/proc/${pidOf(directory)}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}

/** Removes what a server has stored, but not its configuration. @param {string} directory */
export function emptied(directory) {
  rmSync(join(directory, 'version-2'), { recursive: true, force: true })
}
