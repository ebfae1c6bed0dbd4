/** Who a client is by its certificate, and what it may do (X509AuthenticationProvider.java). */
import { opCode, readWhoAmIResponse } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { tlsStores } from '../support/tls-stores.ts'
import { type Chapter, chapter, fact } from './fact.ts'
import { aclOf, Wire } from './wire.ts'

const { keys, stranger, holder } = tlsStores()
const stores = keys()
const alice = holder({ name: 'alice' })
const root = holder({ name: 'root' })

// -- subjects, as DER ---------------------------------------------------------------------------------------------------

const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts)
  const length = content.length < 128 ? [content.length] : [0x81, content.length]
  return Buffer.concat([Uint8Array.of(tag, ...length), content])
}
const utf8 = (text: string): Uint8Array => der(0x0c, Buffer.from(text, 'utf8'))
const printable = (text: string): Uint8Array => der(0x13, Buffer.from(text, 'latin1'))
const ia5 = (text: string): Uint8Array => der(0x16, Buffer.from(text, 'latin1'))
const bmp = (text: string): Uint8Array => der(0x1e, Buffer.from(text, 'utf16le').swap16())
const oids = {
  CN: '550403',
  SN: '550404',
  SERIALNUMBER: '550405',
  C: '550406',
  L: '550407',
  ST: '550408',
  STREET: '550409',
  O: '55040a',
  OU: '55040b',
  T: '55040c',
  EMAIL: '2a864886f70d010901',
  UID: '0992268993f22c640101',
  DC: '0992268993f22c640119',
} as const
type Attribute = readonly [type: keyof typeof oids, value: Uint8Array]
const attribute = ([type, value]: Attribute): Uint8Array => der(0x30, der(0x06, Buffer.from(oids[type], 'hex')), value)
/** Each argument is one relative name; those with several attributes are given as a list. */
const subject = (...names: readonly (Attribute | readonly Attribute[])[]): Uint8Array =>
  der(
    0x30,
    ...names.map((name) =>
      der(0x31, ...(typeof name[0] === 'string' ? [name as Attribute] : (name as readonly Attribute[])).map(attribute)),
    ),
  )

const subjects: readonly [id: string, subject: Uint8Array][] = [
  [
    'CN=bob,OU=ops,O=ours,C=DE',
    subject(['C', printable('DE')], ['O', utf8('ours')], ['OU', utf8('ops')], ['CN', utf8('bob')]),
  ],
  [
    'CN=bob,STREET=Main,L=Ulm,ST=BW',
    subject(['ST', utf8('BW')], ['L', utf8('Ulm')], ['STREET', utf8('Main')], ['CN', utf8('bob')]),
  ],
  ['UID=7,DC=example,DC=org', subject(['DC', ia5('org')], ['DC', ia5('example')], ['UID', utf8('7')])],
  ['1.2.840.113549.1.9.1=#1609626f6240782e6f7267,CN=bob', subject(['CN', utf8('bob')], ['EMAIL', ia5('bob@x.org')])],
  [
    '2.5.4.5=#130137,2.5.4.12=#0c0144,2.5.4.4=#0c0142',
    subject(['SN', utf8('B')], ['T', utf8('D')], ['SERIALNUMBER', printable('7')]),
  ],
  [
    'CN=bob+UID=7',
    subject([
      ['CN', utf8('bob')],
      ['UID', utf8('7')],
    ]),
  ],
  ['CN=bob\\, jr.,O=a\\=b', subject(['O', utf8('a=b')], ['CN', utf8('bob, jr.')])],
  ['CN=bob\\+\\"\\\\\\<\\>\\;', subject(['CN', utf8('bob+"\\<>;')])],
  ['CN=\\#bob', subject(['CN', utf8('#bob')])],
  ['CN=b\\#ob', subject(['CN', utf8('b#ob')])],
  ['CN=\\ \\ bob\\ ', subject(['CN', utf8('  bob ')])],
  ['CN=b o b', subject(['CN', utf8('b o b')])],
  ['CN=ünal', subject(['CN', utf8('ünal')])],
  ['CN=', subject(['CN', utf8('')])],
]

