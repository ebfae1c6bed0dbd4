/** The end of a session takes time in proportion to its ephemerals, so it may own only so many. */
import { keeperCodes, type MultiOperation, opCode, openAcl, writeMultiRequest } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { type HandClient, handServer } from '../server.harness.ts'

const quotaExceeded = keeperCodes.QUOTA_EXCEEDED.number
const remove = (client: HandClient, path: string): number =>
  client.call(opCode.delete, (writer) => {
    writer.ustring(path)
    writer.int(-1)
  }).err
const creation = (path: string, flags: number): MultiOperation => ({
  type: opCode.create,
  path,
  data: null,
  acl: openAcl,
  flags,
})

test('a session owns as many ephemerals as the limit says, and others and other znodes are not counted', async () => {
  const { dial } = await handServer({ maxSessionEphemerals: 3 })
  const [owner, other] = [dial(), dial()]
  owner.connect()
  other.connect()
  for (const name of ['a', 'b', 'c']) expect(owner.create(`/${name}`, 1).err).toBe(0)
  expect(owner.create('/d', 1).err).toBe(quotaExceeded)
  expect(owner.create('/d-', 3).err).toBe(quotaExceeded)
  expect(owner.create('/persistent').err).toBe(0)
  expect(other.create('/theirs', 1).err).toBe(0)
  expect(remove(owner, '/a')).toBe(0)
  expect(owner.create('/d', 1).err).toBe(0)
})

test('creates that are on their way count too, and a multi above the limit does nothing', async () => {
  const { dial, clock } = await handServer({ maxSessionEphemerals: 3 })
  const owner = dial()
  owner.connect()
  const multi = (paths: readonly string[]): void =>
    void owner.send(opCode.multi, (writer) =>
      writeMultiRequest(
        writer,
        paths.map((path) => creation(path, 1)),
      ),
    )
  multi(['/a', '/b'])
  multi(['/c', '/d'])
  multi(['/e'])
  clock.endTurn()
  for (let i = 0; i < 3; i++) owner.next()
  const exists = (path: string): boolean => owner.get(path).err === 0
  expect(['/a', '/b', '/c', '/d'].filter(exists)).toEqual(['/a', '/b'])
})

test('without a limit a session owns any number', async () => {
  const { dial } = await handServer({ maxSessionEphemerals: 0 })
  const owner = dial()
  owner.connect()
  for (let i = 0; i < 10; i++) expect(owner.create(`/${i}`, 1).err).toBe(0)
})
