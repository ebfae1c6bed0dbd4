// @ts-check
/**
 * Attacks of a client on our server and on Apache ZooKeeper, each on a fresh one, beside a client that behaves: how long that one
 * waits, how much memory the server takes, and whether it lives. `--help` lists the options.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Authority, apache, apacheAvailable, freePorts } from '@lightkeeper/testing'
import { besieged } from './attacks/besieged.mjs'
import { attacks } from './attacks/list.mjs'
import { memberAttacks } from './attacks/members.mjs'
import { bystander, memoryOf } from './attacks/watch.mjs'
import { useDoor } from './support/door.mjs'
import { dial } from './support/wire.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    attack: { type: 'string' },
    version: { type: 'string', default: '3.9' },
    tls: { type: 'boolean', default: false },
    sasl: { type: 'boolean', default: false },
    members: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(
    'npm run bench -- attacks [--tls] [--sasl] [--members] [--only ours|apache] [--attack TEXT] [--version 3.8|3.9] [--json]\n' +
      '--tls attacks a port for TLS without client certificates, --sasl a server that demands a login, by one that has it,\n' +
      '--members a member of an ensemble of three',
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
    const memory = memoryOf(target.pid)
    await watching.begin()
    await begin().catch(() => {})
    const { p50, p99, longest, isLost } = await watching.end()
    const grownMiB = memory.grownMiB()
    const alive = await isAlive(target.port)
    return { attack: attack.name, server: name, p50, p99, longest, grownMiB, isLost, alive }
  } finally {
    await target.close()
  }
}

/** What the memory of our server may grow by in most rows, MiB. */
const usualMiB = 64
const found = apacheAvailable(values.version === '3.8' ? '3.8' : '3.9')
if (!found.available && values.only !== 'ours') console.log(`Apache ZooKeeper is left out, because ${found.reason}`)
const names = ['ours', ...(found.available ? ['apache'] : [])].filter((name) => (values.only ?? name) === name)
/** @type {object[]} */
const rows = []
if (values.members) await attackMembers()
else await attackServers()
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
if (values.json) console.log(JSON.stringify({ machine, rows }, null, 2))
process.exit()

/** A server that stands alone, afresh for each attack. */
async function attackServers() {
  for (const attack of attacks) {
    if (values.attack !== undefined && !attack.name.includes(values.attack)) continue
    if (attack.needs !== undefined && !values[attack.needs]) continue
    for (const name of names) {
      const row = await run(name, attack)
      const bound = attack.boundMiB?.[values.tls ? 1 : 0] ?? usualMiB
      rows.push(name === 'ours' ? { ...row, boundMiB: bound } : row)
      if (name === 'ours' && (row.grownMiB > bound || !row.alive)) process.exitCode = 1
      const end = `${row.alive ? 'alive' : 'DEAD'}${row.isLost ? ', second client lost its connection' : ''}`
      say(attack.name.padEnd(48), name, row, name === 'ours' ? bound : undefined, end)
    }
  }
}

/** Three servers, afresh for each attack. */
async function attackMembers() {
  for (const attack of memberAttacks) {
    if (values.attack !== undefined && !attack.name.includes(values.attack)) continue
    for (const name of /** @type {('ours' | 'apache')[]} */ (names)) {
      const row = await besieged(name, attack)
      const bound = attack.boundMiB ?? usualMiB
      rows.push({ attack: attack.name, server: name, ...row, ...(name === 'ours' ? { boundMiB: bound } : {}) })
      if (name === 'ours' && (row.grownMiB > bound || !row.isWhole || row.isLost)) process.exitCode = 1
      const hasCome = attack.restarts === true || attack.at === 'looking'
      const back = row.backMs === undefined ? 'NOT BACK' : `back in ${row.backMs.toFixed(0)} ms`
      const end = [
        row.isWhole ? 'whole' : 'BROKEN',
        hasCome ? back : '',
        row.isLost ? 'client LOST its connection' : '',
      ]
      say(attack.name.padEnd(90), name, row, name === 'ours' ? bound : undefined, end.filter(Boolean).join(', '))
    }
  }
}

/**
 * @param {string} attack @param {string} name @param {{ p50?: number, p99?: number, longest?: number, grownMiB: number }} row
 * @param {number | undefined} boundMiB @param {string} end
 */
function say(attack, name, { p50, p99, longest, grownMiB }, boundMiB, end) {
  if (values.json) return
  const ms = (/** @type {string} */ what, /** @type {number | undefined} */ value, /** @type {number} */ width) =>
    value === undefined ? '' : `  ${what} ${value.toFixed(value < 100 ? 1 : 0).padStart(width)} ms`
  const limit = boundMiB === undefined ? '' : ` of ${boundMiB}`
  const waits = `${ms('p50', p50, 6)}${ms('p99', p99, 7)}${ms('longest', longest, 7)}`
  console.log(`${attack} ${name.padEnd(6)}${waits}  memory +${grownMiB.toFixed(0).padStart(4)}${limit} MiB  ${end}`)
}
