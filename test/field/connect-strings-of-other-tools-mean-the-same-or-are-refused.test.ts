/** F04: what stands in secrets, in variables of Kubernetes and in other clients' documentation, handed to `connect` as it is. */
import { connect } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseConnectString } from '../../packages/client/src/connect-string.ts'

type Row = readonly [from: string, text: string, servers: readonly string[], chroot: string]

/** Every form that the documentation of other clients and of the systems that use ZooKeeper shows; names are ours. */
const understood: readonly Row[] = [
  ['Java', '127.0.0.1:2181', ['127.0.0.1:2181'], ''],
  ['Java', '127.0.0.1:3000,127.0.0.1:3001,127.0.0.1:3002', ['127.0.0.1:3000', '127.0.0.1:3001', '127.0.0.1:3002'], ''],
  ['Java', '127.0.0.1:3000,127.0.0.1:3001/app/a', ['127.0.0.1:3000', '127.0.0.1:3001'], '/app/a'],
  ['Java, IPv6', '[2001:db8::1]:2181,[2001:db8::2]:2182/app', ['[2001:db8::1]:2181', '[2001:db8::2]:2182'], '/app'],
  ['Java, no port', '[2001:db8::1],zk2', ['[2001:db8::1]:2181', 'zk2:2181'], ''],
  ['Java, a colon at the end', 'zk1:', ['zk1:2181'], ''],
  ['Java, the root as chroot', 'zk1:2181/', ['zk1:2181'], ''],
  ['Curator', 'zk1.example.com:2181,zk2.example.com:2181', ['zk1.example.com:2181', 'zk2.example.com:2181'], ''],
  ['kazoo', '127.0.0.1:2181', ['127.0.0.1:2181'], ''],
  ['kazoo, a list joined', 'zk1:2181,zk2:2181,/app', ['zk1:2181', 'zk2:2181'], '/app'],
  ['kazoo, upper case', 'ZK1.Example.COM:2181', ['ZK1.Example.COM:2181'], ''],
  ['go-zookeeper', '127.0.0.1', ['127.0.0.1:2181'], ''],
  ['C client', '127.0.0.1:3000,127.0.0.1:3001/app', ['127.0.0.1:3000', '127.0.0.1:3001'], '/app'],
  [
    'node-zookeeper-client',
    'localhost:3000,locahost:3001,localhost:3002',
    ['localhost:3000', 'locahost:3001', 'localhost:3002'],
    '',
  ],
  ['node-zookeeper-client', 'localhost:2181/services/web', ['localhost:2181'], '/services/web'],
  ['Kafka', 'zk1:2181,zk2:2181,zk3:2181/kafka', ['zk1:2181', 'zk2:2181', 'zk3:2181'], '/kafka'],
  ['Compose', 'zoo_1:2181,my-stack_zoo_2.1.abc:2181', ['zoo_1:2181', 'my-stack_zoo_2.1.abc:2181'], ''],
  ['Kubernetes', 'zk-0.zk-hs.default.svc.cluster.local.:2181', ['zk-0.zk-hs.default.svc.cluster.local.:2181'], ''],
  ['a secret', '10.0.0.1:2181/app\n', ['10.0.0.1:2181'], '/app'],
  ['a secret of Windows', '10.0.0.1:2181/app\r\n', ['10.0.0.1:2181'], '/app'],
  ['a blank at the end', '10.0.0.1:2181/app ', ['10.0.0.1:2181'], '/app'],
  ['a byte order mark', '\uFEFF10.0.0.1:2181', ['10.0.0.1:2181'], ''],
  ['a block in YAML', ' zk1:2181 ,\n  zk2:2181,\n\tzk3 /app\n', ['zk1:2181', 'zk2:2181', 'zk3:2181'], '/app'],
  ['a list made by a loop', 'zk1:2181,zk2:2181,', ['zk1:2181', 'zk2:2181'], ''],
  ['IPv6 without brackets', '::1,2001:db8::1', ['[::1]:2181', '[2001:db8::1]:2181'], ''],
  ['IPv6 in full, with a port', '2001:db8:0:0:0:0:0:1:2181', ['[2001:db8:0:0:0:0:0:1]:2181'], ''],
  ['IPv6 with a zone', '[fe80::1%eth0]:2181,fe80::2%eth0', ['[fe80::1%eth0]:2181', '[fe80::2%eth0]:2181'], ''],
  ['IPv6 with a zone and a port', 'fe80::1%eth0:2181', ['[fe80::1%eth0]:2181'], ''],
  ['IPv4 in IPv6', '[::ffff:10.0.0.7]:2181', ['[::ffff:10.0.0.7]:2181'], ''],
  ['a comma in a name', 'zk1:2181/a,b/c', ['zk1:2181'], '/a,b/c'],
]

