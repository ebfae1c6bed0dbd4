/** Precedence of errors, zxids, multi, multiRead (server-semantics §5, §6; wire-protocol §8). */
import { type MultiOperation, opCode, openAcl, readMultiResponse } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { chapter, fact } from './fact.ts'
import { aclOf } from './wire.ts'

const create = (path: string, flags = 0): MultiOperation => ({
  type: opCode.create,
  path,
  data: null,
  acl: openAcl,
  flags,
})
const remove = (path: string, version = -1): MultiOperation => ({ type: opCode.delete, path, version })
const set = (path: string, text: string, version = -1): MultiOperation => ({
  type: opCode.setData,
  path,
  data: new TextEncoder().encode(text),
  version,
})
const check = (path: string, version: number): MultiOperation => ({ type: opCode.check, path, version })
const get = (path: string): MultiOperation => ({ type: opCode.getData, path, watch: false })
const list = (path: string): MultiOperation => ({ type: opCode.getChildren, path, watch: false })

chapter('precedence of errors', {}, (c) => {
  const locked = (): Promise<string> => c.wire.made(c.unique(), { acl: [aclOf(1, 'world', 'anyone')] })
  fact('create: unknown flags come before everything', async () => {
    expect((await c.wire.create('noslash', { flags: 9, acl: [] })).code).toBe('BAD_ARGUMENTS')
  })
  fact('create: a bad ACL comes before a missing parent', async () => {
    expect((await c.wire.create('/nowhere/a', { acl: [] })).code).toBe('INVALID_ACL')
  })
  fact('create: a missing parent comes before an invalid name', async () => {
    expect((await c.wire.create('/nowhere/.')).code).toBe('NO_NODE')
  })
  fact('create: missing CREATE comes before an invalid name', async () => {
    expect((await c.wire.create(`${await locked()}/.`)).code).toBe('NO_AUTH')
  })
  fact('create: missing CREATE comes before an existing znode', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    await c.wire.setAcl(path, [aclOf(1, 'world', 'anyone')])
    expect((await c.wire.create(`${path}/a`)).code).toBe('NO_AUTH')
  })
  fact('create: an invalid name comes before an ephemeral parent', async () => {
    const path = await c.wire.made(c.unique(), { flags: 1 })
    expect((await c.wire.create(`${path}/.`)).code).toBe('BAD_ARGUMENTS')
  })
  fact('create on an existing znode changes nothing', async () => {
    const path = await c.wire.made(c.unique(), { data: 'old' })
    expect((await c.wire.create(path, { data: 'new' })).code).toBe('NODE_EXISTS')
    expect(await c.wire.data(path)).toBe('old')
  })
  fact('delete: a missing parent is NO_NODE', async () => {
    expect((await c.wire.delete('/nowhere/a')).code).toBe('NO_NODE')
  })
  fact('delete: missing DELETE on the parent comes before a missing znode', async () => {
    expect((await c.wire.delete(`${await locked()}/a`)).code).toBe('NO_AUTH')
  })
  fact('delete: a wrong version comes before children', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.made(`${path}/a`)
    expect([(await c.wire.delete(path, 7)).code, (await c.wire.delete(path, 0)).code]).toEqual([
      'BAD_VERSION',
      'NOT_EMPTY',
    ])
  })
  fact('delete needs no permission on the znode itself', async () => {
    expect((await c.wire.delete(await c.wire.made(c.unique(), { acl: [aclOf(0, 'world', 'anyone')] }))).code).toBe('OK')
  })
  fact('setData: a missing znode is NO_NODE whatever the version', async () => {
    expect((await c.wire.set('/nowhere', 'x', 5)).code).toBe('NO_NODE')
  })
  fact('setData: missing WRITE comes before a wrong version', async () => {
    expect((await c.wire.set(await locked(), 'x', 5)).code).toBe('NO_AUTH')
  })
  fact('setACL: a bad ACL comes before a missing znode', async () => {
    expect((await c.wire.setAcl('/nowhere', [])).code).toBe('INVALID_ACL')
  })
  fact('setACL: missing ADMIN comes before a wrong version', async () => {
    expect((await c.wire.setAcl(await locked(), openAcl, 5)).code).toBe('NO_AUTH')
  })
})

