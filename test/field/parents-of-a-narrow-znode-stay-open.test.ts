/**
 * Field case F06, and its kind: `parents: true` put the leaf's read-only ACL on each parent, so the leaf itself was refused and the
 * half path stayed locked. No call gives what it makes on the way the ACL of what it was asked for, and none destroys or leaves half
 * of something where it can know that it will be refused.
 */
import { type Acl, type Client, connect, openAcl, permission, type ZnodePath } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../support/outcome.ts'

const world = { scheme: 'world', id: 'anyone' }
const readOnly: readonly Acl[] = [{ perms: permission.read, id: world }]
const withoutDelete: readonly Acl[] = [{ perms: 31 & ~permission.delete, id: world }]
const narrow: readonly Acl[] = [{ perms: permission.read | permission.create, id: world }]

let server: RunningServer
let zk: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1', znodeContainerCheckIntervalMs: 50 })
  zk = await connect(server)
})

afterAll(async () => {
  await zk.close()
  await server.close()
})

const aclOf = async (path: ZnodePath): Promise<readonly Acl[]> => (await zk.getAcl(path)).acl
const namesIn = async (path: ZnodePath): Promise<ZnodePath[]> => [...(await zk.tree(path)).nodes.keys()]

describe('parents that are made on the way', () => {
  const ways = {
    create: (path: ZnodePath) => zk.create(path, 'v', { parents: true, acl: readOnly }),
    'create, containers as parents': (path: ZnodePath) => zk.create(path, 'v', { parents: 'container', acl: readOnly }),
    'create, protected': (path: ZnodePath) =>
      zk.create(path, 'v', { parents: true, acl: readOnly, protected: true, sequential: true }),
    update: (path: ZnodePath) => zk.update(path, () => 'v', { create: { parents: true, acl: readOnly } }),
    'update of a handle': (path: ZnodePath) =>
      zk.node(path).update(() => new Uint8Array(1), { create: { parents: true, acl: readOnly } }),
    'create of a handle': (path: ZnodePath) =>
      zk.node(path).create(new Uint8Array(1), { parents: true, acl: readOnly }),
    ensure: (path: ZnodePath) => zk.ensure(path, { acl: readOnly }),
  }
  test.each(Object.entries(ways))('stay open: %s', async (way, create) => {
    const base: ZnodePath = `/${way.replaceAll(/[^a-z]/g, '-')}`
    await create(`${base}/ro/x`)
    expect([await aclOf(base), await aclOf(`${base}/ro`)]).toEqual([openAcl, openAcl])
    const [leaf = ''] = (await zk.children(`${base}/ro`)).children
    expect(await aclOf(`${base}/ro/${leaf}`)).toEqual(readOnly)
    await zk.delete(base, { recursive: true })
  })

  test('get an ACL of their own where one is asked for', async () => {
    await zk.create('/own/way/x', 'v', { parents: true, acl: readOnly, parentsAcl: narrow })
    expect([await aclOf('/own'), await aclOf('/own/way'), await aclOf('/own/way/x')]).toEqual([
      narrow,
      narrow,
      readOnly,
    ])
    await zk.ensure('/own2/way', { parentsAcl: narrow })
    expect([await aclOf('/own2'), await aclOf('/own2/way')]).toEqual([narrow, openAcl])
  })
})

describe('ensure', () => {
  test('leaves what is there as it is', async () => {
    await zk.create('/kept', 'data', { acl: narrow })
    const before = await zk.get('/kept')
    await zk.ensure('/kept')
    await zk.ensure('/')
    expect(await zk.get('/kept')).toEqual(before)
  })

  test('asks for no permission where there is nothing to do', async () => {
    await zk.create('/closed/x', '', { parents: true })
    await zk.setAcl('/closed', readOnly)
    await zk.ensure('/closed/x')
    expect(await codeOf(zk.ensure('/closed/y'))).toBe('NO_AUTH')
  })

  test('makes containers where they are asked for', async () => {
    await zk.ensure('/boxes/a', { mode: 'container' })
    await zk.create('/boxes/a/x')
    await zk.delete('/boxes/a/x')
    // An empty container is removed by the server, and so is the one it was in.
    for await (const change of zk.watch('/boxes')) if (change.kind === 'deleted') break
  })
})

