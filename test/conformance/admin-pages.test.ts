/** The admin pages: what each command answers, key by key (Commands.java and JettyAdminServer.java, release 3.9). */
import { opCode, permission } from '@lightkeeper/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminTarget, missingAdminTarget, startAdminTarget, superAuthorization } from '../support/admin-target.ts'
import { targetName } from '../support/target.ts'
import { fact } from './fact.ts'
import { Wire } from './wire.ts'

/** Types by key, of an object; a list has the type of its first item. */
type Shape = string | { readonly [key: string]: Shape } | readonly Shape[]

const connection = {
  remote_socket_address: 'string',
  interest_ops: 'number',
  outstanding_requests: 'number',
  packets_received: 'number',
  packets_sent: 'number',
} as const
const fullConnection = {
  ...connection,
  session_id: 'number',
  last_operation: 'string',
  established: 'number',
  session_timeout: 'number',
  last_cxid: 'number',
  last_zxid: 'number',
  last_response_time: 'number',
  last_latency: 'number',
  min_latency: 'number',
  avg_latency: 'number',
  max_latency: 'number',
} as const
const responses = { last_buffer_size: 'number', min_buffer_size: 'number', max_buffer_size: 'number' } as const
const serverStats = {
  version: 'string',
  read_only: 'boolean',
  server_stats: {
    packets_sent: 'number',
    packets_received: 'number',
    fsync_threshold_exceed_count: 'number',
    client_response_stats: responses,
    auth_failed_count: 'number',
    data_dir_size: 'number',
    log_dir_size: 'number',
    last_processed_zxid: 'number',
    outstanding_requests: 'number',
    server_state: 'string',
    avg_latency: 'number',
    max_latency: 'number',
    min_latency: 'number',
    num_alive_client_connections: 'number',
    provider_null: 'boolean',
    uptime: 'number',
    non_mtlslocal_conn_count: 'number',
    non_mtlsremote_conn_count: 'number',
  },
  client_response: responses,
  node_count: 'number',
} as const

/** Primary names, their aliases, and the keys in front of `command` and `error`. */
const commands: readonly (readonly [names: string, shape: Shape])[] = [
  [
    'configuration conf config',
    {
      client_port: 'number',
      data_dir: 'string',
      data_log_dir: 'string',
      tick_time: 'number',
      max_client_cnxns: 'number',
      min_session_timeout: 'number',
      max_session_timeout: 'number',
      server_id: 'number',
      client_port_listen_backlog: 'number',
    },
  ],
  ['connections cons', { connections: [fullConnection], secure_connections: [] }],
  ['dirs', { datadir_size: 'number', logdir_size: 'number' }],
  ['get_trace_mask gtmk', { tracemask: 'number' }],
  ['hash', { digests: [{ zxid: 'number', digest: 'number', digest_version: 'number' }] }],
  ['initial_configuration icfg', { initial_configuration: 'string' }],
  ['is_read_only isro', { read_only: 'boolean' }],
  ['last_snapshot lsnp', { zxid: 'string', timestamp: 'number' }],
  ['leader lead', {}],
  ['observers obsr', { synced_observers: 'number', observers: [] }],
  ['observer_connection_stat_reset orst', {}],
  ['ruok', {}],
  ['server_stats srvr', serverStats],
  ['stats stat', { ...serverStats, connections: [connection], secure_connections: [] }],
  ['voting_view', { current_config: {} }],
  ['watch_summary wchs', { num_connections: 'number', num_paths: 'number', num_total_watches: 'number' }],
  ['zabstate', { voting: 'boolean', zabstate: 'string' }],
]

function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]))
}

const missing = missingAdminTarget()
if (missing !== undefined) console.log(`admin pages on ${targetName}: skipped, because ${missing}`)

function pagesChapter(title: string, body: (target: () => AdminTarget) => void): void {
  describe.skipIf(missing !== undefined)(`${title} [${targetName}]`, () => {
    let target: AdminTarget | undefined
    beforeAll(async () => {
      target = await startAdminTarget('pages')
    })
    afterAll(() => target?.[Symbol.asyncDispose]())
    body(() => target as AdminTarget)
  })
}

