/** SASL logins, enforced authentication, and the providers a file may ask for (wire-protocol §13, server-semantics §7 and §13). */
import { createHash } from 'node:crypto'
import { opCode, openAcl, readGetACLResponse, readWhoAmIResponse } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { chapter, fact } from './fact.ts'
import { type Answer, challenge, logIn, sendToken } from './sasl-client.ts'
import { aclOf, type Wire } from './wire.ts'

const jaas = `// Who may log in.
Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_bob="bob secret" user_ann="ann secret" user_super="super secret" /* the last one */ user_ünal="pässwörd";
};
Client { org.apache.zookeeper.server.auth.DigestLoginModule required username="bob" password="bob secret"; };
`
const providers = 'org.apache.zookeeper.server.auth.'
const saslKeys = { 'authProvider.1': `${providers}SASLAuthenticationProvider` }
const bob: Answer = { username: 'bob', password: 'bob secret' }
const ann: Answer = { username: 'ann', password: 'ann secret' }
const wrong: Answer = { username: 'bob', password: 'guess' }

const identities = async (wire: Wire): Promise<string[]> => {
  const { clientInfo } = readWhoAmIResponse((await wire.call(opCode.whoAmI)).body)
  return clientInfo.map(({ authScheme, user }) => `${authScheme} ${user}`.trim()).sort()
}
const read = async (wire: Wire, path: string): Promise<string> => (await wire.read(opCode.getData, path)).code

