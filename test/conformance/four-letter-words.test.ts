/** The form of every four-letter word, as scripts and other programs parse it (FourLetterCommands.java and siblings). */
import { readFileSync } from 'node:fs'
import { opCode } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { targetMode } from '../support/target.ts'
import { chapter, fact } from './fact.ts'
import { bytesOf, Wire } from './wire.ts'

const words = 'ruok srvr stat mntr conf cons dump envi dirs wchs wchc wchp crst srst gtmk stmk isro hash'.split(' ')
const versionOf = /^3\.\d+\.\d+-\S*, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/
const brief = /^ \/127\.0\.0\.1:\d+\[[01]\]\(queued=\d+,recved=\d+,sent=\d+\)$/
const full =
  /^ \/127\.0\.0\.1:\d+\[[01]\]\(queued=\d+,recved=\d+,sent=\d+,sid=0x[0-9a-f]+,lop=[A-Z2]+,est=\d{13},to=\d+(,lcxid=0x[0-9a-f]+)?,lzxid=0x[0-9a-f]+,lresp=\d+,llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+\)$/
const date = String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \S+ \d{4}`

chapter('every four-letter word', { fourLetterWords: '*', tickTime: 2000 }, (c) => {
  const askWith = async (bytes: Uint8Array): Promise<string> => {
    const wire = await Wire.open(c.server.port)
    wire.raw(bytes)
    await wire.closes()
    return wire.text
  }
  const ask = (word: string): Promise<string> => askWith(bytesOf(word) as Uint8Array)
  const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`

  fact('no word that is allowed is answered as one that is not', async () => {
    const answers = await Promise.all(words.filter((word) => word !== 'stmk').map(ask))
    expect(answers.filter((answer) => /whitelist/.test(answer))).toEqual([])
  })
  fact('srvr and stat print the version with the minute of its build', async () => {
    for (const word of ['srvr', 'stat']) {
      const [first = ''] = (await ask(word)).split('\n')
      expect(first.slice(0, 19)).toBe('Zookeeper version: ')
      expect(first.slice(19)).toMatch(versionOf)
    }
  })
  fact('srvr is read by the expression of go-zookeeper', async () => {
    const parts = [
      String.raw`^Zookeeper version: ([A-Za-z0-9.-]+), built on (\d\d/\d\d/\d\d\d\d \d\d:\d\d [A-Za-z0-9:+-]+|\d{4}-\d\d-\d\d \d\d:\d\d [A-Za-z0-9:+-]+)`,
      String.raw`^Latency min/avg/max: (\d+)/([0-9.]+)/(\d+)`,
      String.raw`^Received: (\d+).*\n^Sent: (\d+).*\n^Connections: (\d+).*\n^Outstanding: (\d+)`,
      String.raw`^Zxid: (0x[A-Za-z0-9]+).*\n^Mode: (\w+).*\n^Node count: (\d+)`,
    ]
    const match = new RegExp(parts.join(String.raw`.*\n`), 'm').exec(await ask('srvr'))
    expect(match?.[11]).toBe(targetMode)
  })
  fact('stat has a brief line for each connection and an empty line behind them', async () => {
    const lines = (await ask('stat')).split('\n')
    expect(lines[1]).toBe('Clients:')
    const end = lines.indexOf('')
    const clients = lines.slice(2, end)
    expect(clients.length).toBeGreaterThanOrEqual(2)
    for (const line of clients) expect(line).toMatch(brief)
    expect(lines[end + 1]).toMatch(/^Latency min\/avg\/max: \d+\/\d+\.\d+\/\d+$/)
  })
  fact('cons prints what each session did, and no session for its own connection', async () => {
    const session = await c.connect({ timeOut: 10_000 })
    expect((await session.read(opCode.getData, '/')).code).toBe('OK')
    const answer = await ask('cons')
    expect(answer.endsWith('\n\n')).toBe(true)
    const lines = answer.trimEnd().split('\n')
    const mine = lines.find((line) => line.includes(`sid=${hex(session.sessionId)},`)) ?? ''
    expect(mine).toMatch(full)
    expect(mine).toMatch(/,lop=GETD,est=\d+,to=10000,lcxid=0x[0-9a-f]+,lzxid=0x/)
    const asking = lines.filter((line) => !line.includes('sid='))
    expect(asking).toHaveLength(1)
    expect(asking[0]).toMatch(/\(queued=0,recved=1,sent=0\)$/)
    session.destroy()
  })
  fact('cons is read by the expression of go-zookeeper', async () => {
    const session = await c.connect()
    await session.read(opCode.getData, '/')
    const expression =
      /^ \/((?:\d{1,3}\.){3}\d{1,3}:\d+)\[\d+\]\(queued=(\d+),recved=(\d+),sent=(\d+),sid=(0x[A-Za-z0-9]+),lop=(\w+),est=(\d+),to=(\d+),lcxid=(0x[A-Za-z0-9]+),lzxid=(0x[A-Za-z0-9]+),lresp=(\d+),llat=(\d+),minlat=(\d+),avglat=(\d+),maxlat=(\d+)\)/
    const ids = (await ask('cons')).split('\n').map((line) => expression.exec(line)?.[5])
    expect(ids).toContain(hex(session.sessionId))
    session.destroy()
  })
  fact('dump prints when sessions and connections end, and the ephemerals of each session', async () => {
    const session = await c.connect()
    const path = c.unique()
    expect((await session.create(path, { flags: 1 })).code).toBe('OK')
    const answer = await ask('dump')
    const sections =
      /^SessionTracker dump:\nSession Sets \((\d+)\)\/\((\d+)\):\n([\s\S]*)ephemeral nodes dump:\nSessions with Ephemerals \((\d+)\):\n([\s\S]*)Connections dump:\nConnections Sets \((\d+)\)\/\((\d+)\):\n([\s\S]*)$/.exec(
        answer,
      )
    const [, , , sessions = '', , ephemerals = '', , , connections = ''] = sections ?? []
    const id = hex(session.sessionId)
    // A time whose sessions or connections have all gone may still stand there, with none of them.
    expect(sessions).toMatch(new RegExp(`^(\\d+ expire at ${date}:\\n(\\t0x[0-9a-f]+\\n)*)+$`))
    expect(sessions).toContain(`\t${id}\n`)
    expect(ephemerals).toContain(`${id}:\n\t${path}\n`)
    const line = String.raw`\tip: /127\.0\.0\.1:\d+ sessionId: 0x[0-9a-f]+\n`
    expect(connections).toMatch(new RegExp(`^(\\d+ expire at ${date}:\\n(${line})*)+$`))
    expect(connections).toContain(` sessionId: ${id}\n`)
    session.destroy()
  })
  fact('envi begins with the version, in a form of which kazoo makes numbers', async () => {
    const [first, second = '', ...more] = (await ask('envi')).trimEnd().split('\n')
    expect(first).toBe('Environment:')
    expect(second.slice('zookeeper.version='.length)).toMatch(versionOf)
    expect(second.startsWith('zookeeper.version=')).toBe(true)
    expect(/([\d.]*).*/s.exec(second.slice('zookeeper.version='.length))?.[1]?.split('.').length).toBe(3)
    const names = more.map((line) => line.slice(0, line.indexOf('=')))
    for (const name of ['host.name', 'java.version', 'os.name', 'os.arch', 'user.dir', 'os.memory.free']) {
      expect(names).toContain(name)
    }
  })
  fact('conf prints the directories in use, and their sizes', async () => {
    const pairs = new Map(
      (await ask('conf'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    )
    expect([...pairs.keys()]).toEqual([
      ...['clientPort', 'secureClientPort', 'dataDir', 'dataDirSize', 'dataLogDir', 'dataLogSize', 'tickTime'],
      ...['maxClientCnxns', 'minSessionTimeout', 'maxSessionTimeout', 'clientPortListenBacklog', 'serverId'],
    ])
    expect(pairs.get('clientPort')).toBe(`${c.server.port}`)
    expect(pairs.get('dataDir')).toMatch(/^\/.*\/version-2$/)
    expect(pairs.get('dataLogDir')).toMatch(/^\/.*\/version-2$/)
    expect(Number(pairs.get('dataLogSize'))).toBeGreaterThan(0)
    expect(pairs.get('serverId')).toBe('0')
  })
  fact('dirs prints the sizes', async () => {
    expect(await ask('dirs')).toMatch(/^datadir_size: [1-9]\d*\nlogdir_size: [1-9]\d*\n$/)
  })
  fact('wchs, wchc and wchp print the watches of data', async () => {
    const session = await c.connect()
    const path = c.unique()
    await session.create(path)
    await session.read(opCode.getData, path, true)
    const id = hex(session.sessionId)
    expect(await ask('wchs')).toBe('1 connections watching 1 paths\nTotal watches:1\n')
    expect(await ask('wchc')).toBe(`${id}\n\t${path}\n\n`)
    expect(await ask('wchp')).toBe(`${path}\n\t${id}\n\n`)
    session.destroy()
  })
  fact('crst and srst set numbers back', async () => {
    expect(await ask('crst')).toBe('Connection stats reset.\n')
    expect(await ask('cons')).toMatch(/recved=0,sent=0,sid=/)
    expect(await ask('srst')).toBe('Server stats reset.\n')
    // Apache counts four-letter words among what it received.
    expect(Number(/^Received: (\d+)$/m.exec(await ask('srvr'))?.[1])).toBeLessThanOrEqual(3)
  })
  fact('stmk sets the mask that gtmk shows', async () => {
    const before = await ask('gtmk')
    expect(before).toMatch(/^-?\d+$/)
    const mask = (value: number): Uint8Array =>
      Uint8Array.of(...(bytesOf('stmk') as Uint8Array), 0, 0, 0, 0, 0, 0, 0, value)
    expect(await askWith(mask(5))).toBe('5')
    expect(await ask('gtmk')).toBe('5')
  })
  fact('hash prints digests by zxid', async () => {
    const parent = c.unique()
    await c.wire.create(parent)
    for (let i = 0; i < 140; i++) await c.wire.create(`${parent}/${i}`)
    expect(await ask('hash')).toMatch(/^([0-9a-f]+: -?\d+\n)+$/)
  })
  fact('mntr has the names that dashboards look for, each a number', async () => {
    const pairs = new Map(
      (await ask('mntr'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t') as [string, string]),
    )
    expect(pairs.get('zk_version')).toMatch(versionOf)
    for (const name of [
      ...['avg_latency', 'min_latency', 'max_latency', 'packets_received', 'packets_sent', 'num_alive_connections'],
      ...['outstanding_requests', 'znode_count', 'watch_count', 'ephemerals_count', 'approximate_data_size'],
      ...['open_file_descriptor_count', 'max_file_descriptor_count', 'uptime', 'global_sessions', 'local_sessions'],
      ...['auth_failed_count', 'connection_rejected', 'connection_request_count', 'connection_drop_count'],
      ...['sessionless_connections_expired', 'stale_sessions_expired', 'bytes_received_count', 'snap_count'],
      ...['fsynctime', 'snapshottime', 'readlatency', 'updatelatency'].flatMap((each) =>
        ['avg', 'min', 'max', 'cnt', 'sum'].map((kind) => `${kind}_${each}`),
      ),
      ...['p50_updatelatency', 'p99_updatelatency'],
    ]) {
      expect([name, pairs.get(`zk_${name}`)]).toEqual([name, expect.stringMatching(/^\d+(\.\d+)?$/)])
    }
    expect(Number(pairs.get('zk_uptime'))).toBeGreaterThan(0)
    expect(Number(pairs.get('zk_cnt_updatelatency'))).toBeGreaterThan(100)
    expect(Number(pairs.get('zk_open_file_descriptor_count'))).toBeGreaterThan(5)
  })
  fact('mntr has every figure of the page about monitoring', async () => {
    const names = (await ask('mntr')).split('\n').map((line) => line.split('\t')[0])
    const page = readFileSync(new URL('../../docs/operations/monitoring.md', import.meta.url), 'utf8')
    const table = [...page.matchAll(/^\| `(\w+)` +\| (counter|gauge|summary)( with quantiles|, one for each)?/gm)]
    expect(table.length).toBeGreaterThan(50)
    for (const [, name = '', kind, more] of table) {
      // There is one for each top-level znode with a quota.
      if (more === ', one for each') continue
      const parts = kind === 'summary' ? ['avg_', 'min_', 'max_', 'cnt_', 'sum_'] : ['']
      if (more === ' with quantiles') parts.push('p50_', 'p95_', 'p99_', 'p999_')
      for (const part of parts) expect(names).toContain(`zk_${part}${name}`)
    }
  })
  fact('mntr has limits and usage of quotas by top-level znode', async () => {
    for (const path of ['/zookeeper/quota/shop', '/shop']) await c.wire.create(path)
    await c.wire.create('/zookeeper/quota/shop/zookeeper_limits', { data: 'count=9,bytes=-1' })
    await c.wire.create('/zookeeper/quota/shop/zookeeper_stats', { data: 'count=1,bytes=0' })
    await c.wire.create('/shop/item', { data: 'x' })
    const answer = await ask('mntr')
    expect(answer).toContain('zk_shop_quota_count_limit_per_namespace\t9\n')
    expect(answer).toContain('zk_shop_quota_bytes_limit_per_namespace\t-1\n')
    expect(answer).toContain('zk_shop_quota_count_usage_per_namespace\t2\n')
    expect(answer).toContain('zk_shop_quota_bytes_usage_per_namespace\t1\n')
  })
  fact('who asks and says no more is answered all the same', async () => {
    const wire = await Wire.open(c.server.port)
    wire.raw(bytesOf('conf') as Uint8Array)
    wire.end()
    await wire.closes()
    expect(wire.text).toContain('clientPort=')
  })
})