const identities = async (wire: Wire): Promise<string[]> => {
  const { clientInfo } = readWhoAmIResponse((await wire.call(opCode.whoAmI)).body)
  return clientInfo.map(({ authScheme, user }) => (user === '' ? authScheme : `${authScheme} ${user}`)).sort()
}
const read = async (wire: Wire, path: string): Promise<string> => (await wire.read(opCode.getData, path)).code

const settings = { tls: { ...stores, 'X509AuthenticationProvider.superUser': 'CN=root' } }
chapter('certificates', settings, (c: Chapter) => {
  const session = async (options: object): Promise<Wire> => {
    const wire = await Wire.secure(c.server.securePort, options)
    await wire.handshake()
    return wire
  }
  for (const [i, [id, name]] of subjects.entries()) {
    fact(`a subject is named ${id} (${i}), and an ACL may have it`, async () => {
      const wire = await session(holder({ name: 'unused', subject: name }))
      expect(await identities(wire)).toEqual(['ip 127.0.0.1', `x509 ${id}`])
      const path = await wire.made(c.unique(), { acl: [aclOf(31, 'x509', id)] })
      expect([await read(wire, path), await read(c.wire, path)]).toEqual(['OK', 'NO_AUTH'])
      wire.destroy()
    })
  }
  fact('a subject in BMPString is named as it says', async () => {
    for (const name of ['ünal', 'Ω']) {
      const wire = await session(holder({ name: 'unused', subject: subject(['CN', bmp(name)]) }))
      expect(await identities(wire)).toContain(`x509 CN=${name}`)
      wire.destroy()
    }
  })
  fact('an ACL of the holder of one certificate is closed to the holder of another', async () => {
    const [one, other] = [await session(alice), await session(holder({ name: 'Alice' }))]
    const path = await one.made(c.unique(), { acl: [aclOf(31, 'x509', 'CN=alice')] })
    expect([await read(one, path), await read(other, path)]).toEqual(['OK', 'NO_AUTH'])
    one.destroy()
    other.destroy()
  })
  fact('the certificate of the superuser passes every ACL, and whoAmI tells it as both', async () => {
    const [wire, other] = [await session(root), await session(alice)]
    const path = await c.wire.made(c.unique(), { acl: [aclOf(0, 'world', 'anyone')] })
    expect([await read(wire, path), await read(other, path)]).toEqual(['OK', 'NO_AUTH'])
    expect(await identities(wire)).toEqual(['ip 127.0.0.1', 'super', 'x509 CN=root'])
    wire.destroy()
    other.destroy()
  })
  fact('an auth packet of the scheme is taken over TLS, whatever it says, and adds nothing', async () => {
    const wire = await session(alice)
    expect((await wire.auth('x509', 'CN=root')).code).toBe('OK')
    expect(await identities(wire)).toEqual(['ip 127.0.0.1', 'x509 CN=alice'])
    wire.destroy()
  })
  fact('an auth packet of the scheme is AUTH_FAILED without TLS', async () => {
    const wire = await c.connect()
    expect((await wire.auth('x509', 'CN=alice')).code).toBe('AUTH_FAILED')
    expect(await wire.closes()).toBe(true)
  })
})

const demanded = { 'enforce.auth.enabled': 'true', 'enforce.auth.schemes': 'x509' }
chapter('a server that demands certificates', { tls: { ...stores, 'ssl.clientAuth': 'want' }, keys: demanded }, (c) => {
  fact('serves those with one, and refuses others on both ports', async () => {
    const [one, none, plain] = [
      await Wire.secure(c.server.securePort, alice),
      await Wire.secure(c.server.securePort, stranger),
      await c.connect(),
    ]
    for (const wire of [one, none]) await wire.handshake()
    expect([await read(one, '/'), await read(none, '/'), await read(plain, '/')]).toEqual([
      'OK',
      'SESSION_CLOSED_REQUIRE_SASL_AUTH',
      'SESSION_CLOSED_REQUIRE_SASL_AUTH',
    ])
    one.destroy()
    none.destroy()
  })
})