const refused: readonly (readonly [text: unknown, says: RegExp])[] = [
  ['zk://127.0.0.1:2181/mesos', /remove "zk:\/\/"/],
  ['zk://zk1:2181,zk2:2181/mesos', /remove "zk:\/\/"/],
  ['zookeeper://127.0.0.1:2181', /remove "zookeeper:\/\/"/],
  ['tcp://10.0.0.1:2181', /remove "tcp:\/\/"/],
  ['10.0.0.1:tcp://10.0.0.1:2181', /remove "tcp:\/\/"/],
  ['zk1:2181,zk://zk2:2181', /remove "zk:\/\/"/],
  ['127.0.0.1:2181;127.0.0.1:2182', /commas, not semicolons/],
  ['zk1:2181 zk2:2181', /white space .* commas/],
  ['zk1:2181\nzk2:2181', /white space .* commas/],
  ['zk1|zk2', /the character "\|"/],
  ['127.0.0.1:port', /the port "port" is not a number/],
  ['127.0.0.1:2181x', /the port "2181x" is not a number/],
  ['127.0.0.1:-1', /the port "-1" is not a number/],
  ['127.0.0.1: 2181', /white space/],
  ['127.0.0.1:65536', /above 65535/],
  ['127.0.0.1:0', /port 0/],
  ['zk1:2888:3888', /more than one colon/],
  ['"127.0.0.1:2181"', /remove the quotes/],
  ["'127.0.0.1:2181/app'", /remove the quotes/],
  ['127.0.0.1:2181/app"', /remove the quotes/],
  [String.raw`\"127.0.0.1:2181`, /the character/],
  ['$ZK_HOSTS', /the character "\$"/],
  [`\${ZK_HOSTS}:2181`, /the character "\$"/],
  ['<host>:2181', /the character "<"/],
  ['[::1', /expected \[v6\]/],
  ['[::1]2181', /expected \[v6\]/],
  ['[::1]:', /expected \[v6\]/],
  ['[zk1]:2181', /not an IPv6 address/],
  ['[::1::2]:2181', /not an IPv6 address/],
  ['::1:2181', /two ways: write \[::1\]:2181 .* \[::1:2181\]/],
  ['10.0.0.256:2181', /not an IPv4 address/],
  ['2181', /is a number, not a host/],
  [':2181', /host is missing/],
  ['zk1..example.com', /between dots/],
  ['/app', /names no server/],
  ['', /names no server/],
  [' ', /names no server/],
  [',', /names no server/],
  ['zk1:2181//app', /empty name/],
  ['zk1:2181/app/', /must not end with/],
  ['zk1:2181/a/../b', /relative name/],
  ['zk1:2181/app\u0000', /U\+0000/],
  ['zk1:2181/app /x', /white space/],
  ['srv:', /no name of a service/],
  ['srv:a b', /no name of a service/],
  ['srv:zk.example.com:2181', /no name of a service/],
  ['joe:s3cret@zk1:2181', /no user and no password/],
  [undefined, /must be a string .* not undefined/],
  [null, /must be a string .* not null/],
  [['zk1:2181'], /must be a string .* not an array/],
  [2181, /must be a string .* not number/],
]

describe('a string that names servers', () => {
  test.each(understood)('%s: %j', (_from, text, servers, chroot) => {
    expect(parseConnectString(text)).toEqual({ servers, chroot })
  })
  test.each([
    'srv:_zookeeper._tcp.zk.example.com/app',
    'dns-srv://_zookeeper._tcp.zk.example.com/app',
    ' srv:_zookeeper._tcp.zk.example.com/app\n',
  ])('that are looked up: %j', (text) => {
    expect(parseConnectString(text)).toEqual({ servers: [], chroot: '/app', service: '_zookeeper._tcp.zk.example.com' })
  })
})

describe('a string that cannot mean what it says is refused at once, with what to write', () => {
  test.each(refused)('%j', async (text, says) => {
    await expect(connect(text as string)).rejects.toThrow(says)
    await expect(connect(text as string)).rejects.toThrow(TypeError)
  })
  test('without the password that stands in it', async () => {
    await expect(connect('zk://joe:s3cret@zk1:2181/app')).rejects.toThrow(/^(?!.*s3cret)/s)
  })
  test('with the line of the caller in its stack', async () => {
    async function startsTheProgram(): Promise<void> {
      await connect('zk://zk1:2181')
    }
    const error: unknown = await startsTheProgram().catch((reason: unknown) => reason)
    expect((error as Error).stack).toContain('startsTheProgram')
  })
})

describe('beside a server', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer({ port: 0 })
    await using zk = await connect(server)
    await zk.create('/app')
  })
  afterAll(() => server.close())

  test.each(['\n', ' ', '\r\n', '\t \n'])('%j behind the chroot is no part of it', async (end) => {
    await using zk = await connect(`${server.connectString}/app${end}`)
    await using outside = await connect(server)
    await zk.create('/x')
    expect((await outside.children('/app')).children).toEqual(['x'])
    expect((await outside.children('/')).children).not.toContain('app ')
    await zk.delete('/x')
  })

  test('a preferred server without a port is the one on 2181', async () => {
    await using zk = await connect(server, { preferred: [` ${server.connectString} `] })
    expect(zk.state.kind).toBe('connected')
    await expect(connect(server, { preferred: ['zk://zk1:2181'] })).rejects.toThrow(/server "zk:\/\/zk1:2181"/)
  })

  test('other servers for a client are read by the same rules', async () => {
    await using zk = await connect(server)
    expect(() => zk.updateServers('zk1:2181;zk2:2181')).toThrow(/commas, not semicolons/)
    expect(() => zk.updateServers('zk1:2181/app')).toThrow(TypeError)
  })
})
