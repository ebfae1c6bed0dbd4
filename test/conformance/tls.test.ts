/** Ports with TLS: who is let in, who clients are then, and what stays as it is without TLS (NettyServerCnxnFactory.java). */
import { connect as connectTls } from 'node:tls'
import { opCode } from '@lightkeeper/protocol'
import { Authority } from '@lightkeeper/testing'
import { expect } from 'vitest'
import { tlsStores } from '../support/tls-stores.ts'
import { type Chapter, chapter, fact } from './fact.ts'
import { aclOf, bytesOf, Wire } from './wire.ts'

const { keys, stranger: trusting, holder } = tlsStores()
const stores = keys()
const alice = holder({ name: 'alice' })
const mallory = { ...trusting, ...new Authority('Another Authority').issue({ name: 'mallory' }) }
const late = holder({ name: 'late', days: -1 })

/** Whether a client with these certificates gets a session. */
async function isServed(port: number, options: object): Promise<boolean> {
  try {
    const wire = await Wire.secure(port, options)
    const response = await wire.handshake()
    wire.destroy()
    return response !== undefined
  } catch {
    return false
  }
}

async function identities(wire: Wire): Promise<string[]> {
  const { body } = await wire.call(opCode.whoAmI)
  return body.vector(8, (reader) => `${reader.ustring()}:${reader.ustring()}`) ?? []
}

async function ask(wire: Wire, word: string): Promise<string> {
  wire.raw(bytesOf(word) as Uint8Array)
  await wire.closes()
  return wire.text
}

async function session(port: number, options: object): Promise<Wire> {
  const wire = await Wire.secure(port, options)
  await wire.handshake()
  return wire
}

// Apache 3.9 speaks the newest version alone unless told otherwise.
const both = { ...stores, 'ssl.enabledProtocols': 'TLSv1.3,TLSv1.2' }

chapter('a port for TLS where clients must have certificates', { tls: both, fourLetterWords: '*' }, (c: Chapter) => {
  fact('a client is the subject of its certificate, beside its address', async () => {
    const wire = await session(c.server.securePort, alice)
    expect((await identities(wire)).sort()).toEqual(['ip:127.0.0.1', 'x509:CN=alice'])
    wire.destroy()
  })
  fact('an ACL may name the subject of a certificate', async () => {
    const wire = await session(c.server.securePort, alice)
    const path = c.unique()
    await wire.made(path, { acl: [aclOf(31, 'x509', 'CN=alice')] })
    expect((await wire.read(opCode.getData, path)).code).toBe('OK')
    expect((await c.wire.read(opCode.getData, path)).code).toBe('NO_AUTH')
    wire.destroy()
  })
  fact('auth in an ACL stands for the certificate', async () => {
    const wire = await session(c.server.securePort, alice)
    const path = c.unique()
    await wire.made(path, { acl: [aclOf(31, 'auth', '')] })
    const { body } = await wire.readPath(opCode.getACL, path)
    expect(body.vector(12, (reader) => `${reader.int()} ${reader.ustring()} ${reader.ustring()}`)).toEqual([
      '31 x509 CN=alice',
    ])
    wire.destroy()
  })
  fact('an odd subject has the form of RFC 2253', async () => {
    const wire = await session(c.server.securePort, holder({ name: ' #a,b+"c"\\<ü>; ' }))
    expect(await identities(wire)).toContain('x509:CN=\\ \\#a\\,b\\+\\"c\\"\\\\\\<ü\\>\\;\\ ')
    wire.destroy()
  })
  fact('a client without a certificate is not served', async () => {
    expect(await isServed(c.server.securePort, trusting)).toBe(false)
  })
  fact('a client with a certificate of another authority is not served', async () => {
    expect(await isServed(c.server.securePort, mallory)).toBe(false)
  })
  fact('a client whose certificate has expired is not served', async () => {
    expect(await isServed(c.server.securePort, late)).toBe(false)
  })
  fact('TLS 1.2 is spoken', async () => {
    expect(await isServed(c.server.securePort, { ...alice, maxVersion: 'TLSv1.2' })).toBe(true)
  })
  fact('TLS 1.1 is not spoken', async () => {
    const old = { ...alice, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    expect(await isServed(c.server.securePort, old)).toBe(false)
  })
  fact('a client may not renegotiate', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: c.server.securePort,
      servername: 'localhost',
      ...alice,
      maxVersion: 'TLSv1.2',
    })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const failed = new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(true))
      socket.on('close', () => resolve(true))
      socket.renegotiate({}, (error) => resolve(error !== null))
    })
    expect(await failed).toBe(true)
    socket.destroy()
  })
  fact('a client without TLS gets no answer, whatever it says', async () => {
    const wire = await Wire.open(c.server.securePort)
    expect(await ask(wire, 'ruok')).not.toContain('imok')
    const other = await Wire.open(c.server.securePort)
    expect(await other.handshake()).toBeUndefined()
  })
  fact('four-letter words are answered over TLS', async () => {
    expect(await ask(await Wire.secure(c.server.securePort, alice), 'ruok')).toBe('imok')
    expect(await ask(await Wire.secure(c.server.securePort, alice), 'conf')).toContain(
      `secureClientPort=${c.server.securePort}\n`,
    )
  })
  fact('the other port goes on without TLS', async () => {
    expect(await ask(await Wire.open(c.server.port), 'ruok')).toBe('imok')
    expect(await isServed(c.server.port, alice)).toBe(false)
  })
  fact('a session may go on over the other port', async () => {
    const wire = await session(c.server.securePort, alice)
    const { sessionId, passwd } = wire
    wire.destroy()
    const plain = await Wire.connect(c.server.port, { sessionId, passwd })
    expect(plain.sessionId).toBe(sessionId)
    expect(await identities(plain)).toEqual(['ip:127.0.0.1'])
    await plain.close()
  })
})

