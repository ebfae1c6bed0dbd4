/** F13, F14, F15 and their kind, as an operator meets them: what the server says, where it listens, and what it opens. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { optionsOf, parseZooCfg, resolveConfig, startServer } from '@lightkeeper/server'
import { afterAll, describe, expect, test } from 'vitest'
import { serverSettings } from '../../packages/cli/src/server-settings.ts'
import { freePort, ourProcess } from '../support/our-process.ts'

const root = mkdtempSync(join(tmpdir(), 'lightkeeper-zoo-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let count = 0
const folder = (): string => {
  const path = join(root, `${++count}`)
  mkdirSync(path)
  return path
}
const file = (content: string, directory = folder()): string => {
  const path = join(directory, 'zoo.cfg')
  writeFileSync(path, content)
  return path
}

describe('dataLogDir is dataDir spelled otherwise', () => {
  test.each(['d/', './d', 'x/../d', 'd//', 'link'])('%s', async (other) => {
    const base = folder()
    mkdirSync(join(base, 'x'))
    mkdirSync(join(base, 'd'))
    symlinkSync(join(base, 'd'), join(base, 'link'))
    const options = { port: 0, dataDir: join(base, 'd'), dataLogDir: `${base}/${other}` }
    {
      await using server = await startServer(options)
      await using zk = await connect(server)
      await zk.create('/a', 'kept')
      await expect(startServer(options)).rejects.toThrow(/in use/)
      await expect(startServer({ port: 0, dataDir: options.dataLogDir })).rejects.toThrow(/in use/)
    }
    await using server = await startServer(options)
    await using zk = await connect(server)
    expect(new TextDecoder().decode((await zk.get('/a')).data)).toBe('kept')
  })
})

test('with datadir.autocreate=false a missing directory is no empty tree, but a refusal', async () => {
  const { options } = parseZooCfg('datadir.autocreate=false')
  const dataDir = join(folder(), 'mounted')
  await expect(startServer({ ...options, port: 0, dataDir })).rejects.toThrow(
    /mounted\/version-2 .*is its disk mounted/,
  )
  await (await startServer({ port: 0, dataDir })).close()
  await using server = await startServer({ ...options, port: 0, dataDir })
  expect(server.config.dataDir).toBe(dataDir)
})

describe('the members are in another file', () => {
  const lines = (many: number, client = ';2181'): string =>
    Array.from({ length: many }, (_, i) => `server.${i + 1}=h${i + 1}:2888:3888:participant${client}\n`).join('')
  const laid = (members: string | undefined, more = ''): string => {
    const directory = folder()
    if (members !== undefined) writeFileSync(join(directory, 'members'), members)
    const text = `tickTime=2000\ndataDir=${directory}/d\ndynamicConfigFile=${directory}/members\n${more}`
    return file(text, directory)
  }
  test('three of them are refused without a myid, before anything is opened', async () => {
    const path = laid(lines(3))
    await expect(ourProcess([path])).rejects.toThrow(
      /server\.N names 3 servers, and the file myid must say which one this server is: .*myid/,
    )
    expect(readdirSync(join(path, '..')).sort()).toEqual(['members', 'zoo.cfg'])
  })
  test('three of them make a member, which gives up nothing of its own', async () => {
    const path = laid(lines(3), 'initLimit=10\nsyncLimit=5\n')
    const dataDir = join(path, '..', 'd')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'myid'), '1\n')
    const { options, warnings } = await serverSettings(path, { 'accept-loss': true })
    expect(options).toMatchObject({ myid: 1, clientPort: 2181, clientPortAddress: '::' })
    expect(warnings.map(({ message }) => message)).toEqual([
      '--accept-loss has no effect on a member: it gets what is lost from its leader',
    ])
  })
  test('one of them says where to listen', async () => {
    const port = await freePort()
    await using server = await ourProcess([laid(lines(1, `;127.0.0.1:${port}`))])
    expect(server.port).toBe(port)
    expect(server.errors()).not.toContain('listening on 127.0.0.1 alone')
  })
  test.each([
    ['the file is missing', undefined, '', /dynamicConfigFile cannot be read: .*members: ENOENT/],
    ['a member stands beside it', lines(1), 'server.1=h1:2888:3888\n', /server\.1 must be in the dynamicConfigFile/],
    ['it holds something else', `tickTime=2000\n${lines(1)}`, '', /tickTime cannot stand in .*members/],
    ['it holds a version', `version=100000000\n${lines(1)}`, '', /version cannot stand in .*members/],
    ['it holds none', '', 'standaloneEnabled=false\n', /standaloneEnabled is false, and there is no member/],
  ])('%s', async (_what, members, more, says) => {
    await expect(serverSettings(laid(members, more), {})).rejects.toThrow(says)
  })
  test('relative to the working directory, as in Apache', async () => {
    const read: string[] = []
    const readFile = (path: string): string => (read.push(path), lines(1))
    expect(parseZooCfg('dynamicConfigFile=conf/members', { readFile }).options.clientPort).toBe(2181)
    expect(read).toEqual(['conf/members'])
    expect(() => parseZooCfg('dynamicConfigFile=conf/members')).toThrow(/dynamicConfigFile .* was not read/)
  })
})

describe('the line of the one member', () => {
  test.each([
    [';31337', '', { clientPort: 31337, clientPortAddress: '::' }],
    [':participant;31337', '', { clientPort: 31337, clientPortAddress: '::' }],
    [':PARTICIPANT;127.0.0.1:31337', '', { clientPort: 31337, clientPortAddress: '127.0.0.1' }],
    [';[::1]:31337', '', { clientPort: 31337, clientPortAddress: '::1' }],
    [';0.0.0.0:31337', '', { clientPort: 31337, clientPortAddress: '0.0.0.0' }],
    [';127.0.0.1:31337', 'clientPort=31337', { clientPort: 31337, clientPortAddress: '127.0.0.1' }],
    ['', 'clientPort=31338', { clientPort: 31338 }],
    [';', 'clientPort=31338', { clientPort: 31338 }],
  ])('ends in "%s" beside "%s"', (end, beside, options) => {
    const { clientPort, clientPortAddress } = parseZooCfg(`server.1=localhost:2888:3888${end}\n${beside}`).options
    expect({ clientPort, clientPortAddress }).toEqual({ clientPortAddress: undefined, ...options })
  })
  test.each([
    ['server.1=localhost:2888:3888;31337', 'clientPort=31338', /^clientPort is 31338, expected 31337/],
    ['server.1=localhost:2888:3888;31337', 'clientPort=31337\nclientPortAddress=10.0.0.1', /^clientPortAddress is "10/],
    ['server.1=localhost:2888:3888:observer;31337', '', /^server\.1 is an observer/],
    ['server.1=localhost:2888:3888;;2281', '', /^server\.1 asks for TLS, and there is no certificate for it/],
    ['server.1=localhost:2888:3888;2181;2281;1', '', /^server\.1 is "/],
    [
      'server.1=localhost:2888:3888;;2281',
      'secureClientPort=2282',
      /^secureClientPort is 2282, expected 2281, since server\.1 ends in ;;2281/,
    ],
    ['server.1=localhost:2888', '', /^server\.1 is "localhost:2888", expected host:port:port/],
    ['server.1=localhost:2888:2888', '', /two different ports/],
    ['server.1=localhost:2888:3888:leader', '', /participant or observer/],
    ['server.1=localhost:2888:3888;http', '', /^server\.1 is/],
    ['server.1=localhost:2888:3888;70000', '', /^server\.1 is/],
    ['server.1=a:1:2|b:1:2', '', /multiAddress\.enabled/],
    ['server.one=localhost:2888:3888', '', /^server\.one has no number/],
    ['zookeeper.server.1=a:1:2', 'server.2=b:1:2', /^server\.N names 2 servers/],
  ])('%s %s is refused', (line, beside, says) => {
    expect(() => parseZooCfg(`${line}\n${beside}`)).toThrow(says)
  })
})

describe('a file that asks for TLS gets it, or is refused', () => {
  const stores =
    'ssl.keyStore.location=/k.jks\nssl.keyStore.password=changeit\nssl.trustStore.location=/t.p12\nssl.trustStore.password=changeit'

  test('a port for TLS alone, and no other', () => {
    const { options, unknown, ignored } = parseZooCfg(
      `secureClientPort=2281\nserverCnxnFactory=org.example.Netty\n${stores}`,
    )
    expect(options).not.toHaveProperty('clientPort')
    expect(options).toMatchObject({
      secureClientPort: 2281,
      tls: {
        keyStoreLocation: '/k.jks',
        keyStorePassword: 'changeit',
        trustStoreLocation: '/t.p12',
        trustStorePassword: 'changeit',
      },
    })
    expect([unknown, ignored]).toEqual([[], ['serverCnxnFactory']])
  })

  test('the port in the line of the only member is on all addresses', () => {
    expect(parseZooCfg(`server.1=localhost:2888:3888;;2281\n${stores}`).options).toMatchObject({
      secureClientPort: 2281,
      secureClientPortAddress: '::',
    })
    expect(parseZooCfg(`server.1=localhost:2888:3888;2181;127.0.0.1:2281\n${stores}`).options).toMatchObject({
      clientPort: 2181,
      clientPortAddress: '::',
      secureClientPort: 2281,
      secureClientPortAddress: '127.0.0.1',
    })
  })

  test.each([
    [
      'secureClientPort=2281',
      /^secureClientPort asks for TLS, and there is no certificate for it: ssl\.keyStore\.location is missing/,
    ],
    ['client.portUnification=true', /^client\.portUnification asks for TLS/],
    ['clientPort=2181\nSTORES', /^ssl\.keyStore\.location asks for TLS, and there is no port for it/],
    [
      'secureClientPort=2281\nssl.clientAuth=need',
      /^ssl\.keyStore\.location is missing: a TLS port needs a certificate/,
    ],
    [
      'secureClientPort=2281\nssl.keyStore.location=/k.jks',
      /^ssl\.trustStore\.location is missing: clients must have certificates/,
    ],
    ['secureClientPort=2281\nSTORES\nssl.keyStore.type=BCFKS', /^ssl\.keyStore\.type asks for BCFKS/],
    ['secureClientPort=2281\nSTORES\nssl.ciphersuites=TLS_X', /^ssl\.ciphersuites names "TLS_X"/],
    ['secureClientPort=2281\nSTORES\nssl.protocol=TLSv1', /^ssl\.protocol is TLSv1, which is not safe/],
    [
      'secureClientPort=2281\nSTORES\nssl.handshakeDetectionTimeoutMillis=soon',
      /^ssl\.handshakeDetectionTimeoutMillis is "soon"/,
    ],
    ['secureClientPort=http\nSTORES', /^secureClientPort is "http"/],
  ])('%s', (lines, says) => {
    const text = lines.replace('STORES', stores)
    expect(() => parseZooCfg(text)).toThrow(says)
    expect(() => parseZooCfg(text.replaceAll(/^/gm, 'zookeeper.'))).toThrow(says)
    expect(() => parseZooCfg(text)).toThrow(/^(?!.*changeit)/)
  })

  test('keys of TLS that nobody knows are said', () => {
    const { notes } = parseZooCfg(
      `secureClientPort=2281\n${stores}\nssl.clientAuht=none\nssl.handshakeDetectionTimeoutMillis=0`,
    )
    expect(notes).toEqual([
      'ssl.clientAuht is no key of TLS that this server knows; it has no effect',
      'ssl.handshakeDetectionTimeoutMillis=0 counts as the default, as in Apache',
    ])
  })
})

describe('a file that asks for TLS on the admin port or for the metrics gets it, or is refused', () => {
  const admin = 'ssl.quorum.keyStore.location=/k.jks\nssl.quorum.keyStore.password=changeit'
  const metrics = 'metricsProvider.ssl.keyStore.location=/k.jks\nmetricsProvider.ssl.keyStore.password=changeit'

  test('the admin port has the stores of the ports between servers, and asks for certificates if it is told to', () => {
    const of = (lines: string): unknown => parseZooCfg(`${admin}\n${lines}`).options
    expect(of('admin.forceHttps=TRUE')).toMatchObject({
      adminForceHttps: true,
      adminTls: { keyStoreLocation: '/k.jks', keyStorePassword: 'changeit', clientAuth: 'none' },
    })
    const trusting = 'ssl.quorum.trustStore.location=/t.p12\nadmin.needClientAuth=true'
    expect(of(`admin.portUnification=true\n${trusting}`)).toMatchObject({
      adminPortUnification: true,
      adminTls: { trustStoreLocation: '/t.p12', clientAuth: 'need' },
    })
  })

  test('without it these stores have no effect, and a line says so', () => {
    const { options, ignored } = parseZooCfg(`${admin}\nadmin.needClientAuth=false`)
    expect(options).not.toHaveProperty('adminTls')
    expect([...ignored].sort()).toEqual([
      'admin.needClientAuth',
      'ssl.quorum.keyStore.location',
      'ssl.quorum.keyStore.password',
    ])
  })

  test.each([
    ['', 'need', { 'trustStore.location': '/t.p12' }],
    ['metricsProvider.ssl.need.client.auth=false', 'want', {}],
    ['metricsProvider.ssl.need.client.auth=false\nmetricsProvider.ssl.want.client.auth=false', 'none', {}],
  ])(
    'the metrics have stores of their own, and no port without TLS unless it is given: %j',
    (lines, clientAuth, more) => {
      const trust = Object.entries(more).map(([key, value]) => `metricsProvider.ssl.${key}=${value}`)
      const text = ['metricsProvider.httpsPort=7443', metrics, lines, ...trust].join('\n')
      const { options } = parseZooCfg(text)
      expect(options).toMatchObject({ metricsHttpsPort: 7443, metricsTls: { keyStoreLocation: '/k.jks', clientAuth } })
      expect(resolveConfig(options, 0).metricsHttpPort).toBe(-1)
    },
  )

  test.each([
    ['admin.forceHttps=true', /^admin\.forceHttps asks for TLS, .*: ssl\.quorum\.keyStore\.location is missing/],
    ['admin.portUnification=true', /^admin\.portUnification asks for TLS, and there is no certificate for it/],
    [
      'admin.needClientAuth=true',
      /^admin\.needClientAuth asks for certificates of clients, and the admin port speaks no/,
    ],
    [
      `${admin}\nadmin.forceHttps=true\nadmin.needClientAuth=true`,
      /^ssl\.quorum\.trustStore\.location is missing: .*\(admin\.needClientAuth\)/,
    ],
    [
      'metricsProvider.httpsPort=7443',
      /^metricsProvider\.httpsPort asks for TLS, .*: metricsProvider\.ssl\.keyStore\.location is missing/,
    ],
    [
      `${metrics}\nmetricsProvider.ssl.need.client.auth=false`,
      /^metricsProvider\.ssl\.keyStore\.location asks for TLS, and there is no port for it: give metricsProvider\.httpsPort/,
    ],
    [
      `${metrics}\nmetricsProvider.httpsPort=7443`,
      /^metricsProvider\.ssl\.trustStore\.location is missing: .*\(metricsProvider\.ssl\.need\.client\.auth\)/,
    ],
  ])('%j', (lines, says) => {
    expect(() => parseZooCfg(lines)).toThrow(says)
    expect(() => parseZooCfg(lines)).toThrow(/^(?!.*changeit)/)
  })
})

describe('what a file says about security is done or refused, with and without the prefix', () => {
  test.each([
    'secureClientPort=2281',
    'secureClientPortAddress=0.0.0.0',
    'client.portUnification=TRUE',
    'ssl.crl=true',
    'ssl.ocsp=true',
    'ssl.clientHostnameVerification=true',
    'ssl.context.supplier.class=com.example.Own',
    'authProvider.1=org.apache.zookeeper.server.auth.KeyAuthenticationProvider',
    'authProvider.sasl=com.example.SASLAuthenticationProvider',
    'java.security.auth.login.config=/no/such/file',
    'authProvider.x509=com.example.Own',
    'requireClientAuthScheme=sasl',
    'sessionRequireClientSASLAuth=true',
    'enforce.auth.schemes=sasl',
    'quorum.auth.enableSasl=true',
    'quorum.auth.serverRequireSasl=true',
    'quorum.auth.learnerRequireSasl=true',
    'quorum.auth.enableSasl=yes',
    'DigestAuthenticationProvider.digestAlg=SHA-3000',
    'DigestAuthenticationProvider.superDigest=super:changeit',
    'group.1=1:2:3',
    'weight.1=1',
    'peerType=observer',
    'oraclePath=/oracle',
  ])('%s', (line) => {
    const key = line.slice(0, line.indexOf('='))
    for (const given of [line, `zookeeper.${line}`]) {
      expect(() => parseZooCfg(`dataDir=/d\n${given}\n`)).toThrow(new RegExp(`^${key.replaceAll('.', '\\.')} `))
      expect(() => optionsOf([given.split('=', 2) as [string, string]])).toThrow(/^(?!.*changeit)/)
    }
  })
  test.each([
    'portUnification=true',
    'client.portUnification=FALSE',
    'ssl.quorum.keyStore.password=changeit',
    'ssl.hostnameVerification=false\nssl.clientHostnameVerification=true',
    'sslQuorum=false',
    'ssl.crl=false',
    'ssl.keyStore.location=',
    'sessionRequireClientSASLAuth=false',
    'enforce.auth.enabled=false\nenforce.auth.schemes=sasl',
    'quorum.auth.enableSasl=false\nquorum.auth.serverRequireSasl=false',
    'quorum.auth.learner.saslLoginContext=QuorumLearner',
    'authProvider.1=org.apache.zookeeper.server.auth.DigestAuthenticationProvider',
    'audit.enable=false',
    'DigestAuthenticationProvider.digestAlg=SHA1',
    'DigestAuthenticationProvider.enabled=true',
    'peerType=participant',
    'allowSaslFailedClients=true',
  ])('%s asks for nothing', (lines) => {
    expect(parseZooCfg(lines).unknown).toEqual([])
    expect(parseZooCfg(lines.replaceAll(/^/gm, 'zookeeper.')).unknown).toEqual([])
  })
})

describe('a key that is misspelt', () => {
  test('is named with the one that was meant, all of them in one line', async () => {
    const path = file(`dataDir=${root}/u\nclientport=2181\nmaxClientCnxn=5\nconstructor=1\n__proto__=2\ntoString=3\n`)
    const { warnings, options } = await serverSettings(path, {})
    expect(warnings.filter(({ message }) => message.startsWith('no such'))).toEqual([
      {
        message: 'no such settings, nothing came of them',
        facts: { keys: 'clientport (clientPort?) maxClientCnxn (maxClientCnxns?) constructor __proto__ toString' },
      },
    ])
    expect(options).toMatchObject({ dataDir: `${root}/u` })
    for (const name of ['clientPort', 'clientport', 'maxClientCnxns', 'maxClientCnxn']) {
      expect(Object.keys(options)).not.toContain(name)
    }
  })
  test('is named too where it comes by --set', async () => {
    const { warnings } = await serverSettings(undefined, { set: ['constructor=1', 'hasOwnProperty=2', 'tickTme=5'] })
    expect(warnings.map(({ facts }) => facts?.['keys'])).toEqual(['constructor hasOwnProperty tickTme (tickTime?)'])
  })
  test('does not make a server that keeps nothing', async () => {
    await expect(serverSettings(file('datadir=/var/lib/zookeeper\nclientPort=2181\n'), {})).rejects.toThrow(
      /^dataDir is not set/,
    )
    expect((await serverSettings(file('clientPort=2181\n'), { 'in-memory': true })).options.dataDir).toBeUndefined()
  })
})

test('values out of range are named as the file names them', () => {
  for (const [line, says] of [
    ['clientPort=70000', /^clientPort is 70000, expected an integer from 0 to 65535/],
    ['znode.container.checkIntervalMs=0', /^znode\.container\.checkIntervalMs is 0/],
    ['nio.sessionlessCnxnTimeout=-1', /^nio\.sessionlessCnxnTimeout is -1/],
    ['snapshot.compression.method=zip', /^snapshot\.compression\.method is "zip", expected none, gz or snappy/],
    ['tickTime=0', /^tickTime is 0/],
    ['clientPortAddress=127.0.0.1:2181', /^clientPortAddress is "127\.0\.0\.1:2181", expected a host name/],
    ['dataDir=', /^dataDir is "", expected the path of a directory/],
    ['dataLogDir=', /^dataLogDir is ""/],
    ['4lw.commands.whitelist="*"', /^4lw\.commands\.whitelist is/],
    ['initLimit=ten', /^initLimit is "ten"/],
    ['localSessionsEnabled=maybe', /^localSessionsEnabled is "maybe"/],
  ] as const) {
    expect(() => parseZooCfg(line)).toThrow(says)
  }
})

test('schemes, their hash and their superusers are taken as a file says', () => {
  const package_ = 'org.apache.zookeeper.server.auth'
  const { options, unknown, ignored } = parseZooCfg(
    [
      `authProvider.1=${package_}.SASLAuthenticationProvider`,
      `zookeeper.authProvider.x509=${package_}.X509AuthenticationProvider`,
      `authProvider.ensemble=${package_}.EnsembleAuthenticationProvider`,
      'ensembleAuthName=one, two',
      'DigestAuthenticationProvider.enabled=false',
      'DigestAuthenticationProvider.digestAlg=SHA3-256',
      'superUser=bob',
      'zookeeper.superUser.1=ann',
      'X509AuthenticationProvider.superUser=CN=root',
      'allowSaslFailedClients=true',
      'letAnySaslUserDoX=X',
      'enforce.auth.enabled=true',
      'enforce.auth.schemes= sasl ,x509',
    ].join('\n'),
  )
  expect(options).toMatchObject({
    authProviders: ['sasl', 'x509', 'ensemble'],
    ensembleAuthName: 'one, two',
    digestAuthEnabled: false,
    digestAlg: 'SHA3-256',
    superUsers: ['bob', 'ann'],
    x509SuperUser: 'CN=root',
    allowSaslFailedClients: true,
    letAnySaslUserDoX: 'X',
    enforcedAuthSchemes: ['sasl', 'x509'],
  })
  expect([unknown, ignored]).toEqual([[], []])
})

test.each([
  ['enforce.auth.enabled=true', /^enforce\.auth\.schemes is missing/],
  ['enforce.auth.schemes=digest', /^enforce\.auth\.schemes names schemes, and enforce\.auth\.enabled=true is missing/],
  ['enforce.auth.enabled=true\nenforce.auth.schemes=nothing', /^enforce\.auth\.schemes demands the scheme nothing/],
  ['enforce.auth.enabled=true\nenforce.auth.schemes=x509', /X509AuthenticationProvider adds it$/],
  ['sessionRequireClientSASLAuth=true', /^sessionRequireClientSASLAuth demands the scheme sasl/],
])('a demand that no client could meet is refused: %s', (text, why) => {
  expect(() => parseZooCfg(text)).toThrow(why)
})

test('a super digest may be of any user, and a wrong one is never printed', async () => {
  const hash = 'D/InIHSb7yEEbrWz8b9l71RjZJU='
  for (const user of ['super', 'curator-test', 'admin', '']) {
    const line = `DigestAuthenticationProvider.superDigest=${user}:${hash}`
    expect(parseZooCfg(line).options.superDigest).toBe(`${user}:${hash}`)
  }
  for (const secret of ['super:s3cret', 's3cret', 'super:s3cret=', 's3cret:'.repeat(9)]) {
    expect(() => parseZooCfg(`DigestAuthenticationProvider.superDigest=${secret}`)).toThrow(
      /^(?!.*s3cret).*superDigest is not/,
    )
    await expect(startServer({ superDigest: secret })).rejects.toThrow(/^(?!.*s3cret).*superDigest is not/)
  }
})

test('a user of another name than super passes every ACL', async () => {
  const { createHash } = await import('node:crypto')
  const superDigest = `curator-test:${createHash('sha1').update('curator-test:pw').digest('base64')}`
  await using server = await startServer({ port: 0, superDigest })
  await using zk = await connect(server, { auth: [{ scheme: 'digest', credentials: 'curator-test:pw' }] })
  await zk.create('/x', '', { acl: [{ perms: 1, id: { scheme: 'digest', id: 'nobody:x' } }] })
  await zk.set('/x', 'changed')
})

test('letters beyond ASCII are read as in Apache, with a line that says so', async () => {
  const { options, warnings } = await serverSettings(file(`dataDir=${root}/ü\nclientPort=0\n`), {})
  expect(options.dataDir).toBe(`${root}/Ã¼`)
  expect(warnings.map(({ message }) => message)).toContain(
    'the file is read as ISO 8859-1, as in Apache; other letters are written \\u00fc',
  )
  expect((await serverSettings(file(`dataDir=${root}/\\u00fc\nclientPort=0\n`), {})).options.dataDir).toBe(`${root}/ü`)
})
