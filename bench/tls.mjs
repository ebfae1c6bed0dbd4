// @ts-check
/**
 * What TLS costs: handshakes a second, reads and writes on our ports with TLS and without, and on those of Apache (Netty), in one run.
 * Certificates both ways, keys EC P-256.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Authority, apache, apacheAvailable, freePorts } from '@lightkeeper/testing'
import { listening } from './support/process.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run bench -- tls [--quick] [--seconds N] [--rounds N] [--json]')
  process.exit(0)
}
const seconds = values.quick ? 1 : Number(values.seconds)
const rounds = values.quick ? 1 : Number(values.rounds)
const here = fileURLToPath(new URL('.', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-bench-tls-'))
const authority = new Authority('Bench Authority')
const own = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
const files = { server: join(directory, 'server.pem'), authority: join(directory, 'authority.pem') }
writeFileSync(files.server, own.key + own.cert)
writeFileSync(files.authority, authority.cert)
const stores = {
  'ssl.keyStore.location': files.server,
  'ssl.trustStore.location': files.authority,
  'ssl.clientAuth': 'need',
}
const tls = { ca: authority.cert, ...authority.issue({ name: 'bench' }) }

/** @typedef {{ name: string, port: number, isSecure: boolean }} Target */
/** @type {Target[]} */
const targets = []
/** @type {(() => unknown)[]} */
const closes = []

const [ourSecure = 0, apacheSecure = 0] = await freePorts(2)
const settings = { ...stores, secureClientPort: ourSecure, maxClientCnxns: 0, '4lw.commands.whitelist': '*' }
const server = await listening(
  process.execPath,
  [
    join(here, '../packages/cli/bin/lightkeeper.js'),
    ...['server', '--port', '0', '--in-memory'],
    ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
  ],
  'ignore',
)
closes.push(() => server.close())
targets.push({ name: 'ours', port: server.port, isSecure: false })
targets.push({ name: 'ours, TLS', port: ourSecure, isSecure: true })
const found = apacheAvailable('3.9')
if (!found.available) console.log(`Apache ZooKeeper is left out, because ${found.reason}`)
else {
  const netty = await apache({
    version: '3.9',
    jvm: ['-Xmx1g', '-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC'],
    config: {
      secureClientPort: apacheSecure,
      'zookeeper.serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      'zookeeper.forceSync': 'no',
      // As ours: both versions of TLS.
      'zookeeper.fips-mode': 'false',
      ...Object.fromEntries(Object.entries(stores).map(([key, value]) => [`zookeeper.${key}`, value])),
    },
  })
  closes.push(() => netty.close())
  targets.push({ name: `Apache ${found.version}`, port: netty.ports[0] ?? 0, isSecure: false })
  targets.push({ name: `Apache ${found.version}, TLS`, port: apacheSecure, isSecure: true })
}

/** @typedef {{ perSecond: number, p99: number }} Result */
/** @param {string} program @param {Target} target @param {object} options @returns {Result} */
function run(program, target, options) {
  const all = {
    port: target.port,
    seconds,
    warmUp: Math.min(1, seconds / 2),
    ...(target.isSecure ? { tls } : {}),
    ...options,
  }
  const result = spawnSync(process.execPath, [`${here}${program}`, JSON.stringify(all)], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`${program} on ${target.name} failed: ${result.stdout}${result.stderr}`)
  return JSON.parse(result.stdout)
}

/** @type {{ name: string, program: string, options: object, isSecureOnly?: boolean }[]} */
const works = [
  { name: 'handshakes, 1 at a time', program: 'tls/handshakes.mjs', options: { concurrent: 1 }, isSecureOnly: true },
  { name: 'handshakes, 16 at a time', program: 'tls/handshakes.mjs', options: { concurrent: 16 }, isSecureOnly: true },
  ...['reads', 'writes'].flatMap((mix) =>
    [
      [1, 1],
      [64, 1],
      [64, 16],
    ].map(([connections, window]) => ({
      name: `${mix}, ${connections} × ${window}`,
      program: 'versus/load.mjs',
      options: { mix, connections, window, nodes: 1000, bytes: 100 },
    })),
  ),
]

const rows = []
try {
  for (const { name, program, options, isSecureOnly = false } of works) {
    /** @type {Record<string, Result[]>} */
    const results = {}
    const chosen = targets.filter(({ isSecure }) => isSecure || !isSecureOnly)
    // In turn, not one after the other: so other load on the machine affects all alike.
    for (let i = 0; i < rounds; i++)
      for (const target of chosen) (results[target.name] ??= []).push(run(program, target, options))
    /** @type {Record<string, Result | undefined>} */
    const medians = {}
    for (const { name: target } of chosen)
      medians[target] = results[target]?.sort((a, b) => a.perSecond - b.perSecond)[Math.floor(rounds / 2)]
    rows.push({ name, medians })
    if (values.json) continue
    const ours = medians['ours, TLS']?.perSecond ?? 0
    const cells = chosen.map(
      ({ name: target }) => `${target} ${(medians[target]?.perSecond ?? 0).toLocaleString('en')}/s`,
    )
    const ratios = chosen
      .filter(({ name: target }) => target !== 'ours, TLS')
      .map(({ name: target }) => `${(ours / (medians[target]?.perSecond ?? 1)).toFixed(2)} × ${target}`)
    console.log(`${name.padEnd(24)} ${cells.join(', ')}\n${' '.repeat(25)}ours with TLS is ${ratios.join(', ')}`)
  }
} finally {
  for (const close of closes) await close()
  rmSync(directory, { recursive: true, force: true })
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  java: spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr?.split('\n')[0],
}
if (values.json) console.log(JSON.stringify({ machine, seconds, rounds, rows }, null, 2))
else
  console.log(
    `\n${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.java}; ${rounds} rounds of ${seconds} s, medians. Data in memory, or without a sync.`,
  )
process.exit(0)