chapter('a port for TLS where clients may have certificates', { tls: { ...stores, 'ssl.clientAuth': 'want' } }, (c) => {
  fact('a client without a certificate is served, and is nobody', async () => {
    const wire = await session(c.server.securePort, trusting)
    expect(await identities(wire)).toEqual(['ip:127.0.0.1'])
    wire.destroy()
  })
  fact('a client with a certificate is who it says', async () => {
    const wire = await session(c.server.securePort, alice)
    expect(await identities(wire)).toContain('x509:CN=alice')
    wire.destroy()
  })
  fact('a certificate that is not trusted is worse than none', async () => {
    expect(await isServed(c.server.securePort, mallory)).toBe(false)
  })
})

chapter('a port for TLS that asks for no certificates', { tls: { ...stores, 'ssl.clientAuth': 'none' } }, (c) => {
  fact('every client is served there, and its certificate says nothing', async () => {
    for (const options of [trusting, alice, mallory]) {
      const wire = await session(c.server.securePort, options)
      expect(await identities(wire)).toEqual(['ip:127.0.0.1'])
      wire.destroy()
    }
  })
})

chapter(
  'one port with TLS and without',
  { tls: { ...stores, 'client.portUnification': 'true' }, fourLetterWords: '*' },
  (c) => {
    fact('clients without TLS are served there', async () => {
      expect(await identities(c.wire)).toEqual(['ip:127.0.0.1'])
    })
    fact('clients with TLS are served there too, by their certificate', async () => {
      const wire = await session(c.server.port, alice)
      expect(await identities(wire)).toContain('x509:CN=alice')
      wire.destroy()
    })
    fact('clients with TLS need a certificate there too', async () => {
      expect(await isServed(c.server.port, trusting)).toBe(false)
    })
    fact('four-letter words are answered both ways', async () => {
      expect(await ask(await Wire.open(c.server.port), 'ruok')).toBe('imok')
      expect(await ask(await Wire.secure(c.server.port, alice), 'ruok')).toBe('imok')
    })
  },
)