chapter('SASL DIGEST-MD5', { keys: saslKeys, jaas }, (c) => {
  fact('the server offers its realm, a nonce, and md5-sess alone', async () => {
    const [one, two] = [await challenge(await c.connect()), await challenge(await c.connect())]
    expect([...one.keys()].sort()).toEqual(['algorithm', 'charset', 'nonce', 'realm'])
    expect([one.get('realm'), one.get('algorithm'), one.get('charset')]).toEqual(['zk-sasl-md5', 'md5-sess', 'utf-8'])
    expect(one.get('nonce')).not.toBe(two.get('nonce'))
  })
  fact('a right answer is an identity, and the server proves that it knows the password', async () => {
    const wire = await c.connect()
    const { reply, isProved } = await logIn(wire, bob)
    expect([reply.code, reply.zxid, isProved]).toEqual(['OK', 0n, true])
    expect(await identities(wire)).toEqual(['ip 127.0.0.1', 'sasl bob'])
  })
  fact('a user may name itself as the one to act as, as the Java client does', async () => {
    const wire = await c.connect()
    expect((await logIn(wire, { ...bob, authzid: 'bob' })).isProved).toBe(true)
    expect(await identities(wire)).toContain('sasl bob')
  })
  fact('a user who asks to act as another one is itself all the same', async () => {
    const wire = await c.connect()
    expect((await logIn(wire, { ...bob, authzid: 'super' })).isProved).toBe(true)
    expect(await identities(wire)).toEqual(['ip 127.0.0.1', 'sasl bob'])
  })
  fact('names and passwords beyond ASCII log in', async () => {
    const wire = await c.connect()
    expect((await logIn(wire, { username: 'ünal', password: 'pässwörd' })).isProved).toBe(true)
    expect(await identities(wire)).toContain('sasl ünal')
  })
  fact('digests are made of what was sent in UTF-8, and of U+FFFD for each byte that is none', async () => {
    const wire = await c.connect()
    const id = (text: string): string => createHash('sha1').update(text).digest('base64')
    await wire.auth('digest', 'jöe:pä')
    await wire.call(
      opCode.auth,
      (writer) => {
        writer.int(0)
        writer.ustring('digest')
        writer.buffer(Uint8Array.of(0x61, 0x3a, 0xff, 0x62))
      },
      -4,
    )
    const path = await wire.made(c.unique(), { acl: [aclOf(31, 'auth', '')] })
    const { acl } = readGetACLResponse((await wire.readPath(opCode.getACL, path)).body)
    expect(acl.map((entry) => entry.id.id).sort()).toEqual([`a:${id('a:\ufffdb')}`, `jöe:${id('jöe:pä')}`])
  })
  fact('a login may come later than other requests', async () => {
    const wire = await c.connect()
    expect(await read(wire, '/')).toBe('OK')
    expect((await logIn(wire, bob)).reply.code).toBe('OK')
    expect(await read(wire, '/')).toBe('OK')
  })
  const refused: [string, Answer][] = [
    ['a wrong password', wrong],
    ['an unknown user', { username: 'nobody', password: 'guess' }],
    ['an unknown user with an empty password', { username: 'nobody', password: '' }],
    ['no user name', { ...bob, sent: { username: undefined } }],
    ['another realm', { ...bob, realm: 'elsewhere' }],
    ['no realm', { ...bob, realm: '', sent: { realm: undefined } }],
    ['another nonce', { ...bob, nonce: 'bm9uY2U=' }],
    ['no nonce', { ...bob, sent: { nonce: undefined } }],
    ['no nonce of the client', { ...bob, sent: { cnonce: undefined } }],
    ['another server', { ...bob, digestUri: 'imap/zk-sasl-md5' }],
    ['another host', { ...bob, digestUri: 'zookeeper/localhost' }],
    ['no server', { ...bob, sent: { 'digest-uri': undefined } }],
    ['protection of what follows', { ...bob, sent: { qop: 'auth-int' } }],
    ['no proof', { ...bob, sent: { response: undefined } }],
    ['an empty proof', { ...bob, sent: { response: '""' } }],
    ['half a proof', { ...bob, sent: { response: '0123456789abcdef' } }],
  ]
  for (const [what, answer] of refused) {
    fact(`an answer with ${what} is AUTH_FAILED with a null token, then the server closes`, async () => {
      const wire = await c.connect()
      const { reply } = await logIn(wire, answer)
      expect([reply.code, reply.zxid, reply.token]).toEqual(['AUTH_FAILED', 0n, null])
      expect(await wire.closes()).toBe(true)
    })
  }
  fact('an answer without qop means authentication alone', async () => {
    expect((await logIn(await c.connect(), { ...bob, sent: { qop: undefined } })).isProved).toBe(true)
  })
  fact('how often an answer says that the nonce was used does not matter', async () => {
    for (const nc of ['00000002', 'x', undefined]) {
      expect((await logIn(await c.connect(), { ...bob, sent: { nc } })).isProved).toBe(true)
    }
  })
  fact('the name of the server is compared without regard to case', async () => {
    const reply = (await logIn(await c.connect(), { ...bob, digestUri: 'ZooKeeper/ZK-sasl-md5' })).reply
    expect(reply.code).toBe('OK')
  })
  fact('an answer that cannot be read is AUTH_FAILED', async () => {
    for (const text of ['nonsense', 'username="bob', ',,,', '']) {
      const wire = await c.connect()
      await challenge(wire)
      expect((await sendToken(wire, new TextEncoder().encode(text))).code).toBe('AUTH_FAILED')
    }
  })
  fact('what the first token says does not matter', async () => {
    const { code, token } = await sendToken(await c.connect(), new TextEncoder().encode('bob'))
    expect([code, new TextDecoder().decode(token ?? undefined)]).toEqual(['OK', expect.stringContaining('nonce=')])
  })
  fact('a token behind a login is AUTH_FAILED, then the server closes', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    expect((await sendToken(wire, new Uint8Array(0))).code).toBe('AUTH_FAILED')
    expect(await wire.closes()).toBe(true)
  })
  fact('an auth packet of the scheme sasl is AUTH_FAILED', async () => {
    const wire = await c.connect()
    expect((await wire.auth('sasl', 'bob')).code).toBe('AUTH_FAILED')
    expect(await wire.closes()).toBe(true)
  })
  fact('an ACL may name a user of SASL, and opens the znode to no other', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'sasl', 'bob')] })
    const [asBob, asAnn] = [await c.connect(), await c.connect()]
    await logIn(asBob, bob)
    await logIn(asAnn, ann)
    expect([await read(asBob, path), await read(asAnn, path), await read(c.wire, path)]).toEqual([
      'OK',
      'NO_AUTH',
      'NO_AUTH',
    ])
  })
  fact('the user super matches every entry of SASL, and no other entry', async () => {
    const ofBob = await c.wire.made(c.unique(), { acl: [aclOf(31, 'sasl', 'bob')] })
    const ofJoe = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', 'joe:x')] })
    const wire = await c.connect()
    await logIn(wire, { username: 'super', password: 'super secret' })
    expect([await read(wire, ofBob), await read(wire, ofJoe)]).toEqual(['OK', 'NO_AUTH'])
  })
  fact('auth entries become the user that logged in', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    const path = await wire.made(c.unique(), { acl: [aclOf(31, 'auth', '')] })
    const { acl } = readGetACLResponse((await wire.readPath(opCode.getACL, path)).body)
    expect(acl).toEqual([aclOf(31, 'sasl', 'bob')])
  })
  fact('a login and digest identities accumulate', async () => {
    const wire = await c.connect()
    await wire.auth('digest', 'joe:pw')
    await logIn(wire, bob)
    expect(await identities(wire)).toEqual(['digest joe', 'ip 127.0.0.1', 'sasl bob'])
  })
  const names: [string, 'OK' | 'INVALID_ACL'][] = [
    ['bob', 'OK'],
    ['', 'OK'],
    ['bob@REALM', 'OK'],
    ['bob/host@REALM', 'OK'],
    ['bob/host', 'OK'],
    ['bob@', 'OK'],
    ['@', 'OK'],
    ['a@b@c', 'INVALID_ACL'],
    ['a/b/c@d', 'INVALID_ACL'],
    ['a@b/c', 'INVALID_ACL'],
  ]
  for (const [name, code] of names) {
    fact(`the name "${name}" in an ACL is ${code}`, async () => {
      expect((await c.wire.create(c.unique(), { acl: [...openAcl, aclOf(1, 'sasl', name)] })).code).toBe(code)
    })
  }
})

