// @ts-check
/**
 * Questions to a data directory with very many transactions. Apache ZooKeeper (or our server) is filled by writes of every kind,
 * and each question of `lightkeeper history`, `tree --at`, `diff` and `undo` is timed as an operator waits for it. `--help` lists
 * the options.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect, op } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { apache } from '@lightkeeper/testing'

const { values } = parseArgs({
  options: {
    txns: { type: 'string', default: '1000000' },
    znodes: { type: 'string', default: '50000' },
    server: { type: 'string', default: 'apache-3.9' },
    directory: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(`npm run bench -- past [--txns N] [--znodes N] [--server ours|apache-3.8|apache-3.9] [--directory D]
  --directory D   filled once and kept; asked again where it is there already`)
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
const written = ask('history of one znode', ['history', '/app/part-7/znode-7', '--json'])
const zxids = written.map((line) => JSON.parse(line).zxid)
ask('history of a subtree', ['history', '/app/part-7', '-r', '--to', middle])
ask('tree at a zxid, all of it', ['tree', '--at', middle])
ask('tree at a zxid, one part', ['tree', '/app/part-7', '--at', middle])
ask('tree at a time, one znode', [
  'tree',
  '/app/part-7/znode-7',
  '--at',
  String(JSON.parse(written.at(-1) ?? '{}').time),
])
const seldom = JSON.parse(ask('history of another znode', ['history', '/app/part-7', '--json']).at(-1) ?? '{}')
ask('all a session did', ['history', '--session', seldom.session ?? '0x0'])
ask('undo of the last write', ['undo', zxids.at(-1)])
ask('difference of two points', ['diff', '/app/part-7', '--from', middle, '--to', `0x${last.toString(16)}`])
if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })

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
  const zk = await connect(server.connectString, { sessionTimeout: 60_000, requestTimeout: 60_000 })
  // A session with few transactions, as the subject of a question.
  const seldom = await connect(server.connectString, { sessionTimeout: 60_000, requestTimeout: 60_000 })
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
