/** What a member does with the packets of its leader, its disk, and its clients, and in which order. */
import {
  keeperCodes,
  makeZxid,
  opCode,
  parseLearnerInfo,
  type QuorumPacket,
  Reader,
  Writer,
  writePathWatchRequest,
} from '@lightkeeper/protocol'
import type { Link } from '@lightkeeper/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { connectFrame } from '../../../../test/support/frames.mjs'
import { createBody } from '../../../../test/support/requests.ts'
import { create } from '../storage/storage.harness.ts'
import { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'
import { commit, packet, proposal, snap, Theatre } from './member.harness.ts'

let theatre: Theatre | undefined
afterEach(async () => {
  await theatre?.close()
  theatre = undefined
})

async function begin(...options: ConstructorParameters<typeof Theatre>): Promise<Theatre> {
  theatre = new Theatre(...options)
  await theatre.open()
  await theatre.start()
  return theatre
}

const pathOf =
  (path: string) =>
  (writer: Writer): void =>
    writePathWatchRequest(writer, { path, watch: false })

/** A transaction that opens the session of a request, or does its write. */
function answerTo(request: Uint8Array, zxid: bigint): ReturnType<typeof proposal> {
  const reader = new Reader(request)
  const [session, cxid, type] = [reader.long(), reader.int(), reader.int()]
  const txn: Txn =
    type === opCode.createSession ? { type: opCode.createSession, timeOut: reader.int() } : create(`/n${zxid}`)
  return proposal(zxid, txn, { session, cxid })
}

test.each([
  [undefined, 0n],
  ['100000007', 0x1_0000_0007n],
])('says which version of the members it has, %s, as Apache does', async (version, said) => {
  const members = { 'server.1': 'ours:2888:3888', 'server.2': 'others:2002:3002', 'server.3': 'others:2003:3003' }
  const it = await begin(1, { members: version === undefined ? members : { ...members, version } })
  const { data } = await it.packet('FOLLOWERINFO')
  expect(parseLearnerInfo(data)).toMatchObject({ sid: 1, configVersion: said })
})

/** Visitors with a session, while the leader answers. */
async function visitors(
  it: Theatre,
  count: number,
): Promise<{ all: ReturnType<Theatre['visit']>[]; zxid: () => bigint }> {
  let counter = 0
  const zxid = (): bigint => makeZxid(1, ++counter)
  const all = []
  for (let i = 0; i < count; i++) {
    const visitor = it.visit()
    const { data } = await it.packet('REQUEST')
    const next = zxid()
    it.send(answerTo(data as Uint8Array, next), commit(next))
    await it.packet('ACK')
    expect(await visitor.isServed()).toBe(true)
    all.push(visitor)
  }
  return { all, zxid }
}

/** Lets the member do all that it can do without its leader. */
async function pause(it: Theatre): Promise<void> {
  await it.world.run(new Promise<void>((resolve) => void it.world.runtime('others').clock.after(300, resolve)))
}

test('a leader that does not answer gets no more requests than may be under way, and the rest when it answers', async () => {
  const limit = 10
  const it = await begin(1, { globalOutstandingLimit: limit })
  await it.join(packet('DIFF', makeZxid(1, 0)))
  const { all, zxid } = await visitors(it, 4)
  const each = 20
  for (const visitor of all) visitor.post(each, opCode.create, createBody('/n'))
  await pause(it)
  const requests = (): Uint8Array[] =>
    it.packets.splice(0).flatMap(({ type, data }) => (type === 'REQUEST' ? [data as Uint8Array] : []))
  let waiting = requests()
  // Each connection may have one, however many the others have.
  expect(waiting.length).toBeGreaterThanOrEqual(limit)
  expect(waiting.length).toBeLessThanOrEqual(limit + all.length)
  for (let answered = 0; answered < each * all.length; ) {
    expect(waiting.length).toBeGreaterThan(0)
    answered += waiting.length
    for (const request of waiting) {
      const next = zxid()
      it.send(answerTo(request, next), commit(next))
    }
    await pause(it)
    waiting = requests()
    expect(waiting.length).toBeLessThanOrEqual(limit + all.length)
  }
  await it.until(() => all.every(({ replies }) => replies === each))
})

test('the same is true of large requests, by their bytes', async () => {
  const it = await begin()
  await it.join(packet('DIFF', makeZxid(1, 0)))
  const { all } = await visitors(it, 14)
  const size = 1_000_000
  for (const visitor of all) visitor.post(4, opCode.create, createBody('/n', 0, new Uint8Array(size)))
  await pause(it)
  const count = it.packets.filter(({ type }) => type === 'REQUEST').length
  const most = Math.ceil((32 << 20) / size)
  expect(count).toBeGreaterThanOrEqual(most)
  expect(count).toBeLessThanOrEqual(most + all.length)
  expect(count).toBeLessThan(4 * all.length)
})

test('acknowledges what the disk has: after a power cut it is still there', async () => {
  const it = await begin()
  await it.join(packet('DIFF', makeZxid(1, 0)))
  it.send(proposal(makeZxid(1, 1), create('/a')), proposal(makeZxid(1, 2), create('/b')))
  expect((await it.packet('ACK')).zxid).toBe(makeZxid(1, 1))
  expect((await it.packet('ACK')).zxid).toBe(makeZxid(1, 2))
  it.crash('power')
  it.epoch = 2
  await it.start()
  expect((await it.greet()).zxid).toBe(makeZxid(1, 2))
})

test('a COMMIT may come before its own disk, and the clients see it afterwards', async () => {
  const it = await begin()
  await it.join(packet('DIFF', makeZxid(1, 0)))
  const first = makeZxid(1, 1)
  it.send(proposal(first, create('/a')), commit(first))
  await it.packet('ACK')
  const visitor = it.visit()
  const request = await it.packet('REQUEST')
  const second = makeZxid(1, 2)
  it.send(answerTo(request.data as Uint8Array, second), commit(second))
  await it.packet('ACK')
  expect(await visitor.isServed()).toBe(true)
  expect(await visitor.call(opCode.exists, pathOf('/a'))).toBe(0)
})

test('what comes right behind a TRUNC follows the cut', async () => {
  const it = await begin()
  await it.join(packet('DIFF', makeZxid(1, 0)))
  for (let i = 1; i <= 3; i++) it.send(proposal(makeZxid(1, i), create(`/old${i}`)))
  for (let i = 1; i <= 3; i++) await it.packet('ACK')
  it.send(commit(makeZxid(1, 1)))
  it.deposeLeader()
  const next = makeZxid(2, 1)
  await it.join(packet('TRUNC', makeZxid(1, 1)), proposal(next, create('/new')), commit(next))
  it.deposeLeader()
  expect((await it.greet()).zxid).toBe(next)
})

test('what comes right behind an image and NEWLEADER is acknowledged after it', async () => {
  const it = await begin()
  await it.greet()
  const [first, second] = [makeZxid(1, 5), makeZxid(1, 6)]
  it.send(
    ...snap(makeZxid(1, 4), new DataTree()),
    proposal(first, create('/behind')),
    commit(first),
    it.newLeader,
    proposal(second, create('/later')),
  )
  expect((await it.packet('ACK')).zxid).toBe(makeZxid(1, 0))
  expect((await it.packet('ACK')).zxid).toBe(second)
  it.send(packet('UPTODATE', -1n))
  await it.packet('ACK')
  it.crash('power')
  it.epoch = 2
  await it.start()
  expect((await it.greet()).zxid).toBe(second)
})

test('what the image has already may come behind it too, as from a leader of Apache under load', async () => {
  const it = await begin()
  const [inImage, next] = [makeZxid(1, 4), makeZxid(1, 5)]
  const behind = [proposal(inImage, create('/a')), proposal(next, create('/b')), commit(inImage), commit(next)]
  await it.join(...snap(inImage, new DataTree()), ...behind)
  it.deposeLeader()
  expect((await it.greet()).zxid).toBe(next)
})

test('a leader that does not name its protocol is left, and asked again', async () => {
  const it = await begin()
  for (let i = 0; i < 3; i++) {
    await it.packet('FOLLOWERINFO')
    it.send(packet('LEADERINFO', makeZxid(1, 0)))
  }
  await it.join(packet('DIFF', makeZxid(1, 0)))
})

test('a larger jute.maxbuffer holds for the connection that is there, and a smaller one takes nothing from it', async () => {
  const it = await begin()
  await it.join(packet('DIFF', makeZxid(1, 0)))
  for (const [counter, juteMaxbuffer] of [4 << 20, 1 << 20].entries()) {
    await it.change({ juteMaxbuffer })
    const zxid = makeZxid(1, counter + 1)
    it.send(proposal(zxid, create(`/${counter}`, new Uint8Array(3 << 20))))
    expect((await it.packet('ACK')).zxid).toBe(zxid)
  }
})

test('a disk that cannot take an image is said, and the image is asked for again', async () => {
  const it = await begin()
  await it.greet()
  const { faults } = it.world.disk('ours')
  faults.writeErrors = 1_000
  const image = snap(makeZxid(1, 4), new DataTree())
  it.send(...image)
  await it.until(() => it.lines.some((line) => line.startsWith('this member cannot write down')))
  faults.writeErrors = 0
  await it.join(...image)
  expect(it.lines.filter((line) => /connection to the leader/.test(line))).toEqual([])
})

test('an image that lacks something is no fault of the disk', async () => {
  const it = await begin()
  await it.greet()
  const [before, , end] = snap(makeZxid(1, 4), new DataTree())
  const image = new Writer(300)
  for (const count of [0, 0]) image.int(count)
  for (const [path, acl] of [
    ['', -1n],
    ['/a', 7n],
  ] as const) {
    image.ustring(path)
    image.buffer(null)
    image.long(acl)
    image.raw(new Uint8Array(60))
  }
  image.ustring('/')
  it.send(before as QuorumPacket, image.written(), end as Uint8Array, it.newLeader)
  const failure = await it.world.run(it.server.stopped)
  expect(failure?.message).toMatch(
    /^what the leader sent cannot be used: \/a has an ACL list that neither the image nor/,
  )
  expect(it.lines.filter((line) => /DISK/.test(line))).toEqual([])
})

test('a log that cannot be cut is replaced: the member says that it lacks something, and asks for everything', async () => {
  const it = await begin()
  await it.join(...snap(makeZxid(1, 4), new DataTree()))
  it.send(proposal(makeZxid(1, 5), create('/a')))
  await it.packet('ACK')
  it.crash('kill')
  it.epoch = 2
  await it.start()
  await it.greet()
  it.send(packet('TRUNC', makeZxid(1, 2)))
  expect((await it.greet()).zxid).toBe(-1n)
  it.send(...snap(makeZxid(1, 2), new DataTree()), it.newLeader)
  await it.packet('ACK')
})

describe('without a leader', () => {
  /** A connection that says nothing by itself. */
  async function dial(it: Theatre): Promise<{ readonly link: Link; bytes: number; isClosed: boolean }> {
    let isOpen = false
    const link: Link = it.world.runtime('silent').network.connect('ours:2181', {
      opened: () => void (isOpen = true),
      data: (chunk) => void (dialed.bytes += chunk.length),
      closed: () => void (dialed.isClosed = true),
    })
    const dialed = { link, bytes: 0, isClosed: false }
    await it.until(() => isOpen)
    return dialed
  }

  async function beginAlone(): Promise<Theatre> {
    theatre = new Theatre()
    await theatre.open()
    theatre.isLed = false
    await theatre.start()
    return theatre
  }

  test('a connection waits for nothing that is over: it is served when its handshake comes behind the election', async () => {
    const it = await beginAlone()
    const dialed = await dial(it)
    it.isLed = true
    await it.join(packet('DIFF', makeZxid(1, 0)))
    dialed.link.write(connectFrame())
    const { data } = await it.packet('REQUEST')
    it.send(answerTo(data as Uint8Array, makeZxid(1, 1)), commit(makeZxid(1, 1)))
    await it.until(() => dialed.bytes > 0 || dialed.isClosed)
    expect(dialed.isClosed).toBe(false)
  })

  test('a connection that has said nothing ends with the member', async () => {
    const it = await beginAlone()
    const dialed = await dial(it)
    await it.close()
    await it.world.run(new Promise<void>((resolve) => void it.world.after(10, resolve)))
    expect(dialed.isClosed).toBe(true)
  })

  test('nobody is served, unless the settings allow reads', async () => {
    const it = await begin()
    await it.join(packet('DIFF', makeZxid(1, 0)))
    it.isLed = false
    it.deposeLeader()
    for (let i = 0; i < 20; i++) {
      expect(await it.visit(true).isServed()).toBe(false)
      await it.world.run(new Promise<void>((resolve) => void it.world.after(500, resolve)))
    }
  })

  test('reads are served to clients that accept that, and they go when there is a leader', async () => {
    const it = await begin(1, { readOnlyModeEnabled: true })
    const first = makeZxid(1, 1)
    await it.join(packet('DIFF', makeZxid(1, 0)), proposal(first, create('/a')), commit(first))
    it.isLed = false
    it.deposeLeader()
    await it.until(() => it.lines.some((line) => line.includes('this member serves reads')))
    const reader = it.visit(true)
    expect(await reader.isServed()).toBe(true)
    expect(await it.visit(false).isServed()).toBe(false)
    expect(await reader.call(opCode.exists, pathOf('/a'))).toBe(0)
    expect(await reader.call(opCode.create, createBody('/b'))).toBe(keeperCodes.NOT_READ_ONLY.number)
    expect(await reader.call(opCode.sync, (writer) => writer.ustring('/a'))).toBe(keeperCodes.NOT_READ_ONLY.number)
    expect(await it.visit(true, 5n).isServed()).toBe(false)
    it.isLed = true
    await it.join(packet('DIFF', first))
    expect(reader.isClosed).toBe(true)
  })

  test('a damaged directory serves no reads', async () => {
    const it = await begin(1, { readOnlyModeEnabled: true })
    const first = makeZxid(1, 1)
    await it.join(packet('DIFF', makeZxid(1, 0)), proposal(first, create('/a')), commit(first))
    it.crash('kill')
    it.isLed = false
    it.damageLogs()
    await it.start()
    for (let i = 0; i < 20; i++) {
      expect(await it.visit(true).isServed()).toBe(false)
      await it.world.run(new Promise<void>((resolve) => void it.world.after(500, resolve)))
    }
  })
})
