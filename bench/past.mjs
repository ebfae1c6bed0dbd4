// @ts-check
/**
 * Questions to a data directory with very many transactions. Apache ZooKeeper (or our server) is filled by writes of every kind,
 * and each question of `lightkeeper history`, `tree --at`, `diff` and `undo` is timed as an operator waits for it: from the directory,
 * and with `--running` also by the admin port of a server of ours on it, with the round trips of a client of that server meanwhile.
 * `--help` lists the options.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect, op } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { apache, freePorts } from '@lightkeeper/testing'

const { values } = parseArgs({
  options: {
    txns: { type: 'string', default: '1000000' },
    znodes: { type: 'string', default: '50000' },
    server: { type: 'string', default: 'apache-3.9' },
    directory: { type: 'string' },
    running: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- past [--txns N] [--znodes N] [--server ours|apache-3.8|apache-3.9] [--directory D] [--running]
  --directory D   filled once and kept; asked again where it is there already
  --running       ask a running server of ours too, by its admin port, while a client works`)
  process.exit(0)
}
const txns = Number(values.txns)
const znodes = Number(values.znodes)
const bin = fileURLToPath(new URL('../packages/cli/bin/lightkeeper.js', import.meta.url))
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'lightkeeper-past-'))
const isFilled =
  existsSync(directory) && readdirSync(directory, { recursive: true }).some((name) => String(name).includes('log.'))
if (!isFilled) await fill()
const dataDir = existsSync(join(directory, 'version-2')) ? directory : join(directory, '1')
const names = readdirSync(join(dataDir, 'version-2'))
const bytes = names.reduce((sum, name) => sum + statSync(join(dataDir, 'version-2', name)).blocks * 512, 0)
console.log(
  `${names.filter((name) => name.startsWith('log.')).length} logs, ${names.filter((name) => name.startsWith('snapshot.')).length} snapshots, ${Math.round(bytes / 1e6)} MB`,
)

const last = lastZxid()
const middle = `0x${(last / 2n).toString(16)}`
const written = ask('history of one znode', ['history', '/app/part-8/znode-8', '--json'])
const zxids = written.map((line) => JSON.parse(line).zxid)
const seldom = JSON.parse(ask('history of another znode', ['history', '/app/part-7', '--json']).at(-1) ?? '{}')
/** @type {readonly (readonly [what: string, args: readonly string[]])[]} */
const questions = [
  ['history of a subtree', ['history', '/app/part-7', '-r', '--to', middle]],
  ['tree at a zxid, all of it', ['tree', '--at', middle]],
  ['tree at a zxid, one part', ['tree', '/app/part-7', '--at', middle]],
  [
    'tree at a time, one znode',
    ['tree', '/app/part-8/znode-8', '--at', String(JSON.parse(written.at(-1) ?? '{}').time)],
  ],
  ['all a session did', ['history', '--session', seldom.session ?? '0x0']],
  ['undo of the last write', ['undo', zxids.at(-1)]],
  ['difference of two points', ['diff', '/app/part-7', '--from', middle, '--to', `0x${last.toString(16)}`]],
]
for (const [what, args] of questions) ask(what, args)
if (values.running) await askRunning()
if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })

