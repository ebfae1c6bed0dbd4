/** Which member of an ensemble a server is, from the file of an operator. */
import { describe, expect, test } from 'vitest'
import { resolveConfig, type ServerOptions } from './config.ts'
import { parseMembers } from './ensemble-members.ts'
import { parseMember } from './members.ts'
import { parseZooCfg } from './zoo-cfg.ts'

const lines = 'server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n'
const fourth = 'server.4=d:2888:3888:observer;10.0.0.4:2181\n'
const base = 'dataDir=/data\ninitLimit=10\nsyncLimit=5\n'
const myid =
  (text: string) =>
  (path: string): string => {
    if (path !== '/data/myid') throw new Error(`no file ${path}`)
    return text
  }
const read = (content: string, id = '4\n'): ServerOptions => parseZooCfg(base + content, { readFile: myid(id) }).options
const start = (content: string, id?: string): unknown => resolveConfig(read(content, id), 0)

test('the file of an observer gives its members, its number, and where its own line lets clients in', () => {
  expect(read(`${lines}${fourth}peerType=observer\n`)).toMatchObject({
    members: { 'server.1': 'a:2888:3888', 'server.4': 'd:2888:3888:observer;10.0.0.4:2181' },
    myid: 4,
    clientPort: 2181,
    clientPortAddress: '10.0.0.4',
    initLimit: 10,
    syncLimit: 5,
  })
})

test('a data directory of the command line has the myid that counts', () => {
  const sources = { readFile: (path: string) => (path === '/other/myid' ? '4' : '1'), dataDir: '/other' }
  expect(parseZooCfg(base + lines + fourth, sources).options.myid).toBe(4)
})

test('the lines may stand in a file of their own', () => {
  const files = new Map([
    ['/data/myid', ' 4 '],
    ['/members', `${lines}${fourth}group.1=1:2:3\nweight.1=2\n`],
  ])
  const readFile = (path: string): string => files.get(path) ?? ''
  const { options } = parseZooCfg(`${base}dynamicConfigFile=/members\n`, { readFile })
  expect(options.members).toMatchObject({ 'server.4': 'd:2888:3888:observer;10.0.0.4:2181', 'weight.1': '2' })
  expect(options.myid).toBe(4)
})

test('a line that stands twice in that file is worth a line, as in the file itself', () => {
  const twice = `${lines}${fourth}server.2=e:2888:3888\n`
  const readFile = (path: string): string => (path === '/members' ? twice : '4')
  const { options, notes } = parseZooCfg(`${base}dynamicConfigFile=/members\n`, { readFile })
  expect(options.members).toMatchObject({ 'server.2': 'e:2888:3888' })
  expect(notes).toEqual(['server.2 is given twice; the last one counts'])
  expect(parseZooCfg(base + twice, { readFile }).notes).toEqual(notes)
})

test.each([
  ['/conf/zoo.cfg.dynamic.100000000', 0x1_0000_0000n],
  ['/conf/zoo.cfg.dynamic.0', 0n],
  ['/conf/zoo.cfg.dynamic', 0n],
  ['/conf.d/members', 0n],
])('a file of members that is called %s has version %i, as in Apache', (path, version) => {
  const readFile = (name: string): string => (name === path ? `${lines}${fourth}` : '4')
  const { options } = parseZooCfg(`${base}dynamicConfigFile=${path}\n`, { readFile })
  const { membership } = parseMembers(resolveConfig(options, 0).members ?? {})
  expect(membership.version).toBe(version)
  expect(new TextDecoder().decode(membership.text)).toMatch(new RegExp(`\nversion=${version.toString(16)}$`))
})

