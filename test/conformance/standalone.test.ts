/** What a server that stands alone answers about ensembles: its members, changing them, and read-only clients. */
import { opCode } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { bytesOf, type Reply, Wire } from './wire.ts'

const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='

function reconfig(wire: Wire, members: string | null = null): Promise<Reply> {
  return wire.call(opCode.reconfig, (writer) => {
    for (const each of [null, null, members]) writer.ustring(each)
    writer.long(-1n)
  })
}

async function word(c: Chapter, bytes: string): Promise<string> {
  const wire = await Wire.open(c.server.port)
  wire.raw(bytesOf(bytes) as Uint8Array)
  await wire.closes()
  return wire.text
}

chapter('members, where they may not be changed', { superDigest, fourLetterWords: 'srvr' }, (c) => {
  fact('reconfig is RECONFIG_DISABLED for a super user too, and takes a zxid', async () => {
    const wire = await c.connect()
    await wire.auth('digest', 'super:test')
    const before = await wire.set(await wire.made(c.unique()))
    const reply = await reconfig(wire, 'server.1=localhost:2888:3888;2181')
    expect([reply.code, reply.zxid - before.zxid]).toEqual(['RECONFIG_DISABLED', 1n])
  })
  fact('the config znode is empty, and watches on it can be set', async () => {
    const wire = await c.connect()
    expect(await wire.data('/zookeeper/config')).toBe('')
    expect((await wire.read(opCode.getData, '/zookeeper/config', true)).code).toBe('OK')
    expect(await wire.stat('/zookeeper/config')).toMatchObject({ version: 0, dataLength: 0, czxid: 0n, mzxid: 0n })
  })
  fact('a super user may write the config znode, and members are the same', async () => {
    const wire = await c.connect()
    await wire.auth('digest', 'super:test')
    const reader = await c.connect()
    await reader.read(opCode.getData, '/zookeeper/config', true)
    expect((await wire.set('/zookeeper/config', 'server.1=elsewhere:1:2:participant')).code).toBe('OK')
    expect(await reader.event()).toMatchObject({ path: '/zookeeper/config' })
    expect(await reader.data('/zookeeper/config')).toBe('server.1=elsewhere:1:2:participant')
    expect((await wire.delete('/zookeeper/config')).code).toBe('BAD_ARGUMENTS')
  })
  fact('a client that would accept a read-only server gets a session to read and write', async () => {
    const wire = await Wire.open(c.server.port)
    expect((await wire.handshake({ readOnly: true }))?.readOnly).toBe(false)
    expect((await wire.create(c.unique())).code).toBe('OK')
    wire.destroy()
  })
  fact('isro is not answered where no whitelist has it', async () => {
    expect(await word(c, 'isro')).toBe('isro is not executed because it is not in the whitelist.\n')
  })
  fact('TTL znodes are UNIMPLEMENTED where extended types are off', async () => {
    const wire = await c.connect()
    const reply = await wire.create(c.unique(), { type: opCode.createTTL, flags: 5, ttl: 5000n })
    expect(reply.code).toBe('UNIMPLEMENTED')
  })
})

chapter('members, where they may be changed', { superDigest, reconfigEnabled: true }, (c) => {
  fact('reconfig is UNIMPLEMENTED for everybody, and takes a zxid', async () => {
    const wire = await c.connect()
    const before = await wire.set(await wire.made(c.unique()))
    const reply = await reconfig(wire, 'server.1=localhost:2888:3888;2181')
    expect([reply.code, reply.zxid - before.zxid]).toEqual(['UNIMPLEMENTED', 1n])
    await wire.auth('digest', 'super:test')
    expect((await reconfig(wire)).code).toBe('UNIMPLEMENTED')
    expect((await wire.read(opCode.exists, '/')).code).toBe('OK')
  })
  fact('a reconfig that does not parse is MARSHALLING_ERROR', async () => {
    const wire = await c.connect()
    expect((await wire.call(opCode.reconfig, (writer) => writer.int(1000))).code).toBe('MARSHALLING_ERROR')
    expect((await wire.read(opCode.exists, '/')).code).toBe('OK')
  })
})

chapter('members, where ACLs are skipped', { skipACL: true, reconfigEnabled: true }, (c) => {
  fact('reconfig is UNIMPLEMENTED there too', async () => {
    expect((await reconfig(c.wire)).code).toBe('UNIMPLEMENTED')
  })
  fact('everybody may write the config znode where ACLs are skipped', async () => {
    expect((await c.wire.set('/zookeeper/config', 'x')).code).toBe('OK')
    expect(await c.wire.data('/zookeeper/config')).toBe('x')
  })
})

chapter('read-only mode', { readOnlyMode: true, fourLetterWords: 'srvr' }, (c) => {
  fact('a server that stands alone is never read-only: isro says rw, although no whitelist has it', async () => {
    expect(await word(c, 'isro')).toBe('rw')
    expect(await word(c, 'srvr')).toMatch(/^Mode: standalone$/m)
  })
  fact('a read-only client of such a server may write', async () => {
    const wire = await Wire.open(c.server.port)
    expect((await wire.handshake({ readOnly: true }))?.readOnly).toBe(false)
    expect((await wire.create(c.unique())).code).toBe('OK')
    wire.destroy()
  })
})