chapter('SASL superusers', { keys: { ...saslKeys, superUser: 'bob', 'superUser.2': 'ünal' }, jaas }, (c) => {
  fact('users that are named pass every ACL, and others do not', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(0, 'world', 'anyone')] })
    const codes: string[] = []
    for (const user of [bob, { username: 'ünal', password: 'pässwörd' }, ann]) {
      const wire = await c.connect()
      await logIn(wire, user)
      codes.push(await read(wire, path))
    }
    expect(codes).toEqual(['OK', 'OK', 'NO_AUTH'])
  })
  fact('whoAmI tells a superuser of SASL as both', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    expect(await identities(wire)).toEqual(['ip 127.0.0.1', 'sasl bob', 'super'])
  })
  fact('auth entries of a superuser become its SASL identity alone', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    const path = await wire.made(c.unique(), { acl: [aclOf(31, 'auth', '')] })
    const { acl } = readGetACLResponse((await wire.readPath(opCode.getACL, path)).body)
    expect(acl).toEqual([aclOf(31, 'sasl', 'bob')])
  })
})

chapter(
  'a password for super',
  { keys: { ...saslKeys, 'SASLAuthenticationProvider.superPassword': 'other' }, jaas },
  (c) => {
    fact('counts in place of the one in the file', async () => {
      const codes: string[] = []
      for (const password of ['other', 'super secret']) {
        codes.push((await logIn(await c.connect(), { username: 'super', password })).reply.code)
      }
      expect(codes).toEqual(['OK', 'AUTH_FAILED'])
    })
  },
)

chapter(
  'an id that every SASL user matches',
  { keys: { ...saslKeys, letAnySaslUserDoX: 'anyone of ours' }, jaas },
  (c) => {
    fact('opens a znode to each of them and to no stranger', async () => {
      const path = await c.wire.made(c.unique(), { acl: [aclOf(1, 'sasl', 'anyone of ours')] })
      const wire = await c.connect()
      await logIn(wire, ann)
      expect([await read(wire, path), await read(c.wire, path)]).toEqual(['OK', 'NO_AUTH'])
    })
  },
)

chapter('logins without the provider', { jaas }, (c) => {
  fact('a login is an identity, which no ACL may name', async () => {
    const wire = await c.connect()
    expect((await logIn(wire, bob)).isProved).toBe(true)
    expect(await identities(wire)).toContain('sasl')
    expect((await wire.create(c.unique(), { acl: [aclOf(31, 'sasl', 'bob')] })).code).toBe('INVALID_ACL')
    expect((await wire.create(c.unique(), { acl: [aclOf(31, 'auth', '')] })).code).toBe('INVALID_ACL')
  })
})

chapter('the provider without logins', { keys: saslKeys }, (c) => {
  fact('ids may stand in ACLs, and a token is answered with a null one', async () => {
    expect((await c.wire.create(c.unique(), { acl: [aclOf(31, 'sasl', 'bob')] })).code).toBe('OK')
    const { code, token } = await sendToken(await c.connect(), new Uint8Array(0))
    expect([code, token]).toEqual(['OK', null])
  })
})

chapter(
  'another section',
  { keys: { ...saslKeys, 'sasl.serverconfig': 'Other' }, jaas: jaas.replace('Server', 'Other') },
  (c) => {
    fact('has the users where sasl.serverconfig names it', async () => {
      expect((await logIn(await c.connect(), bob)).isProved).toBe(true)
    })
  },
)