describe('every form of a line', () => {
  test.each([
    ['host:2888:3888', { voters: [1, 2], address: 'host:2888:3888' }],
    ['host:2888:3888:participant', { voters: [1, 2], address: 'host:2888:3888' }],
    ['host:2888:3888:OBSERVER', { voters: [2], address: 'host:2888:3888' }],
    ['host:2888:3888:', { voters: [1, 2], address: 'host:2888:3888' }],
    ['10.0.0.1:2888:3888;2181', { voters: [1, 2], address: '10.0.0.1:2888:3888' }],
    ['[::1]:2888:3888:participant;[::]:2181', { voters: [1, 2], address: '::1:2888:3888' }],
    ['host:2888:3888;;2281', { voters: [1, 2], address: 'host:2888:3888' }],
    ['host:2888:3888:observer;10.0.0.1:2181;2281', { voters: [2], address: 'host:2888:3888' }],
  ])('%s', (line, { voters, address }) => {
    const { servers, membership } = parseMembers({ 'server.1': line, 'server.2': 'b:2888:3888' })
    const [at] = servers.get(1)?.addresses ?? []
    expect(membership.voters.map(({ sid }) => sid)).toEqual(voters)
    expect(`${at?.host}:${at?.quorumPort}:${at?.electionPort}`).toBe(address)
  })

  test.each([
    ['a:1:2|b:3:4', ['a:1:2', 'b:3:4'], false],
    ['a:1:2:participant|b:3:4:participant;2181', ['a:1:2', 'b:3:4'], false],
    // The form in which Apache shows it.
    ['a:1:2|b:3:4:observer;0.0.0.0:2181', ['a:1:2', 'b:3:4'], true],
    ['[::1]:1:2:OBSERVER|b:3:4', ['::1:1:2', 'b:3:4'], true],
    ['a:1:2|a:3:4|a:1:2|', ['a:1:2', 'a:3:4'], false],
  ])('%s has several addresses', (line, addresses, isObserver) => {
    const server = parseMember('server.1', line, true)
    expect(
      server.addresses.map(({ host, quorumPort, electionPort }) => `${host}:${quorumPort}:${electionPort}`),
    ).toEqual(addresses)
    expect(server.isObserver).toBe(isObserver)
  })

  test.each([
    ['a:1:2||b:1:2', /expected host:port:port or/],
    ['a:1:2|b:1', /expected host:port:port or/],
    ['a:1:2|b:3:3', /expected two different ports/],
    ['a:1:2:participant|b:1:2:observer', /expected one type for all addresses/],
    ['|', /expected host:port:port or/],
  ])('%s is refused', (line, says) => {
    expect(() => parseMember('server.1', line, true)).toThrow(says)
  })
})

describe('several addresses of a member', () => {
  const several = `${lines}server.4=d:2888:3888|e:2888:3888:observer\n`

  test('are allowed where the file, the command line or a flag of the JVM says so', () => {
    expect(() => start(several)).toThrow(/^server\.4 .*expected one address, since multiAddress\.enabled is not true/)
    expect(start(`${several}multiAddress.enabled=TRUE\n`)).toMatchObject({
      multiAddressEnabled: true,
      multiAddressReachabilityCheckEnabled: true,
      multiAddressReachabilityCheckTimeoutMs: 1_000,
    })
    const jvmFlags = [['SERVER_JVMFLAGS', '-Dzookeeper.multiAddress.enabled=true']] as const
    const { options, ignored } = parseZooCfg(base + several, { readFile: myid('4'), jvmFlags })
    expect(resolveConfig(options, 0).multiAddressEnabled).toBe(true)
    expect(ignored).toEqual([])
  })

  test('are refused as an option of a program that does not allow them', () => {
    const options = { ...read(`${lines}${fourth}`), members: { 'server.1': 'a:1:2|b:1:2', 'server.4': 'd:1:2' } }
    expect(() => resolveConfig(options, 0)).toThrow(
      /^server\.1 has several addresses, and multiAddressEnabled is not true$/,
    )
    expect(() => resolveConfig({ ...options, multiAddressEnabled: true }, 0)).not.toThrow()
  })

  test.each([
    ['multiAddress.enabled=yes', /^multiAddress\.enabled is "yes", expected true or false/],
    ['multiAddress.enabled=true\nmultiAddress.reachabilityCheckTimeoutMs=1s', /TimeoutMs is "1s", expected an integer/],
    [
      'multiAddress.enabled=true\nmultiAddress.reachabilityCheckTimeoutMs=0',
      /TimeoutMs is 0, expected an integer from 1/,
    ],
    [
      'multiAddress.enabled=true\nmultiAddress.reachabilityCheckEnabled=1',
      /CheckEnabled is "1", expected true or false/,
    ],
  ])('%s is refused', (keys, says) => {
    expect(() => start(`${several}${keys}\n`)).toThrow(says)
  })
})

