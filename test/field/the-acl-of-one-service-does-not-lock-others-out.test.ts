/**
 * F09 and its kind: the ACL that a recipe is given is on what the caller makes for itself, and on the directory of that one service,
 * lock or election where it is made; never on a base that others share.
 */
import { type Acl, type Client, connect, creatorAcl, KeeperError, openAcl, type ZnodePath } from '@lightkeeper/client'
import {
  discovery,
  election,
  group,
  lock,
  masterElection,
  persistentNode,
  readWriteLock,
  semaphore,
} from '@lightkeeper/recipes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTarget, type TargetServer } from '../support/target.ts'

let server: TargetServer
let a: Client
let b: Client
let anonymous: Client

beforeAll(async () => {
  server = await startTarget({ tickTime: 500 })
  const each = (auth?: string): Promise<Client> =>
    connect(server.connectString, auth === undefined ? {} : { auth: [{ scheme: 'digest', credentials: auth }] })
  ;[a, b, anonymous] = await Promise.all([each('a:pw'), each('b:pw'), each()])
})
afterAll(async () => {
  await Promise.all([a, b, anonymous].map((each) => each.close()))
  await server.close()
})

const aclOf = async (zk: Client, path: ZnodePath): Promise<readonly Acl[]> => (await zk.getAcl(path)).acl
const acl = creatorAcl

test('a service registers beside one of other credentials, and everybody can list both', async () => {
  await using one = await discovery(a).register({ name: 'a', address: '10.0.0.1', port: 1 }, { acl })
  await using two = await discovery(b).register({ name: 'b', address: '10.0.0.2', port: 1 }, { acl })
  expect(await discovery(anonymous).names()).toEqual(['a', 'b'])
  expect(await aclOf(anonymous, '/services')).toEqual(openAcl)
  for (const [zk, { path }, other] of [
    [a, one, anonymous],
    [b, two, a],
  ] as const) {
    expect((await aclOf(zk, path))[0]?.id.scheme).toBe('digest')
    const refused = await other.get(path).catch((error: unknown) => error)
    expect(KeeperError.is(refused, 'NO_AUTH')).toBe(true)
  }
  // Nobody else registers in its name, nor takes it away.
  const intruder = discovery(b).register({ name: 'a', address: '10.0.0.9', port: 1 }, { acl })
  await expect(intruder).rejects.toMatchObject({ code: 'NO_AUTH' })
  await expect(anonymous.delete(one.path)).rejects.toMatchObject({ code: 'NO_AUTH' })
})

test('an instance of Dubbo leaves the znode of its interface to consumers', async () => {
  await using one = await discovery(a, '/dubbo', { format: 'dubbo' }).register(
    { name: 'com.a.B', address: '10.0.0.1', port: 1 },
    { acl },
  )
  expect(await aclOf(anonymous, '/dubbo')).toEqual(openAcl)
  expect(await aclOf(anonymous, '/dubbo/com.a.B')).toEqual(openAcl)
  expect((await aclOf(a, one.path))[0]?.id.scheme).toBe('digest')
})

test.each<readonly [string, (zk: Client, path: ZnodePath) => Promise<{ readonly path: ZnodePath }>]>([
  ['lock', (zk, path) => lock(zk, path, { acl }).acquire()],
  ['readWriteLock', (zk, path) => readWriteLock(zk, path, { acl }).read.acquire()],
  ['semaphore', (zk, path) => semaphore(zk, path, { acl, leases: 1 }).acquire()],
  ['semaphore of kazoo', (zk, path) => semaphore(zk, path, { acl, leases: 1, names: 'kazoo' }).acquire()],
  ['election', async (zk, path) => (await election(zk, path, { acl }).terms().next()).value as { path: ZnodePath }],
  [
    'masterElection',
    async (zk, path) => (await masterElection(zk, path, { acl }).terms().next()).value as { path: ZnodePath },
  ],
  ['persistentNode', (zk, path) => persistentNode(zk, path, '', { acl })],
  ['group', (zk, path) => group(zk, path).join('me', { acl })],
])('%s: neighbours under one base do not shut each other out', async (name, make) => {
  const base: ZnodePath = `/shared ${name}/base`
  const one = await make(a, `${base}/x`)
  const two = await make(b, `${base}/y`)
  for (const [zk, made] of [
    [a, one],
    [b, two],
  ] as const) {
    expect((await aclOf(zk, made.path))[0]?.id.scheme).toBe('digest')
    await expect(anonymous.set(made.path, 'mine')).rejects.toMatchObject({ code: 'NO_AUTH' })
  }
  for (const path of [base, `/shared ${name}`] as const) expect(await aclOf(anonymous, path)).toEqual(openAcl)
  expect((await anonymous.children(base)).children.length).toBeGreaterThanOrEqual(2)
})

test.each(['lock', 'semaphore', 'election'] as const)('the directory of one %s is closed with it', async (name) => {
  const path: ZnodePath = `/closed/${name}`
  const made =
    name === 'election'
      ? ((await election(a, path, { acl }).terms().next()).value as { path: ZnodePath })
      : name === 'lock'
        ? await lock(a, path, { acl }).acquire()
        : await semaphore(a, path, { acl, leases: 1 }).acquire()
  // Whoever may delete a znode is decided by its parent.
  await expect(anonymous.delete(made.path)).rejects.toMatchObject({ code: 'NO_AUTH' })
  expect((await aclOf(a, path))[0]?.id.scheme).toBe('digest')
})

test('members of one group may have different credentials', async () => {
  await using _one = await group(a, '/mixed').join('a', { acl })
  await using _two = await group(b, '/mixed').join('b', { acl })
  expect([...(await anonymous.children('/mixed')).children].sort()).toEqual(['a', 'b'])
})
