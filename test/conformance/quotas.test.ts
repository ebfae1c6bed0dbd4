/** System znodes and quotas (server-semantics §8): zookeeper_limits and zookeeper_stats as zkCli writes them. */
import { type MultiOperation, opCode, openAcl } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { aclOf, Wire } from './wire.ts'

const limitsOf = (path: string): string => `/zookeeper/quota${path}/zookeeper_limits`
const statsOf = (path: string): string => `/zookeeper/quota${path}/zookeeper_stats`
const hard = (count: number, bytes: number): string =>
  `count=-1,bytes=-1=;byteHardLimit=${bytes};countHardLimit=${count}`

/** What zkCli's setquota writes, in its order. */
async function setQuota(wire: Wire, path: string, limits: string): Promise<void> {
  let above = ''
  for (const name of path.split('/').slice(1)) {
    above += `/${name}`
    await wire.create(`/zookeeper/quota${above}`)
  }
  await wire.made(limitsOf(path), { data: limits })
  await wire.made(statsOf(path), { data: 'count=0,bytes=0' })
}

/** A znode with limits. */
async function limited(c: Chapter, limits: string): Promise<string> {
  const path = await c.wire.made(c.unique())
  await setQuota(c.wire, path, limits)
  return path
}

const usage = async (wire: Wire, path: string): Promise<string> =>
  /^count=-?\d+,bytes=-?\d+/.exec((await wire.data(statsOf(path))) ?? '')?.[0] ?? ''

const create = (path: string, data = '', flags = 0): MultiOperation => ({
  type: opCode.create,
  path,
  data: new TextEncoder().encode(data),
  acl: openAcl,
  flags,
})
const set = (path: string, text: string): MultiOperation => ({
  type: opCode.setData,
  path,
  data: new TextEncoder().encode(text),
  version: -1,
})

chapter('system znodes', {}, (c) => {
  for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
    fact(`${path} cannot be deleted`, async () => {
      expect((await c.wire.delete(path)).code).toBe('BAD_ARGUMENTS')
    })
  }
  fact('znodes may be created and deleted below /zookeeper', async () => {
    expect((await c.wire.create('/zookeeper/own')).code).toBe('OK')
    expect((await c.wire.delete('/zookeeper/own')).code).toBe('OK')
  })
  fact('/, /zookeeper and /zookeeper/quota are open to everybody', async () => {
    for (const path of ['/', '/zookeeper', '/zookeeper/quota']) expect((await c.wire.set(path, '')).code).toBe('OK')
  })
  fact('/zookeeper/config can be read by everybody and written by nobody', async () => {
    expect((await c.wire.read(opCode.getData, '/zookeeper/config')).code).toBe('OK')
    expect((await c.wire.set('/zookeeper/config', 'x')).code).toBe('NO_AUTH')
    expect((await c.wire.create('/zookeeper/config/x')).code).toBe('NO_AUTH')
  })
})