chapter('zxids', {}, (c) => {
  const spent = async (body: () => Promise<unknown>): Promise<number> => {
    const before = (await c.wire.readPath(opCode.sync, '/')).zxid
    await body()
    return Number((await c.wire.readPath(opCode.sync, '/')).zxid - before)
  }
  const costs: [string, number, (path: string) => Promise<unknown>][] = [
    ['create', 1, (path) => c.wire.create(`${path}/a`)],
    ['create2', 1, (path) => c.wire.create(`${path}/a`, { type: opCode.create2 })],
    ['createContainer', 1, (path) => c.wire.create(`${path}/a`, { type: opCode.createContainer, flags: 4 })],
    ['setData', 1, (path) => c.wire.set(path)],
    ['setACL', 1, (path) => c.wire.setAcl(path, openAcl)],
    ['delete', 1, (path) => c.wire.delete(path)],
    ['a create that fails', 1, (path) => c.wire.create(path)],
    ['a delete that fails', 1, () => c.wire.delete('/nowhere')],
    ['a setData that fails', 1, (path) => c.wire.set(path, 'x', 9)],
    ['a setACL that fails', 1, (path) => c.wire.setAcl(path, [])],
    [
      'a createTTL that is not allowed',
      1,
      (path) => c.wire.create(`${path}/a`, { type: opCode.createTTL, flags: 5, ttl: 1n }),
    ],
    ['a multi of three', 1, (path) => c.wire.multi([create(`${path}/a`), set(path, 'x'), remove(`${path}/a`)])],
    ['a multi that fails', 1, (path) => c.wire.multi([create(`${path}/a`), check(path, 9)])],
    ['an empty multi', 1, () => c.wire.multi([])],
    ['a new session', 1, () => c.connect()],
    ['getData', 0, (path) => c.wire.read(opCode.getData, path)],
    ['exists', 0, (path) => c.wire.read(opCode.exists, path)],
    ['exists of a missing znode', 0, () => c.wire.read(opCode.exists, '/nowhere')],
    ['a read that fails', 0, () => c.wire.read(opCode.getData, '/nowhere')],
    ['getChildren', 0, (path) => c.wire.read(opCode.getChildren, path)],
    ['getACL', 0, (path) => c.wire.readPath(opCode.getACL, path)],
    ['sync', 0, (path) => c.wire.readPath(opCode.sync, path)],
    ['ping', 0, () => c.wire.call(opCode.ping, undefined, -2)],
    ['addWatch', 0, (path) => c.wire.watches(opCode.addWatch, path, 0)],
    ['removeWatches', 0, (path) => c.wire.watches(opCode.removeWatches, path, 3)],
    ['multiRead', 0, (path) => c.wire.multi([get(path)], opCode.multiRead)],
    ['auth', 0, () => c.wire.auth('digest', 'zxid:pw')],
    ['getEphemerals', 0, () => c.wire.readPath(opCode.getEphemerals, '/')],
    ['getAllChildrenNumber', 0, (path) => c.wire.readPath(opCode.getAllChildrenNumber, path)],
  ]
  for (const [name, cost, body] of costs) {
    fact(`${name} takes ${cost === 0 ? 'no zxid' : 'one zxid'}`, async () => {
      const path = await c.wire.made(c.unique())
      expect(await spent(() => body(path))).toBe(cost)
    })
  }
  fact('closing a session takes one zxid', async () => {
    const other = await c.connect()
    expect(await spent(() => other.call(opCode.closeSession))).toBe(1)
  })
  fact('an unreadable write takes no zxid', async () => {
    expect(await spent(() => c.wire.call(opCode.create, (writer) => writer.int(99)))).toBe(0)
  })
  fact('the reply to a failed write carries the zxid it took', async () => {
    const before = (await c.wire.readPath(opCode.sync, '/')).zxid
    expect(await c.wire.delete('/nowhere')).toMatchObject({ code: 'NO_NODE', zxid: before + 1n })
  })
  fact('the reply to a read carries the last zxid', async () => {
    const { zxid } = await c.wire.create(c.unique())
    expect((await c.wire.read(opCode.getData, '/')).zxid).toBe(zxid)
    expect((await c.wire.read(opCode.getData, '/nowhere')).zxid).toBe(zxid)
  })
  fact('all operations of a multi share its zxid', async () => {
    const path = c.unique()
    const { zxid } = await c.wire.multi([create(path), create(`${path}/a`), set(path, 'x')])
    expect(await c.wire.stat(path)).toMatchObject({ czxid: zxid, mzxid: zxid, pzxid: zxid })
    expect((await c.wire.stat(`${path}/a`)).czxid).toBe(zxid)
  })
})