test('the line decides, and not peerType; a difference is worth a line, as in Apache', () => {
  const notes = (content: string): readonly string[] => parseZooCfg(base + content, { readFile: myid('4') }).notes
  expect(notes(`${lines}${fourth}peerType=participant\n`)).toEqual([
    'peerType=participant does not count, as in Apache: server.4 makes this server an observer',
  ])
  expect(notes(`${lines}${fourth}peerType=OBSERVER\n`)).toEqual([])
  expect(() => read(`${lines}${fourth}peerType=learner\n`)).toThrow(
    /^peerType is "learner", expected observer or participant$/,
  )
})

describe('where clients are accepted', () => {
  const of = (content: string): Partial<ServerOptions> => read(content)

  test('on all addresses, as in Apache, where the file of a member has a port alone', () => {
    expect(of(`${lines}server.4=d:2888:3888\nclientPort=2182\n`)).toMatchObject({
      clientPort: 2182,
      clientPortAddress: '::',
    })
    const secure = of(
      `${lines}server.4=d:2888:3888;10.0.0.4:2181\nsecureClientPort=2281\nssl.keyStore.location=/k.pem\nssl.clientAuth=none\n`,
    )
    expect(secure).toMatchObject({ clientPortAddress: '10.0.0.4', secureClientPortAddress: '::' })
  })

  test('where the file says, if it does', () => {
    expect(of(`${lines}${fourth}`).clientPortAddress).toBe('10.0.0.4')
    const file = `${lines}server.4=d:2888:3888\nclientPort=2181\nclientPortAddress=127.0.0.1\n`
    expect(of(file).clientPortAddress).toBe('127.0.0.1')
  })

  test('on this machine alone, where no port is named: Apache accepts no clients then', () => {
    expect(of(`${lines}server.4=d:2888:3888\n`).clientPortAddress).toBeUndefined()
  })

  test('a server that stands alone listens on this machine alone', () => {
    const { options } = parseZooCfg(`${base}server.1=a:2888:3888\nclientPort=2181\n`)
    expect(options.clientPortAddress).toBeUndefined()
  })
})

describe('one participant', () => {
  const one = 'server.4=d:2888:3888;10.0.0.4:2181\n'
  const observer = 'server.5=e:2888:3888:observer\n'

  test('stands alone, without a myid and limits', () => {
    for (const more of ['', 'standaloneEnabled=true\n', 'standaloneEnabled=TRUE\n']) {
      expect(parseZooCfg(`dataDir=/data\n${one}${more}`).options.members).toBeUndefined()
    }
  })

  test('is an ensemble of one where standaloneEnabled is false, as in Apache', () => {
    const { options, ignored } = parseZooCfg(`${base}${one}standaloneEnabled=false\n`, { readFile: myid('4') })
    expect(options).toMatchObject({ members: { 'server.4': 'd:2888:3888;10.0.0.4:2181' }, myid: 4, clientPort: 2181 })
    expect(ignored).toEqual([])
    expect(start(`${one}${observer}standaloneEnabled=False\n`)).toMatchObject({ myid: 4 })
    // It refuses each change, as one that stands alone.
    expect(start(`${one}standaloneEnabled=false\nreconfigEnabled=true\n`)).toMatchObject({ reconfigEnabled: true })
  })

  test.each([
    [
      'observers and no word of an ensemble',
      `${one}${observer}`,
      '4',
      /^server\.N names one participant, and observers, which need an ensemble: set standaloneEnabled=false/,
    ],
    [
      'no myid',
      `${one}standaloneEnabled=false\n`,
      'four',
      /^server\.N names a server of an ensemble, and the file myid must say which one this server is/,
    ],
    ['another myid', `${one}standaloneEnabled=false\n`, '1', /^myid is 1, and there is no line server\.1: server\.4/],
    [
      'no word for the switch',
      `${one}standaloneEnabled=no\n`,
      '4',
      /^standaloneEnabled is "no", expected true or false/,
    ],
    [
      'an observer beside a switch for members',
      `${one}${observer}standaloneEnabled=false\nreconfigEnabled=true\n`,
      '4',
      /^reconfigEnabled is true/,
    ],
  ])('is refused with %s', (_what, content, id, says) => {
    expect(() => start(content, id)).toThrow(says)
  })

  test('is refused without its limits', () => {
    const options = parseZooCfg(`dataDir=/data\n${one}standaloneEnabled=false\n`, { readFile: myid('4') }).options
    expect(() => resolveConfig(options, 0)).toThrow(/^initLimit is not set/)
  })
})