chapter('failed logins that are overlooked', { keys: { ...saslKeys, allowSaslFailedClients: 'true' }, jaas }, (c) => {
  fact('the client is answered with a null token and served on, without an identity', async () => {
    const wire = await c.connect()
    const { reply } = await logIn(wire, wrong)
    expect([reply.code, reply.token]).toEqual(['OK', null])
    expect(await identities(wire)).toEqual(['ip 127.0.0.1'])
    const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'sasl', 'bob')] })
    expect([await read(wire, '/'), await read(wire, path)]).toEqual(['OK', 'NO_AUTH'])
  })
  fact('a right answer is an identity there too', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    expect(await identities(wire)).toContain('sasl bob')
  })
})

const withoutLogin: [string, (wire: Wire) => Promise<{ code: string; zxid: bigint }>][] = [
  ['getData', (wire) => wire.read(opCode.getData, '/')],
  ['create', (wire) => wire.create('/stranger')],
  ['ping', (wire) => wire.call(opCode.ping, undefined, -2)],
  ['whoAmI', (wire) => wire.call(opCode.whoAmI)],
  ['closeSession', (wire) => wire.call(opCode.closeSession)],
  ['an unknown operation', (wire) => wire.call(99)],
]
const demanded = { ...saslKeys, sessionRequireClientSASLAuth: 'true', allowSaslFailedClients: 'true' }

chapter('a server that demands SASL', { keys: demanded, jaas }, (c) => {
  for (const [what, ask] of withoutLogin) {
    fact(`refuses ${what} without a login, then closes`, async () => {
      const wire = await c.connect()
      const { code, zxid } = await ask(wire)
      expect([code, zxid]).toEqual(['SESSION_CLOSED_REQUIRE_SASL_AUTH', 0n])
      expect(await wire.closes()).toBe(true)
    })
  }
  fact('takes a digest identity, which does not suffice', async () => {
    const wire = await c.connect()
    expect((await wire.auth('digest', 'joe:pw')).code).toBe('OK')
    expect(await read(wire, '/')).toBe('SESSION_CLOSED_REQUIRE_SASL_AUTH')
  })
  fact('serves who has logged in', async () => {
    const wire = await c.connect()
    await logIn(wire, bob)
    expect(await read(wire, '/')).toBe('OK')
  })
  fact('refuses a wrong password by the same code, also where failed logins are overlooked', async () => {
    const wire = await c.connect()
    const { reply } = await logIn(wire, wrong)
    expect([reply.code, reply.token]).toEqual(['SESSION_CLOSED_REQUIRE_SASL_AUTH', null])
    expect(await wire.closes()).toBe(true)
  })
})

const enforced = { ...saslKeys, 'enforce.auth.enabled': 'true', 'enforce.auth.schemes': 'sasl, digest' }
chapter('a server that demands one of two schemes', { keys: enforced, jaas }, (c) => {
  fact('serves who has an identity of either of them, and no other', async () => {
    const [none, byDigest, bySasl] = [await c.connect(), await c.connect(), await c.connect()]
    await byDigest.auth('digest', 'joe:pw')
    await logIn(bySasl, bob)
    expect([await read(none, '/'), await read(byDigest, '/'), await read(bySasl, '/')]).toEqual([
      'SESSION_CLOSED_REQUIRE_SASL_AUTH',
      'OK',
      'OK',
    ])
  })
})

for (const [java, node] of [
  ['SHA1', 'sha1'],
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  ['SHA-512', 'sha512'],
  ['SHA3-256', 'sha3-256'],
] as const) {
  const id = (credentials: string): string =>
    `${credentials.split(':')[0]}:${createHash(node).update(credentials).digest('base64')}`
  const keys = {
    'DigestAuthenticationProvider.digestAlg': java,
    'DigestAuthenticationProvider.superDigest': id('root:of all'),
  }
  chapter(`digests by ${java}`, { keys }, (c) => {
    fact(`an identity is the user and its ${java} in base64`, async () => {
      const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', id('joe:pw'))] })
      const wire = await c.connect()
      expect(await read(wire, path)).toBe('NO_AUTH')
      await wire.auth('digest', 'joe:pw')
      expect(await read(wire, path)).toBe('OK')
    })
    fact(`super is who knows the password of the ${java}, whatever the name`, async () => {
      const path = await c.wire.made(c.unique(), { acl: [aclOf(0, 'world', 'anyone')] })
      const wire = await c.connect()
      await wire.auth('digest', 'root:of all')
      expect([await read(wire, path), await identities(wire)]).toEqual(['OK', ['digest root', 'ip 127.0.0.1', 'super']])
    })
  })
}