pagesChapter('admin pages', (target) => {
  let wire: Wire
  beforeAll(async () => {
    wire = await Wire.connect(target().port, { timeOut: 20_000 })
    await wire.create('/seen', { flags: 1 })
    await wire.read(opCode.getData, '/seen', true)
    for (let i = 0; i < 300; i++) await wire.create(`/n${i}`)
  })
  afterAll(() => wire?.destroy())

  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${target().url}${path}`, { headers })
  const page = async (name: string): Promise<Record<string, unknown>> => {
    const response = await get(`/commands/${name}`)
    expect(response.status).toBe(200)
    return (await response.json()) as Record<string, unknown>
  }

  for (const [names, shape] of commands) {
    const [primary = '', ...aliases] = names.split(' ')
    fact(`${primary} answers with its keys, under each of its names`, async () => {
      for (const name of [primary, ...aliases]) {
        const { command, error, ...data } = await page(name)
        expect(command).toBe(primary)
        expect(error).toBe(primary === 'leader' ? 'server is not initialized' : null)
        expect(shapeOf(data)).toEqual(shape)
      }
    })
  }
  fact('watches are listed by session and by path, sessions and ephemerals by time and by session', async () => {
    const id = `${wire.sessionId}`
    expect(await textOf(get('/commands/watches'))).toContain(`"${id}" : [ "/seen" ]`)
    expect(await textOf(get('/commands/watches_by_path'))).toContain(`"/seen" : [ ${id} ]`)
    const dump = await textOf(get('/commands/dump'))
    expect(dump).toMatch(new RegExp(`"expiry_time_to_session_ids" : \\{[^}]*"\\d+" : \\[ (-?\\d+, )*${id}[, ]`))
    expect(dump).toMatch(new RegExp(`"session_id_to_ephemeral_paths" : \\{\\s+"${id}" : \\[ "/seen" \\]`))
  })
  fact('environment and system properties are names and texts', async () => {
    const { command, error, ...environment } = await page('environment')
    expect([command, error]).toEqual(['environment', null])
    expect(Object.values(environment).every((each) => typeof each === 'string')).toBe(true)
    for (const name of ['zookeeper.version', 'host.name', 'os.name', 'os.arch', 'user.dir', 'os.memory.free']) {
      expect(environment).toHaveProperty([name])
    }
    expect(await page('sysp')).toMatchObject({ command: 'system_properties', error: null, 'os.name': 'Linux' })
  })
  fact('monitor has the names of mntr without zk_', async () => {
    const data = await page('monitor')
    expect(data).toMatchObject({ server_state: 'standalone', command: 'monitor', error: null })
    const figures = 'znode_count watch_count uptime packets_received cnt_updatelatency p99_updatelatency avg_fsynctime'
    for (const name of figures.split(' ')) expect([name, typeof data[name]]).toEqual([name, 'number'])
    expect(await textOf(get('/commands/mntr'))).toMatch(/"avg_latency" : \d+\.\d+/)
  })
  fact('reset commands answer with nothing', async () => {
    for (const [name, command] of [
      ['crst', 'connection_stat_reset'],
      ['srst', 'stat_reset'],
    ]) {
      expect(await page(name as string)).toEqual({ command, error: null })
    }
  })
  fact('set_trace_mask sets what get_trace_mask shows', async () => {
    expect(await page('set_trace_mask?traceMask=9')).toEqual({ tracemask: 9, command: 'set_trace_mask', error: null })
    expect(await page('gtmk')).toMatchObject({ tracemask: 9 })
    expect(await page('stmk')).toMatchObject({ error: 'setTraceMask requires long traceMask argument' })
    expect(await page('stmk?traceMask=x')).toMatchObject({
      error: 'setTraceMask requires long traceMask argument, got x',
    })
  })
  fact('an unknown command is 200 with an error', async () => {
    expect(await page('nonsense')).toEqual({ command: 'nonsense', error: 'Unknown command: nonsense' })
  })
  fact('the list has a link for each command', async () => {
    for (const path of ['/commands', '/commands/']) {
      const list = await textOf(get(path))
      for (const name of ['configuration', 'monitor', 'server_stats', 'snapshot', 'restore', 'zabstate']) {
        expect(list).toContain(`<a href="/commands/${name}">${name}</a>\n<br/>\n`)
      }
    }
  })
  fact('answers are JSON in lines', async () => {
    const response = await get('/commands/ruok')
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await response.text()).toBe('{\n  "command" : "ruok",\n  "error" : null\n}')
  })
  fact('a snapshot needs somebody with every permission on the root', async () => {
    const status = async (authorization?: string): Promise<number> =>
      (await get('/commands/snapshot', authorization === undefined ? {} : { authorization })).status
    expect(await status()).toBe(401)
    expect(await status('nonsense x')).toBe(401)
    expect(await status('digest a b c')).toBe(401)
    const acl = [{ perms: permission.read, id: { scheme: 'world', id: 'anyone' } }]
    expect((await wire.setAcl('/', acl)).code).toBe('OK')
    expect(await status('digest somebody:pw')).toBe(403)
  })
  fact('a snapshot streams, and one more is too soon', async () => {
    const first = await get('/commands/snapshot?streaming=true', { authorization: superAuthorization })
    expect(first.status).toBe(200)
    expect(first.headers.get('content-type')).toMatch(/^application\/octet-stream/)
    const bytes = Buffer.from(await first.arrayBuffer())
    expect(first.headers.get('snapshot_size')).toBe(`${bytes.length}`)
    expect(first.headers.get('last_zxid')).toMatch(/^0x[0-9a-f]+$/)
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('ZKSN')
    expect((await get('/commands/snap', { authorization: superAuthorization })).status).toBe(429)
  })
})

pagesChapter('a restore by HTTP', (target) => {
  const post = (body: Uint8Array): Promise<Response> =>
    fetch(`${target().url}/commands/restore`, {
      method: 'POST',
      body,
      headers: { authorization: superAuthorization, 'content-type': 'application/octet-stream' },
    })

  fact('everything is as the snapshot says, and one more restore is too soon', async () => {
    const before = await Wire.connect(target().port)
    await before.create('/kept')
    const snapshot = await fetch(`${target().url}/commands/snapshot`, {
      headers: { authorization: superAuthorization },
    })
    const bytes = new Uint8Array(await snapshot.arrayBuffer())
    await before.create('/later')
    before.destroy()
    const unauthorized = await fetch(`${target().url}/commands/restore`, { method: 'POST', body: bytes })
    expect(unauthorized.status).toBe(401)
    const restored = await post(bytes)
    expect(restored.status).toBe(200)
    const { last_zxid: zxid } = (await restored.json()) as { last_zxid: number }
    expect(zxid).toBe(Number(snapshot.headers.get('last_zxid')))
    const after = await Wire.connect(target().port)
    expect((await after.read(opCode.exists, '/kept')).code).toBe('OK')
    expect((await after.read(opCode.exists, '/later')).code).toBe('NO_NODE')
    expect((await after.create('/again')).code).toBe('OK')
    after.destroy()
    expect((await post(bytes)).status).toBe(429)
  })
})

pagesChapter('a restore of what is no snapshot', (target) => {
  fact('it fails with 500, and nothing is changed', async () => {
    const wire = await Wire.connect(target().port)
    await wire.create('/kept')
    const response = await fetch(`${target().url}/commands/restore`, {
      method: 'POST',
      body: new TextEncoder().encode('this is no snapshot'.repeat(100)),
      headers: { authorization: superAuthorization },
    })
    expect(response.status).toBe(500)
    expect((await wire.read(opCode.exists, '/kept')).code).toBe('OK')
    wire.destroy()
  })
})

async function textOf(response: Promise<Response>): Promise<string> {
  return (await response).text()
}

test('the table names each command once', () => {
  const names = commands.flatMap(([each]) => each.split(' '))
  expect(new Set(names).size).toBe(names.length)
})