chapter('multi', { extendedTypesEnabled: true }, (c) => {
  fact('each operation sees the ones before it', async () => {
    const path = c.unique()
    expect(
      await c.wire.outcomes([
        create(path),
        set(path, 'x', 0),
        check(path, 1),
        create(`${path}/a`),
        remove(`${path}/a`),
        remove(path, 1),
      ]),
    ).toEqual(new Array(6).fill('ok'))
    expect((await c.wire.read(opCode.exists, path)).code).toBe('NO_NODE')
  })
  fact('a failure rolls everything back: 0 before it, its code, RUNTIME_INCONSISTENCY behind', async () => {
    const path = c.unique()
    expect(await c.wire.outcomes([create(path), set(path, 'x', 5), remove(path), check(path, 0)])).toEqual([
      'rolled back',
      'BAD_VERSION',
      'RUNTIME_INCONSISTENCY',
      'RUNTIME_INCONSISTENCY',
    ])
    expect((await c.wire.read(opCode.exists, path)).code).toBe('NO_NODE')
  })
  fact('the header of a failed multi says 0', async () => {
    expect((await c.wire.multi([check('/nowhere', 0)])).code).toBe('OK')
  })
  fact('an empty multi answers with the end alone', async () => {
    const { code, body } = await c.wire.multi([])
    expect([code, body.remaining]).toEqual(['OK', 9])
  })
  fact('check: missing znode, wrong version, any version', async () => {
    const path = await c.wire.made(c.unique())
    expect(await c.wire.outcomes([check('/nowhere', -1)])).toEqual(['NO_NODE'])
    expect(await c.wire.outcomes([check(path, 3)])).toEqual(['BAD_VERSION'])
    expect(await c.wire.outcomes([check(path, -1), check(path, 0)])).toEqual(['ok', 'ok'])
  })
  fact('check needs READ', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(2, 'world', 'anyone')] })
    expect(await c.wire.outcomes([check(path, -1)])).toEqual(['NO_AUTH'])
  })
  fact('check of a malformed path is BAD_ARGUMENTS', async () => {
    expect(await c.wire.outcomes([check('/a/', -1)])).toEqual(['BAD_ARGUMENTS'])
  })
  fact('a create2 inside a multi returns the Stat', async () => {
    const path = c.unique()
    const { body } = await c.wire.multi([{ ...create(path), type: opCode.create2 } as MultiOperation])
    expect(readMultiResponse(body)).toMatchObject([{ type: opCode.create2, path, stat: { version: 0 } }])
  })
  fact('a create inside a multi returns the path', async () => {
    const path = c.unique()
    expect(readMultiResponse((await c.wire.multi([create(path)])).body)).toMatchObject([{ type: opCode.create, path }])
  })
  fact('a setData inside a multi returns the Stat after itself', async () => {
    const path = await c.wire.made(c.unique())
    const results = readMultiResponse((await c.wire.multi([set(path, 'a'), set(path, 'bb')])).body)
    expect(results).toMatchObject([{ stat: { version: 1, dataLength: 1 } }, { stat: { version: 2, dataLength: 2 } }])
  })
  fact('createContainer and createTTL inside a multi answer as create2', async () => {
    const [a, b] = [c.unique(), c.unique()]
    const { body } = await c.wire.multi([
      { ...create(a, 4), type: opCode.createContainer } as MultiOperation,
      { ...create(b, 5), type: opCode.createTTL, ttl: 60_000n } as MultiOperation,
    ])
    expect(readMultiResponse(body).map(({ type }) => type)).toEqual([opCode.create2, opCode.create2])
  })
  fact('reads inside a multi of writes are not readable', async () => {
    const path = await c.wire.made(c.unique())
    expect((await c.wire.multi([set(path, 'x'), get(path)])).code).toBe('MARSHALLING_ERROR')
    expect((await c.wire.stat(path)).version).toBe(0)
  })
  fact('an operation that cannot be part of a multi makes it unreadable', async () => {
    const reply = await c.wire.call(opCode.multi, (writer) => {
      writer.int(opCode.setACL)
      writer.boolean(false)
      writer.int(-1)
      writer.ustring('/')
    })
    expect([reply.code, reply.body.remaining]).toEqual(['MARSHALLING_ERROR', 0])
  })
  fact('events of a multi come in the order of its operations, in front of the reply', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.read(opCode.getChildren, path, true)
    await c.wire.read(opCode.getData, path, true)
    await c.wire.multi([set(path, 'x'), create(`${path}/a`)])
    expect(c.wire.events.splice(0).map(({ type }) => type)).toEqual([3, 4])
  })
  fact('a failed multi fires nothing', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.read(opCode.getData, path, true)
    await c.wire.multi([set(path, 'x'), check(path, 9)])
    expect(await c.wire.heard()).toEqual([])
    await c.wire.set(path, 'y')
    expect(await c.wire.heard()).toEqual([`3 ${path}`])
  })
  fact('an ephemeral made by a multi belongs to the session', async () => {
    const path = c.unique()
    await c.wire.multi([create(path, 1)])
    expect((await c.wire.stat(path)).ephemeralOwner).toBe(c.wire.sessionId)
  })
  fact('multiRead: each read stands alone', async () => {
    const path = await c.wire.made(c.unique(), { data: 'x' })
    expect(await c.wire.outcomes([get(path), get('/nowhere'), list(path)], opCode.multiRead)).toEqual([
      'ok',
      'NO_NODE',
      'ok',
    ])
  })
  fact('multiRead obeys READ', async () => {
    const path = await c.wire.made(c.unique(), { acl: [aclOf(2, 'world', 'anyone')] })
    expect(await c.wire.outcomes([get(path), list(path)], opCode.multiRead)).toEqual(['NO_AUTH', 'NO_AUTH'])
  })
  fact('multiRead leaves no watch, even if asked to', async () => {
    const path = await c.wire.made(c.unique())
    await c.wire.multi([{ ...get(path), watch: true } as MultiOperation], opCode.multiRead)
    await c.wire.set(path, 'x')
    expect(await c.wire.heard()).toEqual([])
  })
  fact('multiRead answers with data and Stat, and with names', async () => {
    const path = await c.wire.made(c.unique(), { data: 'x' })
    await c.wire.made(`${path}/a`)
    const results = readMultiResponse((await c.wire.multi([get(path), list(path)], opCode.multiRead)).body)
    expect(results).toMatchObject([
      { type: opCode.getData, stat: { numChildren: 1 } },
      { type: opCode.getChildren, children: ['a'] },
    ])
  })
  fact('a write inside a multiRead is not readable', async () => {
    expect((await c.wire.multi([get('/'), set('/', 'x')], opCode.multiRead)).code).toBe('MARSHALLING_ERROR')
  })
})
