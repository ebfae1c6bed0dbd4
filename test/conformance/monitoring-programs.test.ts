/** Programs that watch ZooKeeper take the answers to four-letter words as they take Apache's. */
import { createConnection } from 'node:net'
import { opCode } from '@lightkeeper/protocol'
import { ask } from '@lightkeeper/testing'
import { expect } from 'vitest'
import {
  carlpettMntr,
  dabealuMntr,
  datadogMntr,
  datadogStat,
  type Fields,
  goCons,
  goSrvr,
  kazooVersion,
  nagiosMntr,
  nagiosStat,
  solrStatus,
  telegrafMntr,
  zkShellDump,
} from '../support/monitoring-parsers.ts'
import { targetMode } from '../support/target.ts'
import { chapter, fact } from './fact.ts'

chapter('programs that watch', { fourLetterWords: '*', tickTime: 2000 }, (c) => {
  const word = (name: string): Promise<string> => ask(c.server.port, name)
  const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`
  const basics = ['avg_latency', 'max_latency', 'min_latency', 'packets_received', 'packets_sent']
  const sizes = ['num_alive_connections', 'outstanding_requests', 'znode_count', 'watch_count', 'ephemerals_count']
  const files = ['approximate_data_size', 'open_file_descriptor_count', 'max_file_descriptor_count']
  const wanted = [...basics, ...sizes, ...files]
  const numbersOf = (fields: Fields, prefix: string): (string | number | undefined)[] =>
    wanted.map((name) => fields.get(`${prefix}${name}`))
  const isNumber = (value: unknown): boolean => typeof value === 'number'

  fact('go-zookeeper reads srvr', async () => {
    const fields = goSrvr(await word('srvr'))
    expect(fields.get('mode')).toBe(targetMode)
    expect(Number(fields.get('connections'))).toBeGreaterThan(0)
    expect(Number.isNaN(Date.parse(`${fields.get('built')}`.replace(' UTC', 'Z').replace(' ', 'T')))).toBe(false)
  })
  fact('go-zookeeper reads cons', async () => {
    const session = await c.connect({ timeOut: 10_000 })
    await session.read(opCode.getData, '/')
    const mine = goCons(await word('cons')).find((each) => each.get('sid') === hex(session.sessionId))
    expect(mine?.get('lop')).toBe('GETD')
    expect(mine?.get('to')).toBe('10000')
    session.destroy()
  })
  fact('Telegraf reads every line of mntr', async () => {
    const fields = telegrafMntr(await word('mntr'))
    expect(fields.get('server_state')).toBe(targetMode)
    expect(numbersOf(fields, '').filter((value) => value === undefined)).toEqual([])
  })
  fact('Telegraf, zk_shell and Solr send a line end behind the word', async () => {
    for (const ending of ['\n', '\r\n']) expect((await word(`mntr${ending}`)).startsWith('zk_version\t')).toBe(true)
  })
  fact('Datadog reads stat and mntr', async () => {
    const stat = datadogStat(await word('stat'))
    expect(stat.get('mode')).toBe(targetMode)
    expect(stat.get('clients')).toBe(stat.get('connections'))
    const fields = datadogMntr(await word('mntr'))
    expect(fields.get('mode')).toBe(targetMode)
    expect(numbersOf(fields, 'zookeeper.').every(isNumber)).toBe(true)
  })
  fact('check_zookeeper of Apache reads stat, and mntr in one read', async () => {
    const stat = nagiosStat(await word('stat'))
    expect(stat.get('zk_version')).toMatch(/^3\.\d/)
    expect(stat.get('zk_zxid_counter')).toBeGreaterThan(0)
    const mntr = nagiosMntr(await word('mntr'))
    // Its example for Nagios watches this one.
    expect(isNumber(mntr.get('zk_outstanding_requests'))).toBe(true)
    expect(mntr.get('zk_server_state')).toBe(targetMode)
  })
  fact('the exporters of dabealu and carlpett read mntr', async () => {
    const answer = await word('mntr')
    const dabealu = dabealuMntr(answer)
    expect(dabealu.get('zk_version')).toMatch(/^3\.\d+\.\d+$/)
    expect(dabealu.get('zk_server_leader')).toBe(0)
    expect(numbersOf(dabealu, 'zk_').every(isNumber)).toBe(true)
    const carlpett = carlpettMntr(answer)
    expect(carlpett.get('zk_up')).toBe(1)
    expect(numbersOf(carlpett, 'zk_').map(Number).some(Number.isNaN)).toBe(false)
    expect(await word('ruok')).toBe('imok')
  })
  fact("Solr's status page is green", async () => {
    const [ruok, mntr, conf] = [await word('ruok\n'), await word('mntr\n'), await word('conf\n')]
    expect(solrStatus({ ruok, mntr, conf })).toEqual({ ok: true, errors: [] })
  })
  fact('kazoo and taskflow learn the version from envi', async () => {
    const version = kazooVersion(await word('envi'))
    expect(version.length).toBe(3)
    expect(version[0]).toBe(3)
    expect(version.every(Number.isInteger)).toBe(true)
  })
  fact('zk_shell finds the address of a session and the session of an ephemeral in dump', async () => {
    const session = await c.connect()
    const path = c.unique()
    expect((await session.create(path, { flags: 1 })).code).toBe('OK')
    const { addresses, owners } = zkShellDump(await word('dump\n'))
    expect(owners.get(path)).toBe(hex(session.sessionId))
    expect(addresses.get(hex(session.sessionId))).toMatch(/^127\.0\.0\.1:\d+$/)
    session.destroy()
  })
  fact('an answer ends with the connection, so that readers to the end come to one', async () => {
    const ended = await new Promise<boolean>((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port: c.server.port }, () => socket.write('srvr'))
      socket.on('error', reject)
      socket.on('end', () => resolve(true))
      socket.resume()
    })
    expect(ended).toBe(true)
  })
})