test('no key that says who the members are is said to have no effect', () => {
  const readFile = (path: string): string => (path === '/members' ? `${lines}${fourth}` : '4')
  const file = `${base}dynamicConfigFile=/members\npeerType=observer\nstandaloneEnabled=false\nobserverMasterPort=2191\n`
  expect(parseZooCfg(file, { readFile }).ignored).toEqual(['observerMasterPort'])
  const alone = `${base}server.1=a:2888:3888\nstandaloneEnabled=true\npeerType=participant\n`
  expect(parseZooCfg(alone).ignored).toEqual(['peerType', 'server.1'])
})

test('two members with one address are worth a line: they cannot both be there', () => {
  const notes = (content: string): readonly string[] => parseZooCfg(base + content, { readFile: myid('4') }).notes
  const twice = lines.replace('server.2=b', 'server.2=a')
  expect(notes(twice + fourth)).toEqual([
    'server.1 and server.2 have one address, a:2888: they cannot both listen there',
  ])
  const crossed = lines.replace('server.2=b:2888:3888', 'server.2=a:3888:3889')
  expect(notes(crossed + fourth)).toEqual([
    'server.1 and server.2 have one address, a:3888: they cannot both listen there',
  ])
  expect(notes(lines + fourth)).toEqual([])
})

test('a file myid that is missing is refused with what to do', () => {
  const readFile = (path: string): string => {
    throw new Error(`ENOENT: no such file or directory, open '${path}'`)
  }
  expect(() => parseZooCfg(base + lines, { readFile })).toThrow(
    'server.N names 3 servers, and the file myid must say which one this server is: ' +
      "ENOENT: no such file or directory, open '/data/myid'; write the N of its line there, for example: echo 1 > /data/myid",
  )
})

test.each([
  ['a number without a line', `${lines}${fourth}`, '7', /^myid is 7, and there is no line server\.7/],
  [
    'a myid that is no number',
    `${lines}${fourth}`,
    'four',
    /^server\.N names 4 servers.*first line of \/data\/myid is no number/,
  ],
  ['a file that can be changed while it runs', `${lines}${fourth}reconfigEnabled=true\n`, '4', /^reconfigEnabled/],
  [
    'TLS between members without a certificate',
    `${lines}${fourth}sslQuorum=true\n`,
    '4',
    /^sslQuorum asks for TLS .*: ssl\.quorum\.keyStore\.location, or the option quorumTls, is missing$/,
  ],
  [
    'both kinds of connections and no certificate',
    `${lines}${fourth}portUnification=true\n`,
    '4',
    /^portUnification asks for TLS .*keyStore\.location/,
  ],
  [
    'TLS between members that trusts nobody',
    `${lines}${fourth}sslQuorum=true\nssl.quorum.keyStore.location=/k.pem\nssl.quorum.clientAuth=none\n`,
    '4',
    /^ssl\.quorum\.trustStore\.location is missing/,
  ],
  [
    'a login between members without passwords',
    `${lines}${fourth}quorum.auth.enableSasl=true\n`,
    '4',
    /^quorum\.auth\.enableSasl is true, and no file has the passwords: name one with java\.security\.auth\.login\.config/,
  ],
  ['a voter that is in no group', `${lines}${fourth}group.1=1:2\n`, '4', /^group\.N leaves out server 3/],
  ['a voter in two groups', `${lines}${fourth}group.1=1:2\ngroup.2=2:3\n`, '4', /^group\.2 has server 2/],
  [
    'a number that makes ids of sessions like owners of TTL znodes',
    `${lines}server.255=e:1:2\n`,
    '1',
    /^server\.255 has a number/,
  ],
  ['the same number in the lowest byte', `${lines}server.511=e:1:2:observer\n`, '1', /^server\.511 has a number/],
  ['observers alone', 'server.1=a:1:2:observer\nserver.4=b:1:2:observer\n', '4', /^server\.N names observers alone/],
])('is refused with %s', (_what, content, id, says) => {
  expect(() => start(content, id)).toThrow(says)
})