describe('a recursive delete', () => {
  test('that is not permitted somewhere below deletes nothing', async () => {
    await zk.create('/guarded/a/b/c', '', { parents: true })
    await zk.create('/guarded/z')
    await zk.setAcl('/guarded/a/b', withoutDelete)
    const before = await namesIn('/guarded')
    expect(await codeOf(zk.delete('/guarded', { recursive: true }))).toBe('NO_AUTH')
    expect(await namesIn('/guarded')).toEqual(before)
  })

  test('that is not permitted to delete the root deletes nothing', async () => {
    await zk.create('/fixed/root/a', '', { parents: true })
    await zk.setAcl('/fixed', withoutDelete)
    expect(await codeOf(zk.delete('/fixed/root', { recursive: true }))).toBe('NO_AUTH')
    expect(await namesIn('/fixed/root')).toEqual(['/fixed/root', '/fixed/root/a'])
  })

  test('with a version that is another deletes nothing', async () => {
    await zk.create('/versioned/a', '', { parents: true })
    expect(await codeOf(zk.delete('/versioned', { recursive: true, version: 7 }))).toBe('BAD_VERSION')
    expect(await namesIn('/versioned')).toEqual(['/versioned', '/versioned/a'])
    expect(await codeOf(zk.delete('/versioned', { recursive: true, version: 0 }))).toBe('ok')
  })

  test('of the root of all deletes nothing', async () => {
    await zk.create('/survivor/a', '', { parents: true })
    expect(await codeOf(zk.delete('/', { recursive: true }))).toBe('BAD_ARGUMENTS')
    expect(await namesIn('/survivor')).toHaveLength(2)
  })

  test('of a subtree that may not be listed deletes nothing', async () => {
    await zk.create('/dark/inner/x', '', { parents: true })
    await zk.create('/dark/other')
    await zk.setAcl('/dark/inner', [{ perms: permission.delete, id: world }])
    expect(await codeOf(zk.delete('/dark', { recursive: true }))).toBe('NO_AUTH')
    expect((await zk.children('/dark')).children.toSorted()).toEqual(['inner', 'other'])
  })
})

describe('a copy', () => {
  /** More than one transaction holds. */
  async function wideTree(root: ZnodePath): Promise<void> {
    await zk.create(root)
    await zk.create(`${root}/inner`)
    for (let i = 0; i < 3; i++) await zk.create(`${root}/inner/${i}`, new Uint8Array(300_000))
  }

  test('into itself, or of what cannot be copied, leaves nothing behind', async () => {
    await zk.create('/src/a', '', { parents: true })
    expect(await codeOf(zk.copy('/src', '/src/a/b'))).toBe('BAD_ARGUMENTS')
    expect(await codeOf(zk.copy('/src', '/missing/there'))).toBe('TRANSACTION_FAILED')
    expect(await namesIn('/src')).toEqual(['/src', '/src/a'])
  })

  test('whose own ACL would stop it halfway is refused before anything is copied', async () => {
    await wideTree('/wide')
    await zk.setAcl('/wide/inner', readOnly)
    const failure = await zk.copy('/wide', '/copy').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'TRANSACTION_FAILED', failedOp: { code: 'NO_AUTH', path: '/wide/inner' } })
    expect(await zk.exists('/copy')).toBeUndefined()
  })

  test('of a tree that fits into no single transaction goes through', async () => {
    await wideTree('/large')
    await zk.setAcl('/large/inner', narrow)
    expect(await zk.copy('/large', '/large-copy')).toBe(5)
    expect(await aclOf('/large-copy/inner')).toEqual(narrow)
    expect((await zk.get('/large-copy/inner/2')).data).toHaveLength(300_000)
  })

  test('of a znode that no request of this client can carry is refused before anything is copied', async () => {
    await wideTree('/huge')
    await zk.create('/huge/zz', new Uint8Array(600_000))
    const small = await connect(server, { requestBytesMax: 500_000 })
    const failure = await small.copy('/huge', '/huge-copy').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'FRAME_TOO_LARGE', path: '/huge-copy/zz' })
    expect(await zk.exists('/huge-copy')).toBeUndefined()
    await small.close()
  })
})
