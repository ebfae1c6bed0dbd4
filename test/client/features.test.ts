/** What the client adds to single requests, on our server or, by LIGHTKEEPER_TARGET, on Apache ZooKeeper. */
import {
  type Client,
  connect,
  json,
  KeeperError,
  op,
  type StandardSchema,
  text,
  type ZnodePath,
} from '@lightkeeper/client'
import { beforeEach, describe, expect, test } from 'vitest'
import { twoClients } from '../support/clients.ts'
import { codeOf } from '../support/outcome.ts'
import { missingTarget, type TargetServer, targetName } from '../support/target.ts'

const reason = missingTarget()
if (reason !== undefined) console.log(`client features on ${targetName}: skipped, because ${reason}`)

/** A case that reads trees, which takes persistent watches. */
const testOfTrees = (sentence: string, run: () => Promise<void>): void => {
  const isOld = targetName === 'apache-3.5'
  if (isOld) console.log(`${targetName}: "${sentence}" is skipped, because reading a tree needs ZooKeeper 3.6`)
  test.skipIf(isOld)(sentence, run)
}
const string = (data: Uint8Array): string => new TextDecoder().decode(data)

describe.skipIf(reason !== undefined)(`the client on ${targetName}`, () => {
  let server: TargetServer
  let zk: Client
  let other: Client
  let root: ZnodePath
  twoClients('/features', (given) => void ({ server, a: zk, b: other, path: root } = given), {
    extendedTypesEnabled: true,
    tickTime: 500,
  })
  beforeEach(() => zk.create(root, '', { parents: true }))

  test('a one-shot watch that is given up fires no more, neither here nor on the server', async () => {
    const read = await zk.get(root, { watch: true })
    const listed = await zk.children(root, { watch: true })
    const awaited = await zk.existence(`${root}/none`, { watch: true })
    expect(await zk.unwatch(root, 'data')).toBe(true)
    expect(await zk.unwatch(`${root}/none`, 'data')).toBe(true)
    expect(await read.changed).toMatchObject({ type: 'none', path: root })
    expect((await awaited.changed)?.type).toBe('none')
    expect(await zk.unwatch(root, 'data')).toBe(false)
    // The other kind stays, and fires.
    await other.set(root, 'x')
    await other.create(`${root}/none`)
    expect((await listed.changed)?.type).toBe('childrenChanged')
    expect(await zk.unwatch(root, 'children')).toBe(false)
    // A watch can be left again.
    const again = await zk.get(root, { watch: true })
    await other.set(root, 'y')
    expect((await again.changed)?.type).toBe('dataChanged')
  })

  test('members are changed only where a server allows it, and an error says so', async () => {
    expect(await codeOf(zk.reconfigure({ leaving: '1' }))).toBe('RECONFIG_DISABLED')
    await expect(zk.reconfigure({ leaving: '' })).rejects.toThrow(TypeError)
  })

  test('a handle reads and writes values; absence is a value only where it is asked for', async () => {
    const node = zk.node(`${root}/db`, json<{ pool: number }>())
    expect(await node.find()).toBeUndefined()
    expect(await codeOf(node.get())).toBe('NO_NODE')
    await node.create({ pool: 1 })
    const { value, stat } = await node.get()
    expect(value).toEqual({ pool: 1 })
    await node.set({ pool: value.pool + 1 }, { version: stat.version })
    expect(await codeOf(node.set({ pool: 9 }, { version: stat.version }))).toBe('BAD_VERSION')
    expect((await node.get()).value).toEqual({ pool: 2 })
    await node.delete()
    expect(await node.find()).toBeUndefined()
  })

  test('update makes every change of concurrent writers count', async () => {
    const counters = [zk, other].map((client) => client.node(`${root}/n`, json<number>()))
    await Promise.all(
      counters.map(async (node) => {
        for (let i = 0; i < 20; i++) await node.update((n = 0) => n + 1)
      }),
    )
    expect((await zk.node(`${root}/n`, json<number>()).get()).value).toBe(40)
    const { value } = await zk.node(`${root}/n`, json<number>()).update(() => undefined)
    expect(value).toBe(40)
  })

  test('data the codec does not accept is an error that names the znode and the reason', async () => {
    const positive: StandardSchema<number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          typeof value === 'number' && value > 0
            ? { value }
            : { issues: [{ message: 'must be positive', path: ['n', { key: 0 }] }] },
      },
    }
    const path = `${root}/n` as const
    await zk.create(path, '-1')
    const error = await zk
      .node(path, json(positive))
      .get()
      .catch((each: unknown) => each as KeeperError)
    expect(error).toMatchObject({ code: 'INVALID_DATA', path })
    expect(String(error)).toContain('n.0: must be positive')
    await zk.set(path, new Uint8Array([0xff]))
    expect(await codeOf(zk.node(path, text).get())).toBe('INVALID_DATA')
    expect((await zk.node(path).get()).value).toEqual(new Uint8Array([0xff]))
  })

  test('a read at least as new as a transaction seen elsewhere', async () => {
    const { stat } = await other.create(`${root}/new`, 'x')
    expect(string((await zk.get(`${root}/new`, { atLeast: stat.mzxid })).data)).toBe('x')
    expect(zk.lastZxid).toBeGreaterThanOrEqual(stat.mzxid)
    const { children } = await zk.children(root, { atLeast: stat.czxid })
    expect(children).toEqual(['new'])
    const never = codeOf(zk.exists(root, { atLeast: stat.mzxid + 1_000_000n }))
    expect(await never).toBe('DATA_INCONSISTENCY')
  })

  testOfTrees('a tree is read as it is at one zxid, though it changes all the while', async () => {
    for (const name of ['a', 'b', 'c']) await zk.create(`${root}/${name}`, '0')
    let isOver = false
    const writing = (async () => {
      // Each transaction keeps the sum of all at 0 and the number of children even.
      for (let i = 0; !isOver; i++) {
        const amount = 1 + (i % 7)
        const value = async (name: string): Promise<number> => Number(string((await other.get(`${root}/${name}`)).data))
        const pair =
          i % 2 === 0
            ? [op.create(`${root}/x`), op.create(`${root}/y`)]
            : [op.delete(`${root}/x`), op.delete(`${root}/y`)]
        await other.transactionOf([
          op.set(`${root}/a`, `${(await value('a')) + amount}`),
          op.set(`${root}/c`, `${(await value('c')) - amount}`),
          ...pair,
        ])
      }
    })()
    for (let i = 0; i < 30; i++) {
      const { nodes } = await zk.tree(root)
      const sum = ['a', 'b', 'c'].reduce((total, name) => {
        const found = nodes.get(`${root}/${name}`)
        return total + Number(string(found?.data ?? new Uint8Array()))
      }, 0)
      expect([sum, nodes.size % 2]).toEqual([0, 0])
      expect(nodes.has(`${root}/x`)).toBe(nodes.has(`${root}/y`))
    }
    isOver = true
    await writing
    expect([...(await zk.tree(`${root}/missing`)).nodes]).toEqual([])
  })

  testOfTrees('a subtree is copied with data, ACLs and kinds, and moved in one transaction', async () => {
    const from = `${root}/from` as const
    await zk.create(`${from}/a/b`, 'deep', { parents: true })
    await zk.create(`${from}/box`, '', { mode: 'container' })
    await zk.create(`${from}/brief`, 'gone soon', { mode: { ttl: 600_000 } })
    const acl = [
      { perms: 31, id: { scheme: 'world', id: 'anyone' } },
      { perms: 1, id: { scheme: 'ip', id: '10.0.0.7' } },
    ]
    await zk.setAcl(`${from}/a`, acl)
    expect(await zk.copy(from, `${root}/copy`)).toBe(5)
    expect((await zk.getAcl(`${root}/copy/a`)).acl).toEqual(acl)
    expect(string((await zk.get(`${root}/copy/a/b`)).data)).toBe('deep')
    for (const name of ['box', 'brief'] as const) {
      const [source, copy] = [await zk.exists(`${from}/${name}`), await zk.exists(`${root}/copy/${name}`)]
      expect(copy?.ephemeralOwner).toBe(source?.ephemeralOwner)
    }
    expect(await codeOf(zk.copy(from, `${root}/copy`))).toBe('TRANSACTION_FAILED')
    expect(await zk.move(`${root}/copy`, `${root}/moved`)).toBe(5)
    expect([...(await zk.children(root)).children].sort()).toEqual(['from', 'moved'])
    expect(await codeOf(zk.move(from, `${from}/a/inside`))).toBe('BAD_ARGUMENTS')
    await zk.create(`${from}/mine`, '', { mode: 'ephemeral' })
    expect(await codeOf(zk.copy(from, `${root}/again`))).toBe('BAD_ARGUMENTS')
    expect(await zk.copy(from, `${root}/again`, { ephemerals: 'skip' })).toBe(5)
  })

  testOfTrees('a tree too large for one transaction is copied in several, and refused as a move', async () => {
    const data = new Uint8Array(100_000)
    for (let i = 0; i < 8; i++) await zk.create(`${root}/from/n${i}`, data, { parents: true })
    expect(await zk.copy(`${root}/from`, `${root}/copy`)).toBe(9)
    expect(await codeOf(zk.move(`${root}/copy`, `${root}/moved`))).toBe('FRAME_TOO_LARGE')
    expect(await zk.countDescendants(`${root}/copy`)).toBe(8)
  })

  test('a wide and deep tree is deleted with few requests on their way', async () => {
    const creates: Promise<unknown>[] = []
    for (let i = 0; i < 10; i++) {
      await zk.create(`${root}/w/n${i}`, '', { parents: true })
      for (let j = 0; j < 60; j++) creates.push(zk.create(`${root}/w/n${i}/m${j}`))
    }
    await Promise.all(creates)
    await zk.delete(`${root}/w`, { recursive: true })
    expect((await zk.children(root)).children).toEqual([])
    expect(await codeOf(zk.delete(`${root}/w`, { recursive: true }))).toBe('NO_NODE')
  })

  test('a transaction with a marker leaves nothing behind it', async () => {
    const [made] = await zk.transactionOf([op.create(`${root}/s-`, '', { sequential: true })], {
      marker: `${root}/marks`,
    })
    expect(await zk.exists(made.path)).toBeDefined()
    await zk.sync(root)
    while ((await zk.children(`${root}/marks`)).children.length > 0) await zk.sync(root)
    const failing = zk.transactionOf([op.create(`${root}/marks`)], { marker: `${root}/marks` })
    expect(await failing.catch((error: unknown) => (error as KeeperError).failedOp)).toMatchObject({
      index: 0,
      code: 'NODE_EXISTS',
    })
  })

  test('a stream that is begun on a closed client is over at once', async () => {
    const closed = await connect(server)
    await closed.close()
    for (const scope of [{}, { children: true }, { recursive: true }] as const) {
      expect(await closed.watch(root, scope).next()).toEqual({ done: true, value: undefined })
    }
  })

  test('a session left by one client goes on in the next, with its ephemerals and from where its watches were', async () => {
    const first = await connect(`${server.connectString}${root}`)
    await first.create('/mine', '', { mode: 'ephemeral' })
    await first.create('/old', '1')
    let cursor = 0n
    for await (const change of first.watch('/', { children: true })) {
      if (change.kind !== 'ready') continue
      cursor = change.zxid
      break
    }
    const { sessionId } = first
    const reading = first.get('/old')
    const token = await first.detach()
    expect(string((await reading).data)).toBe('1')
    expect(first.state.kind).toBe('closed')
    expect(await codeOf(first.get('/old'))).toBe('CLOSED')
    await zk.create(`${root}/new`, '2')
    expect((await zk.exists(`${root}/mine`))?.ephemeralOwner).toBe(sessionId)

    const second = await connect(`${server.connectString}${root}`, { attach: token })
    expect(second.state).toMatchObject({ kind: 'connected', isNew: false, sessionId })
    const known = await second.ephemerals().catch((error: unknown) => (error as KeeperError).code)
    expect(known).toEqual(targetName === 'apache-3.5' ? 'UNIMPLEMENTED' : ['/mine'])
    const told: string[] = []
    for await (const change of second.watch('/', { children: true, since: cursor })) {
      if (change.kind === 'ready') break
      if (change.kind === 'created') told.push(`${change.path} ${change.via}`)
    }
    expect(told.sort()).toEqual(['/mine snapshot', '/new resync', '/old snapshot'])
    await second.close()
    expect(await zk.exists(`${root}/mine`)).toBeUndefined()
    const late = await connect(`${server.connectString}${root}`, { attach: token })
    expect(late.state).toMatchObject({ kind: 'connected', isNew: true, epoch: 1 })
    await late.close()
    expect(await codeOf(connect(server, { attach: token, onExpired: 'close' }))).toBe('SESSION_EXPIRED')
    for (const wrong of ['', 'lks1.AAAA', `${token}AAAA`, token.slice(0, -8)]) {
      await expect(connect(server, { attach: wrong })).rejects.toThrow('not a session token')
    }
  })
})
