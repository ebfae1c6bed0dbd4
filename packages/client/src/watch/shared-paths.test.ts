/** Several watches at one path, on servers that keep one mode a path (before 3.9) and on those that keep all. */
import { addWatchMode, KeeperError, opCode, readSetWatches, type Writer, watcherType } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { connected, type ServerEnd, type Stage } from '../client.harness.ts'

const noNode = -101
const marshallingError = -5

type Host = Pick<Stage, 'clock' | 'peer'>

/** Answers every request of the client: nothing exists. Returns the requests in a short form. */
async function serve({ clock, peer }: Host, removals: 'known' | 'unknown' = 'known'): Promise<string[]> {
  const asked: string[] = []
  await clock.advance(0)
  while (peer.waiting > 0) {
    const { xid, type, body } = peer.request()
    if (type === opCode.addWatch) {
      asked.push(`addWatch ${body.ustring()} ${body.int()}`)
      peer.reply(xid, 0, (writer) => writer.int(0))
    } else if (type === opCode.removeWatches) {
      asked.push(`removeWatches ${body.ustring()} ${body.int()}`)
      peer.reply(xid, removals === 'known' ? 0 : marshallingError)
    } else if (type === opCode.setWatches) {
      const { dataWatches, existWatches, relativeZxid } = readSetWatches(body)
      asked.push(`setWatches ${[...dataWatches, ...existWatches].join()} after ${relativeZxid}`)
      peer.reply(xid)
    } else {
      asked.push(`read ${body.ustring()} ${body.boolean()}`)
      peer.reply(xid, noNode)
    }
    await clock.advance(0)
  }
  return asked
}

function event(peer: ServerEnd, type: number, path: string): void {
  peer.send((writer: Writer) => {
    writer.int(-1)
    writer.long(-1n)
    writer.int(0)
    writer.int(type)
    writer.int(3)
    writer.ustring(path)
  })
}

describe('a plain stream beside a recursive one at the same path', () => {
  test('asks for the recursive watch again instead of narrowing it', async () => {
    const host = await connected()
    const { zk } = host
    void zk.watch('/t', { recursive: true }).next()
    expect(await serve(host)).toContain(`addWatch /t ${addWatchMode.persistentRecursive}`)
    void zk.watch('/t').next()
    expect(await serve(host)).toContain(`addWatch /t ${addWatchMode.persistentRecursive}`)
  })

  test('keeps its watch when the recursive one leaves', async () => {
    const host = await connected()
    const { zk } = host
    const stop = new AbortController()
    const wide = zk.watch('/t', { recursive: true, signal: stop.signal })
    void zk.watch('/t').next()
    void wide.next()
    await serve(host)
    const ending = wide.next()
    stop.abort()
    await ending
    expect(await serve(host)).toEqual([
      `addWatch /t ${addWatchMode.persistent}`,
      `removeWatches /t ${watcherType.persistentRecursive}`,
    ])
  })
})

describe('a one-shot watch beside a stream', () => {
  test('is not asked of the server, which before 3.9 would trade the persistent watch for it, and still fires', async () => {
    const host = await connected()
    const { zk } = host
    void zk.watch('/t').next()
    await serve(host)
    const asking = zk.existence('/t', { watch: true })
    expect(await serve(host)).toEqual(['read /t false'])
    event(host.peer, 1, '/t')
    expect((await (await asking).changed)?.type).toBe('created')
  })

  test('is registered on its own when the stream leaves, from the last zxid seen', async () => {
    const host = await connected()
    const { zk } = host
    const stop = new AbortController()
    const stream = zk.watch('/t', { signal: stop.signal })
    void stream.next()
    await serve(host)
    const asking = zk.existence('/t', { watch: true })
    await serve(host)
    const { changed } = await asking
    const ending = stream.next()
    stop.abort()
    await ending
    expect(await serve(host, 'unknown')).toEqual([
      `removeWatches /t ${watcherType.persistent}`,
      `setWatches /t after 10`,
    ])
    event(host.peer, 1, '/t')
    expect((await changed)?.type).toBe('created')
  })
})

test('asking again and again for a one-shot watch waits on one promise', async () => {
  const host = await connected()
  const { zk } = host
  const both = Promise.all([zk.existence('/t', { watch: true }), zk.existence('/t', { watch: true })])
  await serve(host)
  const [first, second] = await both
  expect(first.changed).toBe(second.changed)
  event(host.peer, 1, '/t')
  await first.changed
  const asking = zk.existence('/t', { watch: true })
  await serve(host)
  expect((await asking).changed).not.toBe(first.changed)
})

test('reads that cannot be valid reject, they do not throw', async () => {
  const { zk } = await connected()
  const reading = zk.readMany([{ get: '/a/' as '/a' }])
  await expect(reading).rejects.toSatisfy((error) => KeeperError.is(error, 'BAD_ARGUMENTS'))
})
