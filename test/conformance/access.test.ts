/** ACLs, their fix-up, identities (server-semantics §7, wire-protocol §13). */
import { type Acl, opCode, openAcl, readGetACLResponse, readWhoAmIResponse } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { chapter, fact } from './fact.ts'
import { aclOf, type Wire } from './wire.ts'

/** base64(sha1("joe:pw")), from the reference. */
const joe = 'joe:VAXy9ajBTglP5dEFbkRFkF33wJ4='

const aclsOf = async (wire: Wire, path: string): Promise<readonly Acl[]> =>
  readGetACLResponse((await wire.readPath(opCode.getACL, path)).body).acl

chapter('ACL lists', {}, (c) => {
  const refused: [string, readonly Acl[]][] = [
    ['an empty list', []],
    ['world with another id', [aclOf(31, 'world', 'everyone')]],
    ['world with an empty id', [aclOf(31, 'world', '')]],
    ['an unknown scheme', [aclOf(31, 'nonsense', 'x')]],
    ['an empty scheme', [aclOf(31, '', 'x')]],
    ['sasl while it is off', [aclOf(31, 'sasl', 'bob')]],
    ['auth without an identity', [aclOf(31, 'auth', '')]],
    ['a digest without a colon', [aclOf(31, 'digest', 'joe')]],
    ['a digest with an empty hash', [aclOf(31, 'digest', 'joe:')]],
    ['a digest with two colons', [aclOf(31, 'digest', 'a:b:c')]],
    ['an ip that is none', [aclOf(31, 'ip', 'host')]],
    ['an ip with too many bits', [aclOf(31, 'ip', '10.0.0.0/33')]],
    ['an ip with negative bits', [aclOf(31, 'ip', '10.0.0.0/-1')]],
    ['one bad entry among good ones', [...openAcl, aclOf(31, 'nonsense', 'x')]],
  ]
  for (const [what, acl] of refused) {
    fact(`${what} is INVALID_ACL`, async () => {
      const other = await c.connect()
      expect((await other.create(c.unique(), { acl })).code).toBe('INVALID_ACL')
    })
  }
  const accepted: [string, readonly Acl[]][] = [
    ['no permission at all', [aclOf(0, 'world', 'anyone')]],
    ['unknown permission bits', [aclOf(64, 'world', 'anyone')]],
    ['a digest with an empty user', [aclOf(31, 'digest', ':b')]],
    ['an ip', [aclOf(31, 'ip', '10.0.0.7')]],
    ['an ip prefix', [aclOf(31, 'ip', '10.0.0.0/8')]],
  ]
  for (const [what, acl] of accepted) {
    fact(`${what} is accepted as it is`, async () => {
      expect((await c.wire.create(c.unique(), { acl })).code).toBe('OK')
    })
  }
  fact('exact duplicates are stored once', async () => {
    const path = await c.wire.made(c.unique(), { acl: [...openAcl, ...openAcl, aclOf(1, 'world', 'anyone')] })
    expect(await aclsOf(c.wire, path)).toEqual([...openAcl, aclOf(1, 'world', 'anyone')])
  })
  fact('getACL answers with the list and the Stat', async () => {
    const path = await c.wire.made(c.unique())
    const { acl, stat } = readGetACLResponse((await c.wire.readPath(opCode.getACL, path)).body)
    expect([acl, stat]).toEqual([openAcl, await c.wire.stat(path)])
    expect((await c.wire.readPath(opCode.getACL, '/nowhere')).code).toBe('NO_NODE')
  })
  fact('a znode does not inherit from its parent', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(4, 'world', 'anyone')] })
    await c.wire.made(`${path}/a`)
    expect([
      (await c.wire.read(opCode.getData, path)).code,
      (await c.wire.read(opCode.getData, `${path}/a`)).code,
    ]).toEqual(['NO_AUTH', 'OK'])
  })
  const needs: [string, number, (wire: Wire, path: string) => Promise<{ code: string }>][] = [
    ['getData', 1, (wire, path) => wire.read(opCode.getData, path)],
    ['getChildren', 1, (wire, path) => wire.read(opCode.getChildren, path)],
    ['getChildren2', 1, (wire, path) => wire.read(opCode.getChildren2, path)],
    ['getAllChildrenNumber', 1, (wire, path) => wire.readPath(opCode.getAllChildrenNumber, path)],
    ['setData', 2, (wire, path) => wire.set(path)],
    ['create of a child', 4, (wire, path) => wire.create(`${path}/new`)],
    ['delete of a child', 8, (wire, path) => wire.delete(`${path}/old`)],
    ['setACL', 16, (wire, path) => wire.setAcl(path, openAcl)],
  ]
  for (const [what, bit, act] of needs) {
    fact(`${what} needs permission ${bit} and no other`, async () => {
      for (const perms of [bit, 31 & ~bit]) {
        const path = await c.wire.made(c.unique())
        await c.wire.made(`${path}/old`)
        await c.wire.setAcl(path, [aclOf(perms, 'world', 'anyone')])
        expect((await act(c.wire, path)).code).toBe(perms === bit ? 'OK' : 'NO_AUTH')
      }
    })
  }
  fact('getACL needs READ or ADMIN', async () => {
    const codes: string[] = []
    for (const perms of [1, 16, 2 | 4 | 8]) {
      codes.push(
        (
          await c.wire.readPath(
            opCode.getACL,
            await c.wire.made(c.unique(), { acl: [aclOf(perms, 'world', 'anyone')] }),
          )
        ).code,
      )
    }
    expect(codes).toEqual(['OK', 'OK', 'NO_AUTH'])
  })
  fact('exists needs READ where the znode exists', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(2, 'world', 'anyone')] })
    expect((await c.wire.read(opCode.exists, path)).code).toBe('NO_AUTH')
  })
  fact('the config znode is read by all and written by none', async () => {
    expect([
      (await c.wire.read(opCode.getData, '/zookeeper/config')).code,
      (await c.wire.set('/zookeeper/config', 'x')).code,
    ]).toEqual(['OK', 'NO_AUTH'])
  })
  fact('children may be created below /zookeeper', async () => {
    expect((await c.wire.create(`/zookeeper${c.unique()}`)).code).toBe('OK')
  })
})

