import { opCode, type Reader, type ZnodePath } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { connected, type Stage } from '../client.harness.ts'
import type { Client } from '../client.ts'
import type { ConnectOptions } from '../options.ts'

const pathOf = (i: number): ZnodePath => `/watched/${String(i).padStart(100, 'x')}`

/** A client with `count` one-shot watches on data, that has seen zxid 10. */
async function watching(count: number, options: ConnectOptions = {}): Promise<Stage & { readonly zk: Client }> {
  const made = await connected(options)
  const reading = Promise.all(Array.from({ length: count }, (_, i) => made.zk.get(pathOf(i), { watch: true })))
  await made.clock.advance(0)
  for (let i = 0; i < count; i++) {
    made.peer.reply(made.peer.request().xid, 0, (writer) => {
      writer.buffer(new Uint8Array(1))
      for (let j = 0; j < 17; j++) writer.int(0)
    })
  }
  await reading
  return made
}

/** Loses the connection and makes the next one, up to the handshake. */
async function again(stage: Stage): Promise<void> {
  stage.peer.lose()
  await stage.clock.advance(2000)
  stage.peer.open()
  stage.peer.accept()
  await stage.clock.advance(0)
}

/** What the client asks for on a new connection: the frames of setWatches. */
function frames(
  stage: Stage,
): { readonly xid: number; readonly since: bigint; readonly bytes: number; readonly paths: number }[] {
  const all = []
  while (stage.peer.waiting > 0) {
    const { xid, type, body } = stage.peer.request()
    expect(type).toBe(opCode.setWatches)
    const bytes = body.remaining + 8
    const since = body.long()
    const paths = (body.vector(4, (each: Reader) => each.ustring()) ?? []).length
    all.push({ xid, since, bytes, paths })
  }
  return all
}

test('many watches come back on a client whose requests must be small', async () => {
  const made = await watching(100, { requestBytesMax: 4096 })
  await again(made)
  const sent = frames(made)
  expect(sent.length).toBeGreaterThan(1)
  expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeLessThanOrEqual(4096)
  expect(sent.reduce((sum, { paths }) => sum + paths, 0)).toBe(100)
  for (const { xid } of sent) made.peer.reply(xid)
  await made.clock.advance(0)
  expect(made.zk.state.kind).toBe('connected')
})

test('a connection that is lost between two frames of watches leaves no gap: the next one asks from where the first asked', async () => {
  const made = await watching(3000)
  await again(made)
  const [first, ...others] = frames(made)
  expect([first?.since, others.length > 0]).toEqual([10n, true])
  // Others have written meanwhile: the reply to the first frame is newer than the watches of the second.
  made.peer.reply(first?.xid ?? 0, 0, undefined, 900n)
  await again(made)
  expect(frames(made).map(({ since }) => since)).toEqual([10n, ...others.map(() => 10n)])
})
