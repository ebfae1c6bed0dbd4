/**
 * A client asks for gigabytes in one small request: the request is refused, and all other clients are served as before.
 */
import { connect } from '@lightkeeper/client'
import { keeperCodes, opCode, type Writer, writeMultiRequest, writePathWatchRequest } from '@lightkeeper/protocol'
import { startServer } from '@lightkeeper/server'
import { expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'

const reads = (count: number, path: string) => (writer: Writer) =>
  writeMultiRequest(
    writer,
    Array.from({ length: count }, () => ({ type: opCode.getData, path, watch: false }) as const),
  )

test('a multiRead whose reply would have gigabytes gets MARSHALLING_ERROR, and the server lives', async () => {
  await using server = await startServer({ port: 0 })
  await using zk = await connect(server.connectString)
  await zk.create('/b', new Uint8Array(1_000_000))
  await using attacker = await RawClient.open(server.port)
  const { err } = await attacker.call(opCode.multiRead, reads(2_900, '/b'))
  expect(err).toBe(keeperCodes.MARSHALLING_ERROR.number)
  // What fits is answered, on the same connection.
  const some = await attacker.call(opCode.multiRead, reads(3, '/b'))
  expect(some.err).toBe(0)
  expect(some.body.remaining).toBeGreaterThan(3_000_000)
  expect((await zk.get('/b')).data).toHaveLength(1_000_000)
})

test('a list of children, of ephemerals and data above maxReplyBytes are refused alike', async () => {
  await using server = await startServer({ port: 0, maxReplyBytes: 10_000 })
  await using zk = await connect(server.connectString)
  await zk.create('/wide')
  await zk.create('/large', new Uint8Array(20_000))
  await using asking = await RawClient.open(server.port)
  for (let i = 0; i < 300; i++) await asking.create(`/wide/${'n'.repeat(50)}${i}`, 1)
  const path = (name: string) => (writer: Writer) => writePathWatchRequest(writer, { path: name, watch: true })
  for (const type of [opCode.getChildren, opCode.getChildren2]) {
    expect((await asking.call(type, path('/wide'))).err).toBe(keeperCodes.MARSHALLING_ERROR.number)
  }
  expect((await asking.call(opCode.getEphemerals, (writer) => writer.ustring('/'))).err).toBe(
    keeperCodes.MARSHALLING_ERROR.number,
  )
  expect((await asking.call(opCode.getData, path('/large'))).err).toBe(keeperCodes.MARSHALLING_ERROR.number)
  // The refused requests left no watch.
  await zk.set('/large', new Uint8Array(3))
  await zk.create('/wide/one-more')
  const small = await asking.call(opCode.getData, path('/large'))
  expect(small.err).toBe(0)
  expect(asking.events).toBe(0)
})

test('a multi or multiRead of more operations than allowed gets BAD_ARGUMENTS', async () => {
  await using server = await startServer({ port: 0, maxMultiOperations: 100 })
  await using asking = await RawClient.open(server.port)
  const checks = (count: number) => (writer: Writer) =>
    writeMultiRequest(
      writer,
      Array.from({ length: count }, () => ({ type: opCode.check, path: '/', version: -1 }) as const),
    )
  expect((await asking.call(opCode.multi, checks(100))).err).toBe(0)
  expect((await asking.call(opCode.multi, checks(101))).err).toBe(keeperCodes.BAD_ARGUMENTS.number)
  expect((await asking.call(opCode.multiRead, reads(100, '/'))).err).toBe(0)
  expect((await asking.call(opCode.multiRead, reads(101, '/'))).err).toBe(keeperCodes.BAD_ARGUMENTS.number)
})