chapter('identities', { superDigest: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' }, (c) => {
  fact('a digest identity opens what is meant for it', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', joe)] })
    const other = await c.connect()
    expect((await other.read(opCode.getData, path)).code).toBe('NO_AUTH')
    expect(await other.auth('digest', 'joe:pw')).toMatchObject({ xid: -4, zxid: 0n, code: 'OK' })
    expect((await other.read(opCode.getData, path)).code).toBe('OK')
  })
  fact('a wrong password is accepted as another identity', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', joe)] })
    const other = await c.connect()
    expect((await other.auth('digest', 'joe:wrong')).code).toBe('OK')
    expect((await other.read(opCode.getData, path)).code).toBe('NO_AUTH')
  })
  fact('auth entries become the caller’s own identities, whatever id they name', async () => {
    const other = await c.connect()
    await other.auth('digest', 'joe:pw')
    const path = await other.made(c.unique(), { acl: [aclOf(31, 'auth', 'ignored')] })
    expect(await aclsOf(other, path)).toEqual([aclOf(31, 'digest', joe)])
  })
  fact('identities accumulate', async () => {
    const other = await c.connect()
    await other.auth('digest', 'joe:pw')
    await other.auth('digest', 'ann:pw')
    const path = await other.made(c.unique(), { acl: [aclOf(31, 'auth', '')] })
    expect((await aclsOf(other, path)).map(({ id }) => id.id.split(':')[0]).sort()).toEqual(['ann', 'joe'])
  })
  fact('without ADMIN the digests in an ACL are cut off', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', joe), aclOf(1, 'world', 'anyone')] })
    expect(await aclsOf(c.wire, path)).toEqual([aclOf(31, 'digest', 'joe:x'), aclOf(1, 'world', 'anyone')])
  })
  fact('the address of a connection is an identity', async () => {
    for (const [id, code] of [
      ['127.0.0.1', 'OK'],
      ['127.0.0.0/8', 'OK'],
      ['10.0.0.0/8', 'NO_AUTH'],
      ['0.0.0.0/0', 'OK'],
    ] as const) {
      const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'ip', id)] })
      expect((await c.wire.read(opCode.getData, path)).code).toBe(code)
    }
  })
  fact('an ip identity does not stand in for auth', async () => {
    const other = await c.connect()
    expect((await other.auth('ip', '')).code).toBe('OK')
    expect((await other.create(c.unique(), { acl: [aclOf(31, 'auth', '')] })).code).toBe('INVALID_ACL')
  })
  fact('an unknown scheme is AUTH_FAILED, then the server closes', async () => {
    const other = await c.connect()
    expect(await other.auth('nonsense', 'x')).toMatchObject({ code: 'AUTH_FAILED', zxid: 0n })
    expect(await other.closes()).toBe(true)
  })
  fact('an auth reply echoes whatever xid came in', async () => {
    const other = await c.connect()
    expect(await other.auth('digest', 'joe:pw', 77)).toMatchObject({ xid: 77, zxid: 0n, code: 'OK' })
  })
  fact(
    'a new identity holds for later requests of the connection, and not for another connection of the session',
    async () => {
      const path = await c.wire.made(c.unique(), { acl: [aclOf(31, 'digest', joe)] })
      const first = await c.connect()
      await first.auth('digest', 'joe:pw')
      const second = await c.connect({ sessionId: first.sessionId, passwd: first.passwd })
      expect((await second.read(opCode.getData, path)).code).toBe('NO_AUTH')
    },
  )
  fact('super passes every ACL', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(0, 'world', 'anyone')] })
    const other = await c.connect()
    await other.auth('digest', 'super:test')
    expect([(await other.read(opCode.getData, path)).code, (await other.set(path, 'x')).code]).toEqual(['OK', 'OK'])
  })
  fact('whoAmI returns the identities of the connection', async () => {
    const other = await c.connect()
    await other.auth('digest', 'joe:pw')
    const { clientInfo } = readWhoAmIResponse((await other.call(opCode.whoAmI)).body)
    const shown = clientInfo.map(({ authScheme, user }) => `${authScheme} ${user}`).sort()
    expect(shown).toEqual(['digest joe', 'ip 127.0.0.1'])
  })
  fact('a SASL token is answered with a null one where no mechanism is configured', async () => {
    const other = await c.connect()
    const reply = await other.call(opCode.sasl, (writer) => writer.buffer(new Uint8Array(0)))
    expect([reply.code, reply.zxid, reply.body.buffer()]).toEqual(['OK', 0n, null])
    expect((await other.read(opCode.exists, '/')).code).toBe('OK')
  })
})

