/** Paths, sequence numbers, Stat arithmetic, kinds of znodes (server-semantics §1 to §4). */
import { opCode, openAcl, readStat, sequenceOf } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { chapter, fact } from './fact.ts'

/** A sequential create as an operation of a multi. */
const sequentialCreate = (path: string) => ({ type: opCode.create, path, data: null, acl: openAcl, flags: 2 }) as const

chapter('paths', {}, (c) => {
  for (const path of [
    '/...',
    '/.b',
    '/..b',
    '/with space',
    '/\u2028',
    '/\ud7ff',
    '/\uffef',
    '/%',
    '/?',
    '/*',
    '/:',
    '/\u00e9',
  ]) {
    fact(`create accepts ${JSON.stringify(path)}`, async () => {
      const root = await c.wire.made(c.unique())
      expect(await c.wire.made(root + path)).toBe(root + path)
    })
  }
  for (const path of [
    '/.',
    '/..',
    '/a\u0001',
    '/\u0000',
    '/\u001f',
    '/\u007f',
    '/\u009f',
    '/\uf8ff',
    '/\ufff0',
    '/\uffff',
  ]) {
    fact(`create refuses ${JSON.stringify(path)} with BAD_ARGUMENTS`, async () => {
      const root = await c.wire.made(c.unique())
      expect((await c.wire.create(root + path)).code).toBe('BAD_ARGUMENTS')
    })
  }
  fact('create of a path without a slash is BAD_ARGUMENTS', async () => {
    expect((await c.wire.create('noslash')).code).toBe('BAD_ARGUMENTS')
  })
  fact('create of an empty path is BAD_ARGUMENTS', async () => {
    expect((await c.wire.create('')).code).toBe('BAD_ARGUMENTS')
  })
  fact('create with an empty name in the middle misses its parent', async () => {
    const root = await c.wire.made(c.unique())
    expect((await c.wire.create(`${root}//b`)).code).toBe('NO_NODE')
  })
  fact('create with a trailing slash looks for the parent first', async () => {
    expect((await c.wire.create(`${c.unique()}/`)).code).toBe('NO_NODE')
  })
  fact('a sequential create may end in a slash', async () => {
    const root = await c.wire.made(c.unique())
    expect(await c.wire.made(`${root}/`, { flags: 2 })).toBe(`${root}/0000000000`)
  })
  fact('create of the root is NODE_EXISTS', async () => {
    expect((await c.wire.create('/')).code).toBe('NODE_EXISTS')
  })
  fact('getData of a malformed path is a missing znode', async () => {
    expect((await c.wire.read(opCode.getData, '/a//b')).code).toBe('NO_NODE')
  })
  fact('getData of the empty path answers with the root', async () => {
    expect((await c.wire.read(opCode.getData, '')).code).toBe('OK')
  })
  fact('exists with a NUL in the path is BAD_ARGUMENTS', async () => {
    expect((await c.wire.read(opCode.exists, '/a\u0000')).code).toBe('BAD_ARGUMENTS')
  })
  fact('exists of a malformed path is a missing znode', async () => {
    expect((await c.wire.read(opCode.exists, '/a/')).code).toBe('NO_NODE')
  })
  fact('setData of a malformed path is BAD_ARGUMENTS', async () => {
    expect((await c.wire.set('/a//b')).code).toBe('BAD_ARGUMENTS')
  })
  fact('setACL of a malformed path is BAD_ARGUMENTS', async () => {
    expect((await c.wire.setAcl('/a/', [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }])).code).toBe(
      'BAD_ARGUMENTS',
    )
  })
  fact('delete with a trailing slash is a missing znode', async () => {
    const root = await c.wire.made(c.unique())
    expect((await c.wire.delete(`${root}/`)).code).toBe('NO_NODE')
  })
  for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config', 'noslash']) {
    fact(`delete of ${path} is BAD_ARGUMENTS`, async () => {
      expect((await c.wire.delete(path)).code).toBe('BAD_ARGUMENTS')
    })
  }
  fact('sync never fails for a missing znode and echoes the path', async () => {
    const reply = await c.wire.readPath(opCode.sync, '/nowhere')
    expect([reply.code, reply.body.ustring()]).toEqual(['OK', '/nowhere'])
  })
})