const superDigest = `super:${createHash('sha1').update('super:test').digest('base64')}`
chapter(
  'digest turned off',
  {
    keys: { 'DigestAuthenticationProvider.enabled': 'false', 'DigestAuthenticationProvider.superDigest': superDigest },
  },
  (c) => {
    fact('its auth packets are AUTH_FAILED, those of super too, and its ids no ACL', async () => {
      const wire = await c.connect()
      expect((await wire.create(c.unique(), { acl: [aclOf(31, 'digest', 'joe:x')] })).code).toBe('INVALID_ACL')
      expect((await wire.auth('digest', 'super:test')).code).toBe('AUTH_FAILED')
      expect(await wire.closes()).toBe(true)
    })
  },
)

chapter('x509 without TLS', { keys: { 'authProvider.x509': `${providers}X509AuthenticationProvider` } }, (c) => {
  fact('an auth packet of the scheme is AUTH_FAILED, since there is no certificate', async () => {
    const wire = await c.connect()
    expect((await wire.auth('x509', 'CN=bob')).code).toBe('AUTH_FAILED')
    expect(await wire.closes()).toBe(true)
  })
  const names: [string, 'OK' | 'INVALID_ACL'][] = [
    ['CN=bob', 'OK'],
    ['', 'OK'],
    ['cn=bob,o=ours', 'OK'],
    ['CN=bob, O=ours; C=DE', 'OK'],
    ['CN=bob+UID=7,DC=example,DC=org', 'OK'],
    ['1.2.840.113549.1.9.1=#160b626f62406f7572732e6465,CN=bob', 'OK'],
    ['OID.2.5.4.3=bob', 'OK'],
    ['CN="bob, the builder"', 'OK'],
    ['CN=bob\\, the builder', 'OK'],
    ['CN=b\\C3\\BCb', 'OK'],
    ['CN=', 'OK'],
    ['CN=a=b', 'OK'],
    ['EMAILADDRESS=bob@ours.de', 'OK'],
    ['bob', 'INVALID_ACL'],
    ['XX=bob', 'INVALID_ACL'],
    ['=bob', 'INVALID_ACL'],
    ['CN=bob,', 'INVALID_ACL'],
    [',CN=bob', 'INVALID_ACL'],
    ['CN=bob,,O=ours', 'INVALID_ACL'],
    ['CN=bob+', 'INVALID_ACL'],
    ['CN="bob', 'INVALID_ACL'],
    ['CN="bob"x', 'INVALID_ACL'],
    ['CN=bo"b', 'INVALID_ACL'],
    ['CN=bob\\', 'INVALID_ACL'],
    ['CN=b\\ob', 'INVALID_ACL'],
    ['CN=b<b', 'INVALID_ACL'],
    ['CN=#1', 'INVALID_ACL'],
    ['CN=#', 'INVALID_ACL'],
    ['3.1=bob', 'INVALID_ACL'],
    ['1=bob', 'INVALID_ACL'],
  ]
  for (const [name, code] of names) {
    fact(`the subject "${name}" in an ACL is ${code}`, async () => {
      expect((await c.wire.create(c.unique(), { acl: [...openAcl, aclOf(1, 'x509', name)] })).code).toBe(code)
    })
  }
})

const ensembleKeys = { 'authProvider.1': `${providers}EnsembleAuthenticationProvider`, ensembleAuthName: 'one, two' }
chapter('the name of the ensemble', { keys: ensembleKeys }, (c) => {
  fact('is taken where it is one of those expected, or empty, and is no identity', async () => {
    const wire = await c.connect()
    for (const name of ['one', 'two', '']) expect((await wire.auth('ensemble', name)).code).toBe('OK')
    expect(await identities(wire)).toEqual(['ip 127.0.0.1'])
    expect((await wire.create(c.unique(), { acl: [aclOf(31, 'ensemble', 'one')] })).code).toBe('INVALID_ACL')
  })
  fact('closes the connection without an answer where it is another', async () => {
    const wire = await c.connect()
    wire.send(opCode.auth, (writer) => {
      writer.int(0)
      writer.ustring('ensemble')
      writer.buffer(new TextEncoder().encode('three'))
    })
    expect(await wire.closes()).toBe(true)
  })
})