chapter('requests that ask and change nothing', {}, (c) => {
  const withoutDelete = [aclOf(31 & ~8, 'world', 'anyone')]
  const versionOfNone = -2
  fact('a delete looks at the permission before the version, and the version before the children', async () => {
    const open = await c.wire.made(c.unique())
    await c.wire.made(`${open}/a`)
    await c.wire.made(`${open}/a/b`)
    const closed = await c.wire.made(c.unique())
    await c.wire.made(`${closed}/a`)
    await c.wire.setAcl(closed, withoutDelete)
    const codes: string[] = []
    for (const path of [`${open}/a`, `${closed}/a`, `${open}/missing`, '/']) {
      codes.push((await c.wire.delete(path, versionOfNone)).code)
    }
    expect(codes).toEqual(['BAD_VERSION', 'NO_AUTH', 'NO_NODE', 'BAD_ARGUMENTS'])
  })
  fact(
    'a transaction looks at its own creates and their ACLs, and leaves nothing where its last operation fails',
    async () => {
      const path = c.unique()
      const readOnly = [aclOf(1, 'world', 'anyone')]
      const create = (name: string, acl = openAcl as readonly Acl[]) =>
        ({ type: opCode.create2, path: name, data: new Uint8Array(0), acl, flags: 0 }) as const
      const open = [create(path), create(`${path}/0`), create(`${path}/0/child`), create(path)]
      const closed = [create(path), create(`${path}/0`, readOnly), create(`${path}/0/child`), create(path)]
      expect(await c.wire.outcomes(open)).toEqual(['rolled back', 'rolled back', 'rolled back', 'NODE_EXISTS'])
      expect((await c.wire.outcomes(closed))[2]).toBe('NO_AUTH')
      expect((await c.wire.read(opCode.exists, path)).code).toBe('NO_NODE')
    },
  )
})
