import { KeeperError, opCode, type Writer } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { outcomeOf } from '../../../../test/support/outcome.ts'
import { connected, type ServerEnd } from '../client.harness.ts'

function stat(writer: Writer, ephemeralOwner: bigint): void {
  for (let i = 0; i < 4; i++) writer.long(20n)
  for (let i = 0; i < 3; i++) writer.int(0)
  writer.long(ephemeralOwner)
  writer.int(0)
  writer.int(0)
  writer.long(20n)
}

/** Takes the create and loses the connection instead of answering; returns the path it asked for. */
async function loseReply({
  clock,
  peer,
}: {
  clock: { advance(ms: number): Promise<void> }
  peer: ServerEnd
}): Promise<string> {
  await clock.advance(0)
  const { type, body } = peer.request()
  expect(type).toBe(opCode.create2)
  const path = body.ustring() ?? ''
  peer.lose()
  return path
}

async function reconnect(made: {
  clock: { advance(ms: number): Promise<void> }
  readonly peer: ServerEnd
}): Promise<void> {
  await made.clock.advance(2000)
  made.peer.open()
  made.peer.accept()
  await made.clock.advance(0)
}

/** The search begins with a sync: the server that is asked may be behind the one that executed the create. */
async function syncs({
  clock,
  peer,
}: {
  clock: { advance(ms: number): Promise<void> }
  peer: ServerEnd
}): Promise<void> {
  const { xid, type, body } = peer.request()
  expect([type, body.ustring(), peer.waiting]).toEqual([opCode.sync, '/s', 0])
  peer.reply(xid, 0, (writer) => writer.ustring('/s'))
  await clock.advance(0)
}

test('finds the znode of a create whose reply was lost instead of creating another', async () => {
  const made = await connected()
  const { zk, clock } = made
  const creating = zk.create('/s/p-', '', { mode: 'ephemeral', sequential: true, protected: true })
  const path = await loseReply({ clock, peer: made.peer })
  expect(path).toMatch(/^\/s\/_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-p-$/)
  await reconnect(made)
  await syncs({ clock: made.clock, peer: made.peer })
  const list = made.peer.request()
  expect(list.type).toBe(opCode.getChildren2)
  const name = `${path.slice('/s/'.length)}0000000004`
  made.peer.reply(list.xid, 0, (writer) => {
    writer.vector(['other', name], (each, child) => each.ustring(child))
    stat(writer, 0n)
  })
  await clock.advance(0)
  made.peer.reply(made.peer.request().xid, 0, (writer) => stat(writer, 0x77n))
  expect((await creating).path).toBe(`/s/${name}`)
  expect(made.peer.waiting).toBe(0)
})

test('marks a name as kazoo does where it is asked to, and finds it by that mark', async () => {
  const made = await connected()
  const { zk, clock } = made
  const creating = zk.create('/s/__lock__', '', { mode: 'ephemeral', sequential: true, protected: 'bare' })
  const path = await loseReply({ clock, peer: made.peer })
  expect(path).toMatch(/^\/s\/[0-9a-f]{32}__lock__$/)
  await reconnect(made)
  await syncs({ clock: made.clock, peer: made.peer })
  const name = `${path.slice('/s/'.length)}0000000004`
  made.peer.reply(made.peer.request().xid, 0, (writer) => {
    writer.vector(['0123456789abcdef0123456789abcdef__lock__0000000003', name], (each, child) => each.ustring(child))
    stat(writer, 0n)
  })
  await clock.advance(0)
  made.peer.reply(made.peer.request().xid, 0, (writer) => stat(writer, 0x77n))
  expect((await creating).path).toBe(`/s/${name}`)
})

test('creates again, under the same mark, when the search finds nothing', async () => {
  const made = await connected()
  const creating = outcomeOf(made.zk.create('/s/p-', '', { sequential: true, protected: true }))
  const path = await loseReply({ clock: made.clock, peer: made.peer })
  await reconnect(made)
  await syncs({ clock: made.clock, peer: made.peer })
  made.peer.reply(made.peer.request().xid, 0, (writer) => {
    writer.vector([], () => {})
    stat(writer, 0n)
  })
  await made.clock.advance(0)
  const again = made.peer.request()
  expect([again.type, again.body.ustring()]).toEqual([opCode.create2, path])
  made.peer.reply(again.xid, 0, (writer) => {
    writer.ustring(`${path}0000000005`)
    stat(writer, 0n)
  })
  expect(await creating).toBe('ok')
})

test('is unknown, not unsent, when the search for a lost create never left; and what it left is removed later', async () => {
  const made = await connected()
  const creating = outcomeOf(made.zk.create('/s/p-', '', { sequential: true, protected: true, timeout: 1000 }))
  const path = await loseReply({ clock: made.clock, peer: made.peer })
  // Nobody accepts for longer than the search may take.
  await made.clock.advance(1500)
  expect(await creating).toBe('TIMEOUT unknown')
  await reconnect(made)
  await syncs({ clock: made.clock, peer: made.peer })
  const name = `${path.slice('/s/'.length)}0000000006`
  made.peer.reply(made.peer.request().xid, 0, (writer) => {
    writer.vector([name], (each, child) => each.ustring(child))
    stat(writer, 0n)
  })
  await made.clock.advance(0)
  made.peer.reply(made.peer.request().xid, 0, (writer) => stat(writer, 0n))
  await made.clock.advance(0)
  const last = made.peer.request()
  expect([last.type, last.body.ustring()]).toEqual([opCode.delete, `/s/${name}`])
})

test('what a create made that was aborted is removed, also where the reason is an error that sounds as if it had failed', async () => {
  const { zk, clock, peer } = await connected()
  const stop = new AbortController()
  const creating = outcomeOf(zk.create('/s/p-', '', { sequential: true, protected: true, signal: stop.signal }))
  await clock.advance(0)
  const { xid, body } = peer.request()
  const name = `${(body.ustring() ?? '').slice('/s/'.length)}0000000007`
  stop.abort(new KeeperError('NO_NODE', { operation: 'another', outcome: 'rejected' }))
  expect(await creating).toBe('NO_NODE rejected')
  peer.reply(xid, 0, (writer) => {
    writer.ustring(`/s/${name}`)
    stat(writer, 0n)
  })
  await clock.advance(0)
  await syncs({ clock, peer })
  peer.reply(peer.request().xid, 0, (writer) => {
    writer.vector([name], (each, child) => each.ustring(child))
    stat(writer, 0n)
  })
  await clock.advance(0)
  peer.reply(peer.request().xid, 0, (writer) => stat(writer, 0n))
  await clock.advance(0)
  const last = peer.request()
  expect([last.type, last.body.ustring()]).toEqual([opCode.delete, `/s/${name}`])
})

test('gives up where no room is left for its search, rather than spin', async () => {
  const made = await connected({ queueLimit: 1 })
  const { zk, clock, peer } = made
  const creating = outcomeOf(zk.create('/s/p-', '', { sequential: true, protected: true }))
  await clock.advance(0)
  peer.request()
  peer.lose()
  // Takes the only place before the search asks for one.
  void outcomeOf(zk.sync('/'))
  expect(await creating).toBe('CONNECTION_LOSS unknown')
  await zk.close()
})
