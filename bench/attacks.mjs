// @ts-check
/**
 * Attacks of a client on our server and on Apache ZooKeeper, each on a fresh one, beside a client that behaves: how long that one
 * waits, how much memory the server takes, and whether it lives. `--help` lists the options.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Authority, apache, apacheAvailable, freePorts } from '@lightkeeper/testing'
import { attacks } from './attacks/list.mjs'
import { doorInUse, useDoor } from './support/door.mjs'
import { talking } from './support/process.mjs'
import { dial } from './support/wire.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    attack: { type: 'string' },
    version: { type: 'string', default: '3.9' },
    tls: { type: 'boolean', default: false },
    sasl: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(
    'npm run bench -- attacks [--tls] [--sasl] [--only ours|apache] [--attack TEXT] [--version 3.8|3.9] [--json]\n' +
      '--tls attacks a port for TLS without client certificates, --sasl a server that demands a login, by one that has it',
  )
  process.exit(0)
}
const here = fileURLToPath(new URL('.', import.meta.url))
const bin = `${here}../packages/cli/bin/lightkeeper.js`

const files = mkdtempSync(join(tmpdir(), 'lightkeeper-attacks-files-'))
process.on('exit', () => rmSync(files, { recursive: true, force: true }))
const login = { username: 'insider', password: 'of-the-house' }
const authority = new Authority('Bench Authority')

/** What the configuration says beside the ports, by key. @type {Record<string, string>} */
const secure = {}
if (values.tls) {
  const own = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
  writeFileSync(join(files, 'server.pem'), own.key + own.cert)
  writeFileSync(join(files, 'authority.pem'), authority.cert)
  secure['ssl.keyStore.location'] = join(files, 'server.pem')
  secure['ssl.trustStore.location'] = join(files, 'authority.pem')
  secure['ssl.clientAuth'] = 'none'
}
const jaas = join(files, 'jaas.conf')
if (values.sasl) {
  const module = 'org.apache.zookeeper.server.auth.DigestLoginModule'
  writeFileSync(jaas, `Server {\n  ${module} required\n  user_${login.username}="${login.password}";\n};\n`)
  secure['authProvider.1'] = 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider'
  secure['sessionRequireClientSASLAuth'] = 'true'
}
useDoor({ ca: values.tls ? authority.cert : undefined, login: values.sasl ? login : undefined })

/** @typedef {{ port: number, pid: number, close(): Promise<unknown> }} Target */

/** @param {string} name */
async function start(name) {
  return name === 'ours' ? ours() : theirs()
}

/** @returns {Promise<Target>} */
async function ours() {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-attacks-'))
  const [securePort = 0] = await freePorts(1)
  const pairs = {
    forceSync: 'no',
    maxClientCnxns: 0,
    '4lw.commands.whitelist': '*',
    ...secure,
    ...(values.tls ? { secureClientPort: securePort } : {}),
    ...(values.sasl ? { 'java.security.auth.login.config': jaas } : {}),
  }
  const settings = Object.entries(pairs).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const child = spawn(process.execPath, [bin, 'server', '--port', '0', '--data-dir', directory, ...settings], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const close = async () => {
    child.kill('SIGKILL')
    await closed
    rmSync(directory, { recursive: true, force: true })
  }
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listening on .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { port: values.tls ? securePort : Number(port), pid: child.pid ?? 0, close }
  }
  throw new Error('our server did not start')
}

/** @returns {Promise<Target>} */
async function theirs() {
  const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-attacks-'))
  const [securePort = 0] = await freePorts(1)
  const ofTls = {
    secureClientPort: securePort,
    'zookeeper.serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
    'zookeeper.fips-mode': 'false',
  }
  const server = await apache({
    version: values.version === '3.8' ? '3.8' : '3.9',
    jvm: ['-Xmx256m', ...(values.sasl ? [`-Djava.security.auth.login.config=${jaas}`] : [])],
    dataDir: directory,
    config: {
      'zookeeper.forceSync': 'no',
      ...(values.tls ? ofTls : {}),
      ...Object.fromEntries(Object.entries(secure).map(([key, value]) => [`zookeeper.${key}`, value])),
    },
  })
  const { stdout } = spawnSync('pgrep', ['-f', `${directory}/1/zoo.cfg`], { encoding: 'utf8' })
  const close = async () => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return { port: values.tls ? securePort : (server.ports[0] ?? 0), pid: Number(stdout.trim().split('\n')[0]), close }
}