chapter('usage below a quota', { extendedTypesEnabled: true, containerCheckMs: 300 }, (c) => {
  fact('a new stats znode is overwritten with what is there', async () => {
    const path = await c.wire.made(c.unique(), { data: 'four' })
    await c.wire.made(`${path}/a`, { data: 'two' })
    await setQuota(c.wire, path, 'count=5,bytes=-1')
    expect(await usage(c.wire, path)).toBe('count=2,bytes=7')
  })
  fact('creates, deletes and data below are counted, without touching the Stat', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    const before = await c.wire.stat(statsOf(path))
    await c.wire.made(`${path}/a`, { data: 'four' })
    expect(await usage(c.wire, path)).toBe('count=2,bytes=4')
    await c.wire.set(`${path}/a`, 'seven77')
    expect(await usage(c.wire, path)).toBe('count=2,bytes=7')
    await c.wire.set(`${path}/a`, null)
    expect(await usage(c.wire, path)).toBe('count=2,bytes=0')
    await c.wire.delete(`${path}/a`)
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
    const after = await c.wire.stat(statsOf(path))
    expect([after.mzxid, after.version, after.mtime]).toEqual([before.mzxid, before.version, before.mtime])
  })
  fact('data of the quota’s own znode counts', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.set(path, '12345')
    expect(await usage(c.wire, path)).toBe('count=1,bytes=5')
  })
  fact('a change of the usage fires no watch', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.read(opCode.getData, statsOf(path), true)
    await c.wire.made(`${path}/a`)
    expect(await c.wire.heard()).toEqual([])
  })
  fact('a change takes no more zxids below a quota than elsewhere', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    const first = await c.wire.create(`${path}/a`)
    const second = await c.wire.create(`${path}/b`)
    expect(second.zxid - first.zxid).toBe(1n)
  })
  fact('a change counts for the deepest quota alone', async () => {
    const outer = await c.wire.made(c.unique())
    const inner = await c.wire.made(`${outer}/in`)
    await setQuota(c.wire, outer, 'count=50,bytes=-1')
    await setQuota(c.wire, inner, 'count=50,bytes=-1')
    await c.wire.made(`${inner}/a`, { data: 'four' })
    expect([await usage(c.wire, outer), await usage(c.wire, inner)]).toEqual(['count=2,bytes=0', 'count=2,bytes=4'])
    await c.wire.made(`${outer}/b`)
    expect([await usage(c.wire, outer), await usage(c.wire, inner)]).toEqual(['count=3,bytes=0', 'count=2,bytes=4'])
  })
  fact('a sibling with the same beginning is not counted', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.made(`${path}x`)
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
  fact('a multi counts all it did, and nothing when it failed', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.multi([create(`${path}/a`, '1'), create(`${path}/b`, '22'), set(`${path}/a`, '333')])
    expect(await usage(c.wire, path)).toBe('count=3,bytes=5')
    await c.wire.multi([create(`${path}/c`), create(`${path}/a`)])
    expect(await usage(c.wire, path)).toBe('count=3,bytes=5')
  })
  fact('ephemerals count until their session is closed', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    const other = await c.connect()
    await other.made(`${path}/e`, { flags: 1, data: '12' })
    await other.made(`${path}/f`, { flags: 1, data: '345' })
    expect(await usage(c.wire, path)).toBe('count=3,bytes=5')
    await other.close()
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
  fact('containers and TTL znodes count until they are reaped', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.made(`${path}/c`, { type: opCode.createContainer, flags: 4, data: '12' })
    await c.wire.made(`${path}/t`, { type: opCode.createTTL, flags: 5, ttl: 100n, data: '345' })
    await c.wire.made(`${path}/c/a`)
    await c.wire.delete(`${path}/c/a`)
    while ((await c.wire.children(path)).length > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
  fact('usage that a client wrote is what is counted on from', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.set(statsOf(path), 'count=10,bytes=100')
    await c.wire.made(`${path}/a`, { data: '1' })
    expect(await usage(c.wire, path)).toBe('count=11,bytes=101')
  })
  fact('a quota whose limits are deleted counts no more', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.delete(limitsOf(path))
    await c.wire.made(`${path}/a`)
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
  fact('where an inner quota is deleted the outer one counts on, without what was below before', async () => {
    const outer = await c.wire.made(c.unique())
    const inner = await c.wire.made(`${outer}/in`)
    await setQuota(c.wire, outer, 'count=50,bytes=-1')
    await setQuota(c.wire, inner, 'count=50,bytes=-1')
    await c.wire.made(`${inner}/a`)
    await c.wire.delete(limitsOf(inner))
    await c.wire.made(`${inner}/b`)
    expect(await usage(c.wire, outer)).toBe('count=3,bytes=0')
  })
  fact('a znode for the usage that is made anew counts what is there', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.delete(statsOf(path))
    await c.wire.made(`${path}/a`, { data: '12' })
    await c.wire.made(statsOf(path), { data: 'count=0,bytes=0' })
    expect(await usage(c.wire, path)).toBe('count=2,bytes=2')
  })
  fact('limits may be set for a znode that is made later', async () => {
    const path = c.unique()
    await setQuota(c.wire, path, 'count=50,bytes=-1')
    expect(await usage(c.wire, path)).toBe('count=0,bytes=0')
    await c.wire.made(path, { data: '12' })
    expect(await usage(c.wire, path)).toBe('count=1,bytes=2')
  })
  fact('usage that is no usage does no harm', async () => {
    const path = await limited(c, 'count=50,bytes=-1')
    await c.wire.set(statsOf(path), 'garbage')
    expect((await c.wire.create(`${path}/a`)).code).toBe('OK')
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
})

chapter('quotas of all kinds, without enforceQuota', {}, (c) => {
  for (const limits of ['count=1,bytes=1', hard(1, 1), 'count=0,bytes=0=;byteHardLimit=0;countHardLimit=0']) {
    fact(`${limits} refuses nothing`, async () => {
      const path = await limited(c, limits)
      expect((await c.wire.create(`${path}/a`, { data: 'long' })).code).toBe('OK')
      expect((await c.wire.set(path, 'long')).code).toBe('OK')
    })
  }
  fact('limits of the whole tree do no harm', async () => {
    const wire = await c.connect()
    await wire.create('/zookeeper/quota/zookeeper_limits', { data: 'count=1,bytes=-1' })
    expect((await wire.create(c.unique())).code).toBe('OK')
  })
})

chapter('quotas', { enforceQuota: true }, (c) => {
  const codes = async (...replies: Promise<{ readonly code: string }>[]): Promise<string[]> =>
    (await Promise.all(replies)).map(({ code }) => code)
  fact('a soft limit refuses nothing', async () => {
    const path = await limited(c, 'count=1,bytes=1')
    expect((await c.wire.create(`${path}/a`, { data: 'long' })).code).toBe('OK')
  })
  fact('a hard count refuses one create too many', async () => {
    const path = await limited(c, hard(2, -1))
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
    expect(await codes(c.wire.create(`${path}/b`))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('a hard count refuses nothing but creates', async () => {
    const path = await limited(c, hard(2, -1))
    await c.wire.made(`${path}/a`)
    await c.wire.set(limitsOf(path), hard(1, -1))
    expect(await codes(c.wire.set(`${path}/a`, 'long'))).toEqual(['OK'])
    expect(await codes(c.wire.setAcl(`${path}/a`, openAcl))).toEqual(['OK'])
    expect(await codes(c.wire.delete(`${path}/a`))).toEqual(['OK'])
  })
  for (const [kind, options] of [
    ['an ephemeral', { flags: 1 }],
    ['a sequential znode', { flags: 2 }],
    ['a container', { type: opCode.createContainer, flags: 4 }],
    ['a create2', { type: opCode.create2 }],
  ] as const) {
    fact(`a hard count refuses ${kind}`, async () => {
      const path = await limited(c, hard(1, -1))
      expect((await c.wire.create(`${path}/a`, options)).code).toBe('QUOTA_EXCEEDED')
    })
  }
  fact('a hard count makes room for each znode that is deleted', async () => {
    const path = await limited(c, hard(2, -1))
    await c.wire.made(`${path}/a`)
    expect(await codes(c.wire.create(`${path}/b`))).toEqual(['QUOTA_EXCEEDED'])
    await c.wire.delete(`${path}/a`)
    expect(await codes(c.wire.create(`${path}/b`))).toEqual(['OK'])
  })
  fact('hard bytes refuse a create and a setData that go above', async () => {
    const path = await limited(c, hard(-1, 5))
    expect(await codes(c.wire.create(`${path}/a`, { data: '123456' }))).toEqual(['QUOTA_EXCEEDED'])
    expect(await codes(c.wire.create(`${path}/a`, { data: '123' }))).toEqual(['OK'])
    expect(await codes(c.wire.set(`${path}/a`, '123456'))).toEqual(['QUOTA_EXCEEDED'])
    expect(await codes(c.wire.set(`${path}/a`, '12345'))).toEqual(['OK'])
  })
  fact('hard bytes of 0 allow znodes without data alone', async () => {
    const path = await limited(c, hard(-1, 0))
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
    expect(await codes(c.wire.set(`${path}/a`, '1'))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact(
    'above hard bytes a setData of the same size is fine, and one that is smaller and still too large is refused',
    async () => {
      const path = await limited(c, hard(-1, 10))
      await c.wire.made(`${path}/a`, { data: '12345678' })
      await c.wire.set(limitsOf(path), hard(-1, 3))
      expect(await codes(c.wire.set(`${path}/a`, 'abcdefgh'))).toEqual(['OK'])
      expect(await codes(c.wire.set(`${path}/a`, '12345'))).toEqual(['QUOTA_EXCEEDED'])
      expect(await codes(c.wire.set(`${path}/a`, '123'))).toEqual(['OK'])
    },
  )
  fact('a hard limit takes the place of the soft one', async () => {
    const path = await limited(c, 'count=1,bytes=1=;byteHardLimit=4;countHardLimit=2')
    expect(await codes(c.wire.create(`${path}/a`, { data: '1234' }))).toEqual(['OK'])
    expect(await codes(c.wire.create(`${path}/b`))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('hard limits may stand in either order', async () => {
    const path = await limited(c, 'count=-1,bytes=-1=;countHardLimit=1;byteHardLimit=-1')
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('limits hold as soon as they are set', async () => {
    const path = await limited(c, hard(1, -1))
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['QUOTA_EXCEEDED'])
    await c.wire.set(limitsOf(path), hard(2, -1))
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
  })
  fact('limits without a znode for the usage limit nothing', async () => {
    const path = await limited(c, hard(1, -1))
    await c.wire.delete(statsOf(path))
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
  })
  fact('the deepest quota alone decides', async () => {
    const outer = await c.wire.made(c.unique())
    const inner = await c.wire.made(`${outer}/in`)
    await setQuota(c.wire, outer, hard(2, -1))
    await setQuota(c.wire, inner, hard(5, -1))
    expect(await codes(c.wire.create(`${inner}/a`))).toEqual(['OK'])
    expect(await codes(c.wire.create(`${outer}/b`))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('what a refused write took was one zxid, and it left nothing', async () => {
    const path = await limited(c, hard(1, -1))
    const before = await c.wire.read(opCode.exists, path)
    const refused = await c.wire.create(`${path}/a`)
    expect(refused.zxid - before.zxid).toBe(1n)
    expect(await c.wire.children(path)).toEqual([])
    expect(await usage(c.wire, path)).toBe('count=1,bytes=0')
  })
  fact('create: an existing znode and an ephemeral parent come before the quota', async () => {
    const path = await limited(c, hard(3, -1))
    await c.wire.made(`${path}/a`)
    await c.wire.made(`${path}/e`, { flags: 1 })
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['NODE_EXISTS'])
    expect(await codes(c.wire.create(`${path}/e/x`))).toEqual(['NO_CHILDREN_FOR_EPHEMERALS'])
  })
  fact('setData: WRITE comes before the quota, and the quota before the version', async () => {
    const path = await limited(c, hard(-1, 3))
    await c.wire.made(`${path}/a`, { acl: [aclOf(1, 'world', 'anyone')] })
    await c.wire.made(`${path}/b`)
    expect(await codes(c.wire.set(`${path}/a`, '12345'))).toEqual(['NO_AUTH'])
    expect(await codes(c.wire.set(`${path}/b`, '12345', 9))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('a multi with one operation too many is rolled back', async () => {
    const path = await limited(c, hard(-1, 5))
    expect(await c.wire.outcomes([create(`${path}/a`, '12'), create(`${path}/b`, '123456')])).toEqual([
      'rolled back',
      'QUOTA_EXCEEDED',
    ])
    expect(await c.wire.children(path)).toEqual([])
  })
  fact('operations of a multi are each compared with the usage before it', async () => {
    const path = await limited(c, hard(2, -1))
    expect(await c.wire.outcomes([create(`${path}/a`), create(`${path}/b`), create(`${path}/c`)])).toEqual([
      'ok',
      'ok',
      'ok',
    ])
    expect(await usage(c.wire, path)).toBe('count=4,bytes=0')
    expect(await codes(c.wire.create(`${path}/d`))).toEqual(['QUOTA_EXCEEDED'])
  })
  fact('a session that ends makes room', async () => {
    const path = await limited(c, hard(2, -1))
    const other = await c.connect()
    await other.made(`${path}/e`, { flags: 1 })
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['QUOTA_EXCEEDED'])
    await other.close()
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
  })
  fact('the super user is refused as everybody is', async () => {
    const path = await limited(c, hard(1, -1))
    const other = await c.connect()
    await other.auth('digest', 'super:secret')
    expect((await other.create(`${path}/a`)).code).toBe('QUOTA_EXCEEDED')
  })
  fact('limits that cannot be read limit nothing', async () => {
    const path = await limited(c, 'count=five')
    expect(await codes(c.wire.create(`${path}/a`))).toEqual(['OK'])
  })
  fact('quotas hold across a restart, and usage is what is there', async () => {
    const path = await limited(c, hard(3, -1))
    await c.wire.made(`${path}/a`, { data: '123' })
    await c.wire.set(`${path}/a`, '12')
    await c.server.crashAndRestart()
    const wire = await Wire.connect(c.server.port)
    expect(await usage(wire, path)).toBe('count=2,bytes=2')
    expect([(await wire.create(`${path}/b`)).code, (await wire.create(`${path}/c`)).code]).toEqual([
      'OK',
      'QUOTA_EXCEEDED',
    ])
    await wire.close()
  })
})