test('a participant starts from the file as it is', () => {
  expect(resolveConfig(read(`${lines}${fourth}`, '1'), 0)).toMatchObject({ myid: 1 })
})

test('options that ask for a changeable ensemble are refused as the file is', () => {
  const { options } = parseZooCfg(`${base}${lines}${fourth}`, { readFile: myid('4') })
  expect(() => resolveConfig({ ...options, reconfigEnabled: true }, 0)).toThrow(/^reconfigEnabled is true/)
})

test.each(['initLimit', 'syncLimit'])('is refused without %s, as in Apache', (name) => {
  const content = (base + lines + fourth).replace(new RegExp(`^${name}=.*\n`, 'm'), '')
  const { options } = parseZooCfg(content, { readFile: myid('4') })
  expect(() => resolveConfig(options, 0)).toThrow(new RegExp(`^${name} is not set`))
})

describe('the text that members show each other', () => {
  test('is the one of Apache', () => {
    // As /zookeeper/config of an Apache server has it for these lines.
    const { membership } = parseMembers({
      'server.1': 'a:2888:3888',
      'server.2': '[::1]:2889:3889;2181',
      'server.3': '[2001:DB8::00ff:0]:2889:3889;[::1]:2181',
      'server.4': 'd:2888:3888:observer;10.0.0.4:2181',
    })
    expect(new TextDecoder().decode(membership.text)).toBe(
      [
        'server.1=a:2888:3888:participant',
        'server.2=[0:0:0:0:0:0:0:1]:2889:3889:participant;0.0.0.0:2181',
        'server.3=[2001:db8:0:0:0:0:ff:0]:2889:3889:participant;[0:0:0:0:0:0:0:1]:2181',
        'server.4=d:2888:3888:observer;10.0.0.4:2181',
        'version=0',
      ].join('\n'),
    )
    expect(membership.voters.map(({ sid }) => sid)).toEqual([1, 2, 3])
    expect(membership.observers).toEqual([4])
  })

  test('has several addresses in the order of their hosts, and the role once', () => {
    const { membership } = parseMembers({
      'server.1': 'c:1:2:observer|[::1]:3:4:observer|a:5:6:observer;2181',
      'server.2': 'b:3:4|b:1:2',
    })
    expect(new TextDecoder().decode(membership.text)).toBe(
      [
        'server.1=[0:0:0:0:0:0:0:1]:3:4|a:5:6|c:1:2:observer;0.0.0.0:2181',
        'server.2=b:3:4|b:1:2:participant',
        'version=0',
      ].join('\n'),
    )
  })

  test('groups and weights belong to the voters', () => {
    const { membership } = parseMembers({ 'server.1': 'a:1:2', 'server.2': 'b:1:2', 'group.5': '1:2', 'weight.2': '3' })
    expect(membership.voters).toEqual([
      { sid: 1, group: 5, weight: 1 },
      { sid: 2, group: 5, weight: 3 },
    ])
  })

  test.each([
    ['group.x', '1:2', /^group\.x has no number/],
    ['group.1', '1:b', /^group\.1 is "b", expected numbers of servers/],
    ['group.1', '1:2:9', /^group\.1 has server 9, and there is no line server\.9$/],
    ['weight.1', '2', /^group\.N leaves out server 1/],
    ['weight.1', '-1', /^weight\.1 is "-1", expected a whole number/],
  ])('%s=%s is refused', (key, value, says) => {
    expect(() => parseMembers({ 'server.1': 'a:1:2', 'server.2': 'b:1:2', [key]: value })).toThrow(says)
  })
})

test.each([
  ['sslQuorum=true', /^sslQuorum asks for TLS between members, and there is no certificate for it/],
  ['portUnification=true', /^portUnification asks for TLS between members, and there is no certificate for it/],
  ['ssl.quorum.hostnameVerification=changeit', /^ssl\.quorum\.hostnameVerification is neither true nor false$/],
])('a file that asks for TLS between members in part gets no port without it: %s', (line, message) => {
  expect(() => start(`${lines}${fourth}${line}\n`)).toThrow(message)
})