/** Resident memory, bytes; undefined where the process is gone. @param {number} pid */
function resident(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  } catch {
    return undefined
  }
}

/** @param {number} port */
async function bystander(port) {
  const { line, say } = talking(process.execPath, [
    `${here}attacks/bystander.mjs`,
    String(port),
    JSON.stringify(doorInUse()),
  ])
  await line()
  return {
    async begin() {
      say('begin')
      await line()
    },
    /** @returns {Promise<{ p50: number, p99: number, longest: number, isLost: boolean }>} */
    async end() {
      say('end')
      return JSON.parse(await line())
    },
  }
}

/** @param {number} port */
async function isAlive(port) {
  const asking = dial(port, { from: '127.0.0.2' }).then(async (client) => {
    const err = await client.create(`/alive-${process.hrtime.bigint()}`)
    client.destroy()
    return err === 0
  })
  const late = new Promise((resolve) => setTimeout(resolve, 10_000, false))
  return Promise.race([asking.catch(() => false), late])
}

/** @param {string} name @param {import('./attacks/kit.mjs').Attack} attack */
async function run(name, attack) {
  const target = await start(name)
  try {
    const begin = await attack.setUp(target.port)
    const watching = await bystander(target.port)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const idle = resident(target.pid) ?? 0
    let peak = idle
    const sampling = setInterval(() => {
      peak = Math.max(peak, resident(target.pid) ?? 0)
    }, 20)
    await watching.begin()
    await begin().catch(() => {})
    const { p50, p99, longest, isLost } = await watching.end()
    clearInterval(sampling)
    const alive = await isAlive(target.port)
    return { attack: attack.name, server: name, p50, p99, longest, grownMiB: (peak - idle) / 2 ** 20, isLost, alive }
  } finally {
    await target.close()
  }
}

/** What the memory of our server may grow by in most rows, MiB. */
const usualMiB = 64
const found = apacheAvailable(values.version === '3.8' ? '3.8' : '3.9')
if (!found.available && values.only !== 'ours') console.log(`Apache ZooKeeper is left out, because ${found.reason}`)
const names = ['ours', ...(found.available ? ['apache'] : [])].filter((name) => (values.only ?? name) === name)
const rows = []
for (const attack of attacks) {
  if (values.attack !== undefined && !attack.name.includes(values.attack)) continue
  if (attack.needs !== undefined && !values[attack.needs]) continue
  for (const name of names) {
    const row = await run(name, attack)
    const bound = attack.boundMiB?.[values.tls ? 1 : 0] ?? usualMiB
    rows.push(name === 'ours' ? { ...row, boundMiB: bound } : row)
    if (name === 'ours' && (row.grownMiB > bound || !row.alive)) process.exitCode = 1
    const limit = name === 'ours' ? ` of ${bound}` : ''
    if (values.json) continue
    console.log(
      `${attack.name.padEnd(48)} ${name.padEnd(7)} p50 ${row.p50.toFixed(1).padStart(6)} ms  p99 ${row.p99.toFixed(1).padStart(8)} ms  longest ${row.longest.toFixed(0).padStart(6)} ms  memory +${row.grownMiB.toFixed(0).padStart(4)}${limit} MiB  ${row.alive ? 'alive' : 'DEAD'}${row.isLost ? ', second client lost its connection' : ''}`,
    )
  }
}
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
if (values.json) console.log(JSON.stringify({ machine, rows }, null, 2))
process.exit()