chapter('sequence numbers', {}, (c) => {
  fact('the suffix has ten digits and starts at 0', async () => {
    const root = await c.wire.made(c.unique())
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000000`)
  })
  fact('all prefixes below a parent share one counter', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.made(`${root}/x-`, { flags: 2 })
    expect(await c.wire.made(`${root}/y-`, { flags: 3 })).toBe(`${root}/y-0000000001`)
  })
  fact('creates of any mode advance the counter', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.made(`${root}/plain`)
    await c.wire.made(`${root}/ephemeral`, { flags: 1 })
    await c.wire.made(`${root}/container`, { type: opCode.createContainer, flags: 4 })
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000003`)
  })
  fact('deletes do not touch the counter', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.made(`${root}/x-`, { flags: 2 })
    await c.wire.delete(await c.wire.made(`${root}/x-`, { flags: 2 }))
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000002`)
    expect((await c.wire.stat(root)).cversion).toBe(4)
  })
  fact('failed creates do not advance the counter', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.made(`${root}/a`)
    await c.wire.create(`${root}/a`)
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000001`)
  })
  fact('changes of data and ACL do not advance the counter', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.set(root, 'x')
    await c.wire.setAcl(root, [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }])
    expect(sequenceOf(await c.wire.made(`${root}/x-`, { flags: 2 }))).toBe(0)
  })
  fact('a name that is taken already is NODE_EXISTS, not retried', async () => {
    const root = await c.wire.made(c.unique())
    await c.wire.made(`${root}/x-0000000001`)
    expect((await c.wire.create(`${root}/x-`, { flags: 2 })).code).toBe('NODE_EXISTS')
  })
  fact('a container parent counts as any other', async () => {
    const root = await c.wire.made(c.unique(), { type: opCode.createContainer, flags: 4 })
    await c.wire.made(`${root}/x-`, { flags: 2 })
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000001`)
  })
  fact('a failed multi takes its counter back', async () => {
    const root = await c.wire.made(c.unique())
    const create = sequentialCreate(`${root}/x-`)
    await c.wire.multi([create, { type: opCode.check, path: `${root}/nope`, version: -1 }])
    expect(await c.wire.made(`${root}/x-`, { flags: 2 })).toBe(`${root}/x-0000000000`)
  })
  fact('sequential creates inside one multi advance the counter each', async () => {
    const root = await c.wire.made(c.unique())
    const create = sequentialCreate(`${root}/x-`)
    await c.wire.multi([create, create])
    expect(await c.wire.children(root)).toEqual(['x-0000000000', 'x-0000000001'])
  })
})

chapter('Stat', {}, (c) => {
  fact('a new znode has its creation in all three zxids and zero versions', async () => {
    const path = c.unique()
    const { zxid } = await c.wire.create(path, { data: 'abc' })
    const stat = await c.wire.stat(path)
    expect(stat).toMatchObject({
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
    })
    expect(stat).toMatchObject({ dataLength: 3, numChildren: 0, ctime: stat.mtime })
  })
  fact('setData moves mzxid, mtime and version alone', async () => {
    const path = await c.wire.made(c.unique())
    const before = await c.wire.stat(path)
    const { zxid } = await c.wire.set(path, 'xy')
    const { mtime } = await c.wire.stat(path)
    expect(await c.wire.stat(path)).toEqual({ ...before, mzxid: zxid, mtime, version: 1, dataLength: 2 })
  })
  fact('setData with the same data counts all the same', async () => {
    const path = await c.wire.made(c.unique(), { data: 'x' })
    await c.wire.set(path, 'x')
    expect((await c.wire.stat(path)).version).toBe(1)
  })
  fact('setACL moves aversion alone', async () => {
    const path = await c.wire.made(c.unique())
    const before = await c.wire.stat(path)
    await c.wire.setAcl(path, [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }])
    expect(await c.wire.stat(path)).toEqual({ ...before, aversion: 1 })
  })
  fact('the create of a child moves pzxid, cversion and numChildren of the parent', async () => {
    const path = await c.wire.made(c.unique())
    const before = await c.wire.stat(path)
    const { zxid } = await c.wire.create(`${path}/a`)
    expect(await c.wire.stat(path)).toEqual({ ...before, pzxid: zxid, cversion: 1, numChildren: 1 })
  })
  fact('the delete of a child moves pzxid and cversion and lowers numChildren', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    const before = await c.wire.stat(path)
    const { zxid } = await c.wire.delete(`${path}/a`)
    expect(await c.wire.stat(path)).toEqual({ ...before, pzxid: zxid, cversion: 2, numChildren: 0 })
  })
  fact('setData of a child leaves the parent alone', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    const before = await c.wire.stat(path)
    await c.wire.set(`${path}/a`, 'x')
    expect(await c.wire.stat(path)).toEqual(before)
  })
  fact('a grandchild leaves the grandparent alone', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    const before = await c.wire.stat(path)
    await c.wire.made(`${path}/a/b`)
    expect(await c.wire.stat(path)).toEqual(before)
  })
  fact('reads, sync and failed writes change no Stat', async () => {
    const path = await c.wire.made(c.unique())
    const before = await c.wire.stat(path)
    await c.wire.read(opCode.getData, path)
    await c.wire.readPath(opCode.sync, path)
    await c.wire.set(path, 'x', 5)
    await c.wire.delete(path, 5)
    expect(await c.wire.stat(path)).toEqual(before)
  })
  fact('the reply to setData and setACL is the new Stat', async () => {
    const path = await c.wire.made(c.unique())
    expect(readStat((await c.wire.set(path, 'x')).body)).toEqual(await c.wire.stat(path))
    expect(readStat((await c.wire.setAcl(path, [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }])).body)).toEqual(
      await c.wire.stat(path),
    )
  })
  fact('create2 answers with path and Stat', async () => {
    const path = c.unique()
    const { body } = await c.wire.create(path, { type: opCode.create2, data: 'x' })
    expect(body.ustring()).toBe(path)
    expect(readStat(body)).toEqual(await c.wire.stat(path))
  })
  fact('an expected version must match, and -1 matches any', async () => {
    const path = await c.wire.made(c.unique())
    const codes = [
      await c.wire.set(path, 'x', 1),
      await c.wire.set(path, 'x', 0),
      await c.wire.set(path, 'x', -1),
      await c.wire.set(path, 'x', 0),
    ]
    expect(codes.map(({ code }) => code)).toEqual(['BAD_VERSION', 'OK', 'OK', 'BAD_VERSION'])
  })
  fact('delete compares the version of the data', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.set(path, 'x')
    expect([(await c.wire.delete(path, 0)).code, (await c.wire.delete(path, 1)).code]).toEqual(['BAD_VERSION', 'OK'])
  })
  fact('setACL compares aversion, not version', async () => {
    const path = await c.wire.made(c.unique())
    const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
    await c.wire.set(path, 'x')
    expect([(await c.wire.setAcl(path, acl, 1)).code, (await c.wire.setAcl(path, acl, 0)).code]).toEqual([
      'BAD_VERSION',
      'OK',
    ])
  })
  fact('null data differs from empty data', async () => {
    const path = await c.wire.made(c.unique(), { data: null })
    expect([await c.wire.data(path), (await c.wire.stat(path)).dataLength]).toEqual([null, 0])
    await c.wire.set(path, '')
    expect(await c.wire.data(path)).toBe('')
    await c.wire.set(path, null)
    expect(await c.wire.data(path)).toBeNull()
  })
  fact('system znodes of a fresh server show the counters of uncounted inserts', async () => {
    expect(await c.wire.stat('/zookeeper')).toMatchObject({ cversion: -2, numChildren: 2, czxid: 0n, pzxid: 0n })
    expect(await c.wire.stat('/zookeeper/config')).toMatchObject({ aversion: -1 })
    expect((await c.wire.children('/zookeeper')).join()).toBe('config,quota')
  })
  fact('getAllChildrenNumber counts descendants, not the znode', async () => {
    const path = await c.wire.made(c.unique())
    for (const below of ['/a', '/a/b', '/a/b/c', '/d']) await c.wire.made(path + below)
    expect((await c.wire.readPath(opCode.getAllChildrenNumber, path)).body.int()).toBe(4)
    expect((await c.wire.readPath(opCode.getAllChildrenNumber, `${path}/zz`)).code).toBe('NO_NODE')
  })
  fact('getChildren2 answers with names and Stat', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    const { body } = await c.wire.read(opCode.getChildren2, path)
    expect(body.vector(4, (reader) => reader.ustring())).toEqual(['a'])
    expect(readStat(body)).toEqual(await c.wire.stat(path))
  })
})

chapter('kinds of znodes', {}, (c) => {
  fact('an ephemeral shows its session as owner', async () => {
    const path = await c.wire.made(c.unique(), { flags: 1 })
    expect((await c.wire.stat(path)).ephemeralOwner).toBe(c.wire.sessionId)
  })
  fact('an ephemeral cannot have children', async () => {
    const path = await c.wire.made(c.unique(), { flags: 1 })
    expect((await c.wire.create(`${path}/a`)).code).toBe('NO_CHILDREN_FOR_EPHEMERALS')
  })
  fact('a container can have children and shows no owner', async () => {
    const path = await c.wire.made(c.unique(), { type: opCode.createContainer, flags: 4 })
    await c.wire.made(`${path}/a`)
    expect((await c.wire.stat(path)).ephemeralOwner).toBe(0n)
  })
  fact('createContainer answers like create2', async () => {
    const { body } = await c.wire.create(c.unique(), { type: opCode.createContainer, flags: 4 })
    body.ustring()
    expect(body.remaining).toBe(68)
  })
  fact('ephemerals may be written and deleted by other sessions', async () => {
    const path = await c.wire.made(c.unique(), { flags: 1 })
    const other = await c.connect()
    expect([(await other.set(path, 'x')).code, (await other.delete(path)).code]).toEqual(['OK', 'OK'])
  })
  fact('getEphemerals lists the own ones, by prefix', async () => {
    const own = await c.connect()
    const root = await own.made(c.unique())
    await own.made(`${root}/a`, { flags: 1 })
    await own.made(`${root}/ab`, { flags: 1 })
    await own.made(`${root}/p`)
    const list = async (prefix: string): Promise<unknown> =>
      (await own.readPath(opCode.getEphemerals, prefix)).body.vector(4, (r) => r.ustring() ?? '')?.sort()
    expect(await list('/')).toEqual([`${root}/a`, `${root}/ab`])
    expect(await list('')).toEqual([`${root}/a`, `${root}/ab`])
    expect(await list(`${root}/ab`)).toEqual([`${root}/ab`])
    expect(await list('/nothing')).toEqual([])
  })
  for (const flags of [7, 8, -1, 100]) {
    fact(`create with flags ${flags} is BAD_ARGUMENTS`, async () => {
      expect((await c.wire.create(c.unique(), { flags })).code).toBe('BAD_ARGUMENTS')
    })
  }
  for (const type of [opCode.create, opCode.create2]) {
    fact(`TTL flags on opcode ${type} are UNIMPLEMENTED while TTL is off`, async () => {
      expect((await c.wire.create(c.unique(), { type, flags: 5 })).code).toBe('UNIMPLEMENTED')
    })
  }
  fact('createTTL is UNIMPLEMENTED while TTL is off', async () => {
    expect((await c.wire.create(c.unique(), { type: opCode.createTTL, flags: 5, ttl: 1000n })).code).toBe(
      'UNIMPLEMENTED',
    )
  })
  fact('container flags on a plain create make an ordinary znode', async () => {
    const { code, body } = await c.wire.create(c.unique(), { flags: 4 })
    expect([code, typeof body.ustring(), body.remaining]).toEqual(['OK', 'string', 0])
  })
})

chapter('TTL znodes', { extendedTypesEnabled: true }, (c) => {
  fact('createTTL answers like create2 and shows no owner', async () => {
    const path = c.unique()
    const { code, body } = await c.wire.create(path, { type: opCode.createTTL, flags: 5, ttl: 60_000n })
    expect([code, body.ustring()]).toEqual(['OK', path])
    expect(readStat(body)).toMatchObject({ ephemeralOwner: 0n, version: 0 })
  })
  fact('a sequential TTL create appends the counter', async () => {
    const root = await c.wire.made(c.unique())
    expect(await c.wire.made(`${root}/t-`, { type: opCode.createTTL, flags: 6, ttl: 60_000n })).toBe(
      `${root}/t-0000000000`,
    )
  })
  fact('TTL znodes may have children', async () => {
    const path = await c.wire.made(c.unique(), { type: opCode.createTTL, flags: 5, ttl: 60_000n })
    expect((await c.wire.create(`${path}/a`)).code).toBe('OK')
  })
  for (const ttl of [0n, -5n, 0x100_0000_0000n]) {
    fact(`a TTL of ${ttl} is BAD_ARGUMENTS`, async () => {
      expect((await c.wire.create(c.unique(), { type: opCode.createTTL, flags: 5, ttl })).code).toBe('BAD_ARGUMENTS')
    })
  }
  fact('TTL flags on a plain create are BAD_ARGUMENTS', async () => {
    expect((await c.wire.create(c.unique(), { flags: 5 })).code).toBe('BAD_ARGUMENTS')
  })
  fact('createTTL with the flags of another mode is BAD_ARGUMENTS', async () => {
    expect((await c.wire.create(c.unique(), { type: opCode.createTTL, flags: 0, ttl: -1n })).code).toBe('BAD_ARGUMENTS')
  })
})
