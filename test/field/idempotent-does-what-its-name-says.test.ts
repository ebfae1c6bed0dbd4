/** `idempotent` on create and delete: a repeated call succeeds, and a different znode does not count as the same. */
import { type Client, connect, readOnlyAcl } from '@lightkeeper/client'
import { startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf } from '../support/outcome.ts'

type Server = Awaited<ReturnType<typeof startServer>>
let server: Server
let zk: Client
let other: Client

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  zk = await connect(server)
  other = await connect(server)
})

afterAll(async () => {
  await Promise.all([zk.close(), other.close()])
  await server[Symbol.asyncDispose]()
})

const idempotent = true

test('a create that is made again succeeds with the znode that is there', async () => {
  const first = await zk.create('/again', 'data', { idempotent })
  const second = await other.create('/again', 'data', { idempotent })
  expect([second.path, second.stat.czxid]).toEqual([first.path, first.stat.czxid])
  expect(await codeOf(zk.create('/again', 'data'))).toBe('NODE_EXISTS')
  expect((await zk.create('/deep/er/est', '', { idempotent, parents: true })).path).toBe('/deep/er/est')
  expect((await zk.create('/deep/er/est', '', { idempotent, parents: true })).path).toBe('/deep/er/est')
})

test('other data, another kind and an ephemeral of another session are not the same', async () => {
  await zk.create('/same', 'data')
  await zk.create('/mine', 'data', { mode: 'ephemeral' })
  expect(await codeOf(zk.create('/same', 'other', { idempotent }))).toBe('NODE_EXISTS')
  expect(await codeOf(zk.create('/same', 'data', { idempotent, mode: 'ephemeral' }))).toBe('NODE_EXISTS')
  expect(await codeOf(zk.create('/same', 'data', { idempotent, mode: 'container' }))).toBe('NODE_EXISTS')
  expect(await codeOf(zk.create('/mine', 'data', { idempotent, mode: 'ephemeral' }))).toBe('ok')
  expect(await codeOf(other.create('/mine', 'data', { idempotent, mode: 'ephemeral' }))).toBe('NODE_EXISTS')
})

test('one that may not be read is not known to be the same', async () => {
  const acl = [{ ...(readOnlyAcl[0] as (typeof readOnlyAcl)[0]), perms: 16 }]
  await zk.create('/closed', 'data', { acl })
  expect(await codeOf(zk.create('/closed', 'data', { idempotent }))).toBe('NODE_EXISTS')
})

test('creates of which each makes another znode cannot be so', async () => {
  for (const options of [{ sequential: true }, { protected: true }, { protected: 'bare' }] as const)
    await expect(zk.create('/n-', '', { idempotent, ...options })).rejects.toThrow(TypeError)
})

test('a delete of what is not there succeeds, with its parents or without, recursive or not', async () => {
  await zk.create('/gone/below', '', { parents: true })
  expect(await codeOf(zk.delete('/gone', { idempotent }))).toBe('NOT_EMPTY')
  for (let i = 0; i < 2; i++) expect(await codeOf(zk.delete('/gone', { idempotent, recursive: true }))).toBe('ok')
  for (const path of ['/gone', '/gone/below', '/never/was'] as const) {
    expect(await codeOf(zk.delete(path, { idempotent }))).toBe('ok')
    expect(await codeOf(zk.delete(path, { idempotent, version: 3 }))).toBe('ok')
    expect(await codeOf(zk.delete(path))).toBe('NO_NODE')
  }
  await zk.create('/versioned')
  expect(await codeOf(zk.delete('/versioned', { idempotent, version: 3 }))).toBe('BAD_VERSION')
})

test('of many who create the same at once each succeeds, and of many who delete it', async () => {
  const clients = [zk, other, zk, other]
  expect(await Promise.all(clients.map((each) => codeOf(each.create('/race', 'x', { idempotent }))))).toEqual(
    clients.map(() => 'ok'),
  )
  expect(await Promise.all(clients.map((each) => codeOf(each.delete('/race', { idempotent }))))).toEqual(
    clients.map(() => 'ok'),
  )
})