/** The same questions by the admin port of a server of ours, which a client keeps busy with one request after the other. */
async function askRunning() {
  const [port = 0, adminPort = 0] = await freePorts(2)
  // The password is `secret`.
  const settings = [
    'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
    'admin.enableServer=true',
    // The files stay while they are asked.
    'autopurge.purgeInterval=0',
    `admin.serverPort=${adminPort}`,
  ]
  const server = spawn(
    process.execPath,
    [bin, 'server', '--port', `${port}`, '--data-dir', dataDir, ...settings.flatMap((each) => ['--set', each])],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  await new Promise((resolve) => server.stdout.once('data', resolve))
  const zk = await connect(`127.0.0.1:${port}`, { sessionTimeout: 60_000 })
  const where = ['--admin', `127.0.0.1:${adminPort}`, '--auth', 'digest:super:secret']
  console.log(`by the admin port${' '.repeat(29)}  round trips of a client meanwhile, ms: half, 99 %, longest`)
  /** @type {(readonly [what: string, args: readonly string[] | undefined])[]} */
  const rows = [['nothing is asked', undefined], ...questions]
  for (const [what, args] of rows) {
    const begun = performance.now()
    /** @type {number[]} */
    const trips = []
    let isOver = false
    const asked =
      args === undefined
        ? new Promise((resolve) => setTimeout(resolve, 2_000, ''))
        : new Promise((resolve) => {
            const child = spawn(process.execPath, [bin, ...args, ...where], { stdio: ['ignore', 'pipe', 'inherit'] })
            let lines = 0
            child.stdout.on('data', (piece) => (lines += String(piece).split('\n').length - 1))
            child.on('close', (code) => resolve(`${lines} lines${code === 0 ? '' : `  exit ${code}`}`))
          })
    const ended = asked.then((outcome) => {
      isOver = true
      return outcome
    })
    while (!isOver) {
      const from = performance.now()
      await zk.set('/app', `${trips.length}`)
      trips.push(performance.now() - from)
    }
    const seconds = (performance.now() - begun) / 1000
    trips.sort((a, b) => a - b)
    const at = (/** @type {number} */ share) =>
      (trips[Math.min(trips.length - 1, Math.floor(trips.length * share))] ?? 0).toFixed(1)
    console.log(
      `${String(what).padEnd(28)} ${seconds.toFixed(2).padStart(6)} s  ${String(await ended).padEnd(14)} ${at(0.5)} ${at(0.99)} ${at(1)}`,
    )
  }
  await zk.close()
  server.kill()
}

/** @param {string} what @param {readonly string[]} args */
function ask(what, args) {
  const begun = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args, '--data-dir', dataDir], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  const ms = performance.now() - begun
  const lines = stdout.split('\n').slice(0, -1)
  console.log(
    `${what.padEnd(28)} ${(ms / 1000).toFixed(2).padStart(6)} s  ${lines.length} lines${status === 0 ? '' : `  exit ${status}: ${stderr.trim().slice(0, 200)}`}`,
  )
  return lines
}

function lastZxid() {
  const { stderr } = spawnSync(process.execPath, [bin, 'tree', '/zookeeper', '--data-dir', dataDir], {
    encoding: 'utf8',
  })
  return BigInt(/as after (0x[0-9a-f]+)/.exec(stderr)?.[1] ?? 0)
}

async function fill() {
  const begun = performance.now()
  mkdirSync(directory, { recursive: true })
  const version = /^apache-(3\.[89])$/.exec(values.server)?.[1]
  const server =
    version === undefined
      ? await startServer({ port: 0, dataDir: directory, forceSync: false })
      : await apache({
          version: /** @type {'3.8' | '3.9'} */ (version),
          dataDir: directory,
          config: { forceSync: 'no' },
        })
  const zk = await connect(server.connectString, { sessionTimeout: 60_000, requestTimeout: 600_000 })
  // A session with few transactions, as the subject of a question.
  const seldom = await connect(server.connectString, { sessionTimeout: 60_000, requestTimeout: 600_000 })
  const parts = 100
  /** @type {(i: number) => `/${string}`} */
  const pathOf = (i) => `/app/part-${i % parts}/znode-${i}`
  for (let i = 0; i < parts; i++) await zk.create(`/app/part-${i}`, '', { parents: true })
  /** @type {Promise<unknown>[]} */
  let window = []
  for (let i = 0; i < txns; i++) {
    const path = pathOf(i % znodes)
    const round = Math.floor(i / znodes)
    if (i % 5_000 === 7) window.push(seldom.set('/app/part-7', `${i}`))
    else if (round === 0) window.push(zk.create(path, `{"name":"${i}","round":0}`))
    else if (i % 10 === 3)
      window.push(zk.transaction(op.set(path, `{"name":"${i}","round":${round},"by":"multi"}`), op.check('/app')))
    else if (i % 10 === 5) window.push(zk.set('/app/none', '').catch(() => {}))
    else window.push(zk.set(path, `{"name":"${i}","round":${round}}`))
    if (window.length < 2_000) continue
    await Promise.all(window)
    window = []
  }
  await Promise.all(window)
  await seldom.close()
  await zk.close()
  await server.close()
  console.log(`${values.server}: ${txns} transactions in ${Math.round((performance.now() - begun) / 1000)} s`)
}
