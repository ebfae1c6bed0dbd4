/** A read that is refused, and an event right behind the refusal, in the same chunk of bytes. */
import { eventType, opCode, specialXid, type Writer } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { outcomeOf } from '../../../../test/support/outcome.ts'
import { connected, type ServerEnd } from '../client.harness.ts'

const statOf = (numChildren: number) => (writer: Writer) => {
  for (let i = 0; i < 4; i++) writer.long(5n)
  for (let i = 0; i < 3; i++) writer.int(0)
  writer.long(0n)
  writer.int(1)
  writer.int(numChildren)
  writer.long(5n)
}

const refusals: [string, (peer: ServerEnd, xid: number) => void][] = [
  ['this client may not read the znode', (peer, xid) => peer.reply(xid, -102)],
  ['the reply is too large', (peer, xid) => peer.reply(xid, 0, (writer) => writer.raw(new Uint8Array(2000)))],
]

test('a root whose data is too large ends the stream with an error that says so', async () => {
  const { zk, clock, peer } = await connected({ replyBytesMax: 1000 })
  const next = zk.watch('/r').next()
  let outcome = 'nothing for 3 s'
  void outcomeOf(next).then((end) => {
    outcome = end
  })
  for (const size of [0, 2000]) {
    await clock.advance(0)
    peer.reply(peer.request().xid, 0, (writer) => writer.raw(new Uint8Array(size)))
  }
  for (let i = 0; i < 3; i++) {
    await clock.advance(1000)
    while (peer.waiting > 0) peer.reply(peer.request().xid, 0, (writer) => writer.raw(new Uint8Array(2000)))
  }
  expect(outcome).toMatch(/^FRAME_TOO_LARGE/)
})

test.each(refusals)('a deletion that is reported behind the refusal is delivered: %s', async (_, refuse) => {
  const { zk, clock, peer } = await connected({ replyBytesMax: 1000 })
  const kinds: string[] = []
  const reading = (async () => {
    for await (const change of zk.watch('/r', { recursive: true })) {
      kinds.push(change.kind === 'ready' || change.kind === 'stale' ? change.kind : `${change.kind} ${change.path}`)
    }
  })()
  const next = async (type: number): Promise<number> => {
    await clock.advance(0)
    const request = peer.request()
    expect(request.type).toBe(type)
    return request.xid
  }
  peer.reply(await next(opCode.addWatch))
  peer.reply(await next(opCode.getData), 0, (writer) => {
    writer.buffer(new Uint8Array(1))
    statOf(1)(writer)
  })
  peer.reply(await next(opCode.getChildren), 0, (writer) => writer.vector(['s'], (each, name) => each.ustring(name)))
  refuse(peer, await next(opCode.getData))
  peer.reply(specialXid.watchEvent, 0, (writer) => {
    writer.int(eventType.nodeDeleted)
    writer.int(3)
    writer.ustring('/r/s')
  })
  peer.reply(await next(opCode.getChildren), -101)
  const again = clock.advance(0).then(() => peer.waiting)
  expect(await again, 'the znode is read again').toBeGreaterThan(0)
  peer.reply(await next(opCode.getData), -101)
  await clock.advance(0)
  expect(kinds.filter((kind) => kind !== 'ready')).toEqual(['created /r', 'unreadable /r/s', 'deleted /r/s'])
  const closing = zk.close()
  peer.reply(await next(opCode.closeSession))
  await closing
  await reading
})
