/**
 * The engine hashes strings of more than 16383 characters by their length alone. Thousands of watches, znodes, ephemerals or
 * ACLs with texts of one such length made each request slower than the one before; the time limit of the test is what fails.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { opCode, writePathWatchRequest, writeSetACLRequest } from '@lightkeeper/protocol'
import { startServer } from '@lightkeeper/server'
import { afterAll, expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-long-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const count = 2_500
const long = (index: number): string => `${'x'.repeat(17_000)}${String(index).padStart(5, '0')}`
const each = <T>(task: (index: number) => T, times = count): T[] =>
  Array.from({ length: times }, (_, index) => task(index))

test('watches on them, and the end of the connection that has them', async () => {
  await using server = await startServer({ port: 0 })
  await using other = await RawClient.open(server.port)
  const watching = await RawClient.open(server.port)
  const exists = (client: RawClient, path: string, watch: boolean) =>
    client.call(opCode.exists, (writer) => writePathWatchRequest(writer, { path, watch }))
  await Promise.all(each((index) => exists(watching, `/${long(index)}`, true)))
  expect((await other.create(`/${long(7)}`)).err).toBe(0)
  expect((await exists(watching, '/', false)).err).toBe(0)
  expect(watching.events).toBe(1)
  await watching[Symbol.asyncDispose]()
  expect((await exists(other, '/', false)).err).toBe(0)
})

test('znodes and ephemerals of such names, parents of such paths, and a restart on them', async () => {
  const options = { port: 0, dataDir: join(directory, 'data'), preAllocSize: 1024, forceSync: false }
  const made = 800
  {
    await using server = await startServer(options)
    await using client = await RawClient.open(server.port)
    const replies = each(
      (index) =>
        Promise.all([
          client.create(`/p${long(index)}`),
          client.create(`/p${long(index)}/below`),
          client.create(`/e${long(index)}`, 1),
        ]),
      made,
    )
    for (const reply of await Promise.all(replies)) expect(reply.map(({ err }) => err)).toEqual([0, 0, 0])
  }
  await using server = await startServer(options)
  await using client = await RawClient.open(server.port)
  const get = (path: string) =>
    client.call(opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch: false }))
  for (const index of [0, made - 1]) {
    expect((await get(`/p${long(index)}/below`)).err).toBe(0)
    expect((await get(`/e${long(index)}`)).err).toBe(0)
  }
  expect((await get(`/p${long(made)}`)).err).toBe(-101)
  const children = await client.call(opCode.getChildren, (writer) =>
    writePathWatchRequest(writer, { path: '/', watch: false }),
  )
  expect(children.body.int()).toBe(2 * made + 1)
  expect(children.body.ustring()).toMatch(/^(zookeeper|[pe]x{17000}\d{5})$/)
})

test('ACLs of such ids', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await RawClient.open(server.port)
  await client.create('/acl')
  const replies = each((index) =>
    client.call(opCode.setACL, (writer) =>
      writeSetACLRequest(writer, {
        path: '/acl',
        acl: [
          { perms: 31, id: { scheme: 'world', id: 'anyone' } },
          { perms: 1, id: { scheme: 'digest', id: `${long(index)}:x` } },
        ],
        version: -1,
      }),
    ),
  )
  for (const { err } of await Promise.all(replies)) expect(err).toBe(0)
})