describe('logins between members', () => {
  const module_ = 'org.apache.zookeeper.server.auth.DigestLoginModule required'
  const good =
    `QuorumServer { ${module_} user_member="secret" user_other="x"; };\n` +
    `QuorumLearner { ${module_} username="member" password="secret"; };\n` +
    `Mine { ${module_} username="other" password="x"; };\n`
  const config = (keys: string, jaas = good) => {
    const readFile = (path: string): string => (path === '/jaas' ? jaas : '4')
    const content = `${base}${lines}${fourth}java.security.auth.login.config=/jaas\n${keys}`
    return resolveConfig(parseZooCfg(content, { readFile }).options, 0).quorumSasl
  }
  const on = 'quorum.auth.enableSasl=true\n'
  const dials = `${on}quorum.auth.learnerRequireSasl=true\n`
  const strict = `${dials}quorum.auth.serverRequireSasl=true\n`

  test('are off unless the file switches them on, in the three steps of Apache', () => {
    expect(config('')).toBeUndefined()
    expect(config(on)).toMatchObject({ own: undefined, isRequired: false })
    expect(config(dials)).toMatchObject({ own: { username: 'member', password: 'secret' }, isRequired: false })
    expect(config(strict)).toMatchObject({ own: { username: 'member' }, isRequired: true })
    expect(config(strict)?.users.names).toEqual(['member', 'other'])
    expect(config(`${strict}quorum.auth.learner.saslLoginContext=Mine\n`)?.own?.username).toBe('other')
  })

  test('need no section for clients, and say nothing of it', () => {
    const readFile = (path: string): string => (path === '/data/myid' ? '4' : good)
    const notes = (keys: string): readonly string[] =>
      parseZooCfg(`${base}${lines}${fourth}java.security.auth.login.config=/jaas\n${keys}`, { readFile }).notes
    expect(notes(strict)).toEqual([])
    const [said] = notes(`${strict}sasl.serverconfig=Clients\n`)
    expect(said).toMatch(/ has no section Clients: no client can log in by SASL$/)
    expect(notes('')).toHaveLength(1)
  })

  test('show no password', () => {
    const said = Object.values(config(strict) ?? {}).map((value) => JSON.stringify(value))
    expect(said.join()).not.toContain('secret')
  })

  test.each([
    [
      'a step that is left out',
      'quorum.auth.serverRequireSasl=true\n',
      good,
      /^quorum\.auth\.serverRequireSasl is true/,
    ],
    [
      'servers that demand what they do not do',
      `${on}quorum.auth.serverRequireSasl=true\n`,
      good,
      /^quorum\.auth\.serverRequireSasl is true, and quorum\.auth\.learnerRequireSasl is not/,
    ],
    ['a missing section', `${strict}quorum.auth.server.saslLoginContext=No\n`, good, /has no section No; add it/],
    ['a key that does not exist', `${strict}quorum.auth.serverRequireSSL=true\n`, good, /serverRequireSSL is no key/],
    ['a section without a password', strict, good.replace('password="secret"', ''), /QuorumLearner needs username/],
    [
      'Kerberos',
      strict,
      good.replace(module_, 'com.sun.security.auth.module.Krb5LoginModule required'),
      /QuorumServer asks for Kerberos .*members of this version do not speak.*sslQuorum=true/,
    ],
  ])('are refused with %s', (_what, keys, jaas, says) => {
    expect(() => config(keys, jaas)).toThrow(says)
  })

  test('are an option of a program too', () => {
    const options = { ...read(`${lines}${fourth}`), quorumSasl: { username: 'member', password: 'secret' } }
    expect(resolveConfig(options, 0).quorumSasl).toMatchObject({ own: { username: 'member' }, isRequired: true })
    for (const wrong of [{}, { username: 'a' }, { username: 'a', password: 'b', learnerRequireSasl: false }]) {
      expect(() => resolveConfig({ ...options, quorumSasl: wrong as never }, 0)).toThrow(/^quorumSasl/)
    }
  })
})
