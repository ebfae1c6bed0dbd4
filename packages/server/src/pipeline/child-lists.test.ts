/** A long list of children is encoded once for all clients, until a child comes or goes. */
import {
  opCode,
  openAcl,
  readGetChildren2Response,
  writeMultiRequest,
  writePathWatchRequest,
} from '@lightkeeper/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { type HandClient, handServer } from '../server.harness.ts'
import { DataTree } from '../tree/data-tree.ts'
import type { Znode } from '../tree/znode.ts'
import { ChildLists } from './child-lists.ts'

afterEach(() => void vi.restoreAllMocks())

const count = 3_000
const names = Array.from({ length: count }, (_, i) => `n${i}-é`)

const createAll = (client: HandClient, paths: readonly string[]): void => {
  for (let from = 0; from < paths.length; from += 1_000) {
    const operations = paths
      .slice(from, from + 1_000)
      .map((path) => ({ type: opCode.create, path, data: null, acl: openAcl, flags: 0 }) as const)
    expect(client.call(opCode.multi, (writer) => writeMultiRequest(writer, operations)).err).toBe(0)
  }
}

const crowd = async (options = {}) => {
  const hand = await handServer(options)
  const client = hand.dial()
  client.connect()
  createAll(client, ['/c', ...names.map((name) => `/c/${name}`)])
  const lists = vi.spyOn(ChildLists.prototype, 'write')
  const list = (by = client) => {
    const reply = by.call(opCode.getChildren2, (writer) => writePathWatchRequest(writer, { path: '/c', watch: false }))
    return { err: reply.err, ...readGetChildren2Response(reply.body) }
  }
  return { ...hand, client, lists, list }
}

test('a list that many ask for is made once, and again behind each create and delete', async () => {
  const { client, lists, list, dial } = await crowd()
  const other = dial()
  other.connect()
  for (let i = 0; i < 20; i++) {
    const { children, stat } = list(i % 2 === 0 ? client : other)
    expect([children, stat.numChildren]).toEqual([names, count])
  }
  expect(lists).toHaveBeenCalledTimes(1)
  client.create('/c/late')
  expect(list().children).toEqual([...names, 'late'])
  client.call(opCode.delete, (writer) => {
    writer.ustring('/c/late')
    writer.int(-1)
  })
  expect(list().children).toEqual(names)
  client.call(opCode.delete, (writer) => {
    writer.ustring(`/c/${names[0]}`)
    writer.int(-1)
  })
  client.create('/c/instead')
  expect(list().children).toEqual([...names.slice(1), 'instead'])
  expect(lists).toHaveBeenCalledTimes(4)
})

test('what a slow client was sent stays as it was when children come and go', async () => {
  const { client, dial, list, clock } = await crowd()
  const slow = dial()
  slow.connect()
  slow.send(opCode.getChildren2, (writer) => writePathWatchRequest(writer, { path: '/c', watch: false }))
  clock.endTurn()
  client.create('/c/late')
  expect(list().children).toHaveLength(count + 1)
  const reply = slow.next()
  expect(readGetChildren2Response(reply.body).children).toEqual(names)
})

test('a multiRead sends the same list, and what it cannot hold is refused before a list is made', async () => {
  const read = (client: HandClient, times: number) =>
    client.call(opCode.multiRead, (writer) =>
      writeMultiRequest(
        writer,
        Array.from({ length: times }, () => ({ type: opCode.getChildren, path: '/c', watch: false }) as const),
      ),
    )
  const { client, lists } = await crowd({ maxReplyBytes: 200_000 })
  expect(read(client, 5).err).toBe(0)
  expect(lists).toHaveBeenCalledTimes(1)
  expect(read(client, 100).err).toBe(-5)
  expect(lists).toHaveBeenCalledTimes(1)
  // More than it looked like: the names are longer than a character.
  expect(read(client, 12).err).toBe(-5)
  expect(client.get('/').err).toBe(0)
})

test('lists of bounded bytes are kept, those asked for last, and one that is too large is not made', () => {
  const tree = new DataTree({ created() {}, dataChanged() {}, deleted() {} })
  const header = { clientId: 1n, cxid: 1, zxid: 1n, time: 1n, type: opCode.create }
  const create = (path: string) => tree.createNode(header, { path, data: null, acl: openAcl, parentCVersion: 1 }, 0n)
  for (const parent of ['/a', '/b', '/c']) {
    create(parent)
    for (let i = 0; i < 100; i++) create(`${parent}/name-${i}`)
  }
  const node = (path: string): Znode => tree.get(path) as Znode
  const size = new ChildLists({ maxReplyBytes: 10_000 }).of(node('/a'))?.length ?? 0
  const lists = new ChildLists({ maxReplyBytes: 10_000 }, 2 * size)
  const made = vi.spyOn(lists, 'write')
  for (const path of ['/a', '/b', '/a', '/c', '/a', '/c', '/b']) lists.of(node(path))
  expect(made.mock.calls.map(([of]) => of)).toEqual(['/a', '/b', '/c', '/b'].map(node))
  expect(lists.keptBytes).toBe(2 * size)
  expect(new ChildLists({ maxReplyBytes: size - 1 }).of(node('/a'))).toBeUndefined()
})
