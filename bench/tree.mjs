// @ts-check
/**
 * A large tree on our server and on Apache ZooKeeper, one after the other on the same disk: resident memory, the time until the
 * server serves again after a kill, and the longest wait of a client that reads all the time. `--help` lists the options.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { opCode, writePathWatchRequest } from '@lightkeeper/protocol'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { requestFrame } from '../test/support/frames.mjs'
import { fill, nameOf } from './support/fill.mjs'
import { dial } from './support/wire.mjs'

const { values } = parseArgs({
  options: {
    znodes: { type: 'string', default: '1000000' },
    bytes: { type: 'string', default: '100' },
    version: { type: 'string', default: '3.8' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run bench -- tree [--znodes N] [--bytes N] [--version 3.8|3.9] [--only ours|apache]')
  process.exit(0)
}
const znodes = Number(values.znodes)
const folders = 1000
const data = new Uint8Array(Number(values.bytes)).fill(0x78)
const bin = fileURLToPath(new URL('../packages/cli/bin/lightkeeper.js', import.meta.url))

/** A connection with a session. `reply` gets the error number of each reply. @param {number} port @param {(err: number) => void} reply */
const open = async (port, reply) => (await dial(port, { reply, timeOut: 40_000 })).socket

/** @param {number} xid @param {string} path */
const read = (xid, path) =>
  requestFrame(xid, opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch: false }))

/** Reads one znode after the other and keeps the longest waits. @param {number} port */
async function probe(port) {
  let sent = performance.now()
  let longest = 0
  let count = 0
  let isOver = false
  const socket = await open(port, () => {
    const wait = performance.now() - sent
    count++
    if (wait > longest) longest = wait
    if (isOver) socket.end()
    else
      setTimeout(() => {
        sent = performance.now()
        socket.write(read(count, '/'))
      }, 1)
  })
  socket.write(read(0, '/'))
  return {
    /** Longest since the last call, milliseconds. */
    take() {
      const result = longest
      longest = 0
      return result
    },
    stop() {
      isOver = true
    },
  }
}

/** Resident memory, bytes. @param {number} pid */
function resident(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** Milliseconds until a client gets a session and reads the last znode. @param {number} port */
async function serving(port) {
  const started = performance.now()
  const last = znodes - 1
  for (;;) {
    try {
      let isRead = false
      const socket = await open(port, (err) => {
        isRead = err === 0
      })
      socket.write(read(1, `/tree/${nameOf(last, folders)}`))
      while (!isRead) await new Promise((resolve) => setTimeout(resolve, 5))
      socket.end()
      return performance.now() - started
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** @param {string} directory */
function diskBytes(directory) {
  const version = join(directory, 'version-2')
  return readdirSync(version).reduce((sum, name) => sum + statSync(join(version, name)).blocks * 512, 0)
}

/**
 * @param {string} name
 * @param {{ port: number, pid(): number, kill(): Promise<void>, restart(): Promise<void>, directory: string }} server
 */
async function measure(name, server) {
  const idle = resident(server.pid())
  const prober = await probe(server.port)
  const started = performance.now()
  await fill(server.port, { root: '/tree', folders, znodes, data })
  const seconds = (performance.now() - started) / 1000
  const stallLoading = prober.take()
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const stallIdle = prober.take()
  const full = resident(server.pid())
  prober.stop()
  await server.kill()
  const restarting = server.restart()
  const recovery = await serving(server.port)
  await restarting
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const again = resident(server.pid())
  const mb = (/** @type {number} */ bytes) => `${Math.round(bytes / 1e6)} MB`
  const row = {
    server: name,
    'loaded in': `${seconds.toFixed(1)} s`,
    'longest wait of a reader while loading': `${stallLoading.toFixed(0)} ms`,
    'and behind it': `${stallIdle.toFixed(0)} ms`,
    'resident, full': mb(full),
    'bytes a znode': Math.round((full - idle) / znodes),
    'serves again after': `${(recovery / 1000).toFixed(2)} s`,
    'resident, restarted': mb(again),
    'on disk': mb(diskBytes(server.directory)),
  }
  console.log(row)
  return row
}

const rows = []
if (values.only !== 'apache') {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-tree-'))
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child
  let port = 0
  const start = async () => {
    child = spawn(
      process.execPath,
      [bin, 'server', '--port', String(port), '--data-dir', directory, '--set', 'maxClientCnxns=0'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    for await (const line of createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) })) {
      port = Number(line.split(':').at(-1))
      return
    }
  }
  await start()
  rows.push(
    await measure('ours', {
      get port() {
        return port
      },
      pid: () => child?.pid ?? 0,
      async kill() {
        child?.kill('SIGKILL')
        await new Promise((resolve) => child?.once('exit', resolve))
      },
      restart: start,
      directory,
    }),
  )
  child?.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}
const line = values.version === '3.9' ? '3.9' : '3.8'
const found = apacheAvailable(line)
if (values.only !== 'ours' && !found.available) console.log(`Apache is left out, because ${found.reason}`)
if (values.only !== 'ours' && found.available) {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-tree-'))
  // A JVM as for a real server, with a heap large enough for a million znodes.
  const jvm = ['-Xmx3g', '-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC']
  const server = await apache({ version: line, jvm, dataDir: directory, config: { tickTime: 3000 } })
  const pid = () =>
    Number(
      spawnSync('pgrep', ['-f', `${directory}/1/zoo.cfg`], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n')[0],
    )
  rows.push(
    await measure(`Apache ${found.version}`, {
      port: server.ports[0] ?? 0,
      pid,
      kill: () => server.kill(),
      restart: () => server.restart(),
      directory: join(directory, '1'),
    }),
  )
  await server.close()
  rmSync(directory, { recursive: true, force: true })
}
console.table(rows)
console.log(
  `${znodes.toLocaleString('en')} znodes of ${data.length} bytes; ${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`,
)
process.exit(0)
