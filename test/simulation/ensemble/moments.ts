/**
 * Moments to which stories seldom come, with three servers: one dies while its history is cut or replaced, begins with a leader, or has
 * another connection of a session. Each moment is tried by chance, with a seed, and says what is wrong by a Violation.
 */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import {
  opCode,
  type Reader,
  readConnectResponse,
  readGetDataResponse,
  type Writer,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import type { Link } from '@lightkeeper/runtime'
import { SeededRandom } from '@lightkeeper/testing/sim'
import { connectFrame, Frames, requestFrame } from '../../support/frames.mjs'
import { createBody } from '../../support/requests.ts'
import { Violation } from '../durability/ledger.ts'
import { pauseForLong } from './story.ts'
import { host, type Sid, sids, Three } from './three.ts'

/** About the time of a cut or of an installation, milliseconds. */
const replacingMs = 30

/** A member has the end of a history that nobody else has, and dies while it cuts it or behind it. */
export async function dieWhileCutting(seed: number): Promise<void> {
  const { three, random } = stage(seed)
  await three.start()
  const deposed = await leaveTail(three)
  await three.settled()
  await write(three, 'kept')
  await three.start(deposed)
  await dieBehind(three, deposed, 'they are removed', random)
  await three.settled()
  await expectWhole(three)
  await three.close()
}

/** The same where a member gets everything, and has an old history. */
export async function dieWhileReplacing(seed: number): Promise<void> {
  const { three, random } = stage(seed, { snapCount: 20 })
  await three.start()
  const { leader, followers } = await three.settled()
  const [away] = followers as [Sid, Sid]
  await write(three, 'before')
  three.kill(away)
  for (let i = 0; i < 30; i++) await write(three, `${i}`, leader)
  await three.world.advance(100)
  for (const sid of sids) {
    if (sid === away) continue
    // What it has in memory goes too.
    three.kill(sid)
    if (three.loseOldLogs(sid) === 0) throw new Error('it has all of its history')
  }
  await three.start()
  await dieBehind(three, away, 'the leader sends everything', random)
  await three.settled()
  await expectWhole(three)
  await three.close()
}

/** The same, and it lives: what it cut is in no tree any more. */
export async function cutTail(seed: number): Promise<void> {
  const { three } = stage(seed)
  await three.start()
  const deposed = await leaveTail(three)
  await three.settled()
  await write(three, 'kept')
  await three.start(deposed)
  await three.settled()
  if (three.lines('they are removed').length === 0) throw new Error('nothing was cut')
  await write(three, 'behind')
  await expectWhole(three)
  await three.close()
}

/** A member gets an image of a tree that changes meanwhile, so that the transactions behind it meet their own effects. */
export async function replaceUnderLoad(seed: number): Promise<void> {
  const { three, random } = stage(seed, { snapshotSliceZnodes: 1 })
  pauseForLong(three.world, random)
  await three.start()
  const { leader, followers } = await three.settled()
  const [away] = followers as [Sid, Sid]
  const client = await three.connect([leader])
  await three.run(client.create('/n', ''))
  for (let i = 0; i < 30; i++) await three.run(client.create(`/n/${i}`, ''))
  three.kill(away)
  three.wipe(away)
  let isOver = false
  const change = async (): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const path: ZnodePath = `/n/${i % 30}`
      await client.delete(path)
      await client.create(path, `${i}`)
      await client.create(`${path}/child`, '')
      await client.delete(`${path}/child`)
    }
  }
  const changing = change()
  const before = three.lines().length
  await three.start(away)
  const hasAll = async (): Promise<boolean> => {
    expectNoComplaint(three)
    return three
      .lines()
      .slice(before)
      .some((line) => line.includes(`${host(away)} `) && line.includes('this member follows a leader'))
  }
  await three.until(hasAll, 'it has everything')
  isOver = true
  await three.run(changing)
  expectNoComplaint(three)
  await three.settled()
  await expectWhole(three)
  await three.run(client.close())
  await three.close()
}

/** A member gets everything, and its old log ends behind it. Nothing of that may come back at its next start. */
export async function replaceWithTail(seed: number): Promise<void> {
  const { three } = stage(seed)
  await three.start()
  await three.settled()
  await write(three, 'before')
  for (const sid of sids) three.kill(sid)
  await three.start()
  const deposed = await leaveTail(three)
  // What is left has no beginning, so the member cannot use it, and gets everything.
  three.loseOldLogs(deposed)
  const disk = three.world.disk(host(deposed))
  for (const name of disk.files('data/version-2').keys())
    if (name.startsWith('snapshot.')) disk.lose(`data/version-2/${name}`)
  await three.start(deposed)
  await three.settled()
  if (three.lines('the leader sends everything').length !== 1) throw new Error('the member did not get everything')
  await write(three, 'behind')
  const before = three.lines().length
  three.kill(deposed)
  await three.start(deposed)
  await three.settled()
  await expectWhole(three, before)
  await three.close()
}

/** An epoch begins when a quorum has promised it on its disks. */
export async function beginWithPromises(seed: number): Promise<void> {
  const { three, random } = stage(seed)
  let leader: Sid | undefined
  for (let round = 0; round < 3; round++) {
    if (leader !== undefined) three.kill(leader, 'power')
    const starting = three.start(...(leader === undefined ? sids : [leader]))
    let isOver = false
    const over = (): void => void (isOver = true)
    starting.then(over, over)
    for (let ms = 0; ms < 2_000; ms++) {
      if (isOver) await three.world.advance(1)
      else await new Promise((resolve) => setImmediate(resolve))
      const epochs = sids.map((sid) => ({
        accepted: epoch(three, sid, 'accepted'),
        begun: epoch(three, sid, 'current'),
      }))
      const begun = Math.max(...epochs.map((each) => each.begun))
      const promises = epochs.filter(({ accepted }) => accepted >= begun).length
      if (promises < 2)
        throw new Violation(`epoch ${begun} has begun, and of three servers ${promises} has promised it`)
    }
    await starting
    const settled = await three.settled()
    leader = settled.leader
    await three.world.advance(random.below(200))
  }
  await three.close()
}

/** A session goes on over another connection, at another server, and its first client writes over the old one. */
export async function moveSession(seed: number): Promise<void> {
  const { three } = stage(seed)
  await three.start()
  const { followers } = await three.settled()
  const [from, to] = followers as [Sid, Sid]
  const first = new Raw(three, from)
  const { sessionId, passwd } = readConnectResponse(await first.next())
  const second = new Raw(three, to, { sessionId, passwd: passwd ?? new Uint8Array(16) })
  if (readConnectResponse(await second.next()).sessionId !== sessionId) throw new Error('the session did not move')
  first.send(requestFrame(1, opCode.create, createBody('/moved')))
  const reply = await first.reply().catch(() => undefined)
  if (reply !== undefined) throw new Violation(`a write of a session that has moved is answered with ${reply.err}`)
  await expectWhole(three)
  await three.close()
}

/**
 * A client writes, loses its connection, and reads at another server, which is late. The write is there now, or never. A client of ours
 * would ask for a sync itself.
 */
export async function comeOver(seed: number): Promise<void> {
  const { three, random } = stage(seed, { tickTime: 2_000 })
  await three.start()
  const { followers } = await three.settled()
  const [from, late] = followers as [Sid, Sid]
  const first = new Raw(three, from)
  const { sessionId, passwd } = readConnectResponse(await first.next())
  first.send(requestFrame(1, opCode.create, createBody('/x')))
  const { zxid } = await first.reply()
  await three.world.advance(100)
  // The other two are a quorum without it, and wait for it for longer than that.
  three.world.disk(host(late)).faults.latencyMs = 4_000
  const data = Uint8Array.of(1)
  first.send(
    requestFrame(2, opCode.setData, (writer) => writeSetDataRequest(writer, { path: '/x', data, version: -1 })),
  )
  await three.world.advance(2 + random.below(5))
  first.end()
  const second = new Raw(three, late, { sessionId, passwd: passwd ?? new Uint8Array(16), lastZxidSeen: zxid })
  if (readConnectResponse(await second.next()).sessionId !== sessionId) throw new Error('the session did not move')
  const read = async (xid: number): Promise<number> => {
    const body = (writer: Writer): void => {
      writer.ustring('/x')
      writer.boolean(false)
    }
    second.send(requestFrame(xid, opCode.getData, body))
    return readGetDataResponse((await second.reply()).body).stat.version
  }
  const before = await read(3)
  three.world.disk(host(late)).faults.latencyMs = 1
  await three.world.advance(10_000)
  const after = await read(4)
  if (before !== after)
    throw new Violation(`read version ${before}, and got ${after} by an earlier write of the session`)
  await three.close()
}

/** Two clients at each server write and read for a while, and nothing breaks. */
export async function crowd(seed: number): Promise<void> {
  const { three, random } = stage(seed)
  await three.start()
  await three.settled()
  const clients: Client[] = []
  for (const sid of [...sids, ...sids]) clients.push(await three.connect([sid]))
  for (const path of ['/x', ...clients.keys()].map((each): ZnodePath => (each === '/x' ? '/x' : `/own-${each}`)))
    await three.run((clients[0] as Client).create(path, ''))
  const until = three.world.time + 1_000
  let newest = 0n
  const work = async (client: Client, own: ZnodePath): Promise<void> => {
    await client.sync('/')
    for (let i = 0; three.world.time < until; i++) {
      await client.set(own, `${i}`)
      const read = new TextDecoder().decode((await client.get(own)).data)
      if (read !== `${i}`) throw new Violation(`read ${read} after the reply of its own write ${i}`)
      if (random.oneIn(2)) {
        const { mzxid } = await client.set('/x', own)
        if (mzxid > newest) newest = mzxid
      }
      const before = newest
      await client.sync('/x')
      const { stat } = await client.get('/x')
      if (stat.mzxid < before)
        throw new Violation(`read ${stat.mzxid} of /x, and ${before} was acknowledged before the sync`)
    }
  }
  const all = Promise.all(clients.map((client, i) => work(client, `/own-${i}`)))
  await three.run(all).catch((error: Error) => {
    throw KeeperError.is(error) ? new Violation(`nothing is broken, and a call ends with ${error.message}`) : error
  })
  for (const client of clients) await three.run(client.close())
  await expectWhole(three)
  await three.close()
}

/** A leader is cut off, and a client of its own asks for what is new, while the others have another leader. */
export async function askDeposed(seed: number): Promise<void> {
  const { three, random } = stage(seed)
  await three.start()
  const { leader, followers } = await three.settled()
  const asking = await three.connect([leader])
  const writing = await three.connect(followers)
  await three.run(writing.create('/x', ''))
  await three.run(asking.sync('/x'))
  three.cut(leader)
  const until = three.world.time + 4_000
  let newest = 0n
  let wrong: Violation | undefined
  const write = async (): Promise<void> => {
    while (three.world.time < until) {
      const written = await writing.set('/x', '').catch(() => undefined)
      if (written !== undefined) newest = written.mzxid
      await three.world.delay(random.below(5))
    }
  }
  const ask = async (): Promise<void> => {
    while (three.world.time < until) {
      const before = newest
      const { established } = asking.stats().connections
      try {
        await asking.sync('/x')
        const { stat } = await asking.get('/x')
        if (asking.stats().connections.established === established && stat.mzxid < before)
          wrong ??= new Violation(`read ${stat.mzxid} of /x, and ${before} was acknowledged before the sync`)
      } catch (error) {
        if (!KeeperError.is(error)) throw error
      }
      await three.world.delay(random.below(20))
    }
  }
  const work = Promise.all([write(), ask()])
  await three.world.advance(4_000)
  three.heal(leader)
  await three.run(work)
  if (wrong !== undefined) throw wrong
  await three.run(writing.close())
  await three.run(asking.close())
  await three.close()
}

/** Leaders come and go, and the sessions of clients belong to whoever serves them. */
export async function outliveLeaders(seed: number): Promise<void> {
  const { three } = stage(seed)
  await three.start()
  const client = await three.connect()
  const session = client.sessionId
  await three.run(client.create('/x', ''))
  for (let round = 0; round < 3; round++) {
    const { leader } = await three.settled()
    three.kill(leader)
    const end = three.world.time + 60_000
    for (let isDone = false; !isDone; ) {
      isDone = await three.run(
        client.set('/x', '').then(
          () => true,
          () => false,
        ),
      )
      if (three.world.time > end) throw new Violation('a client writes nothing behind a change of the leader')
    }
    await three.start(leader)
  }
  if (client.sessionId !== session) throw new Violation('a client lost its session')
  await three.settled()
  await expectWhole(three)
  await three.run(client.close())
  await three.close()
}

// -- what they have in common -------------------------------------------------------------------------------------------

function stage(seed: number, options = {}): { three: Three; random: SeededRandom } {
  return { three: new Three(seed, options), random: new SeededRandom(seed ^ 0x30e7) }
}

/** A leader that is cut off takes a write, and dies with it. The others go on without it. */
async function leaveTail(three: Three): Promise<Sid> {
  const { leader } = await three.settled()
  const client = await three.connect([leader])
  await three.run(client.create('/n', ''))
  three.cut(leader)
  client.create('/n/lost', '').catch(() => {})
  await three.world.advance(50)
  three.kill(leader)
  three.heal(leader)
  // Its session lives on for a while: nothing is written behind the death of the leader.
  three.world.crash('c1', 'power')
  return leader
}

let clients = 0
async function write(three: Three, name: string, at?: Sid): Promise<void> {
  const client = await three.connect(at === undefined ? sids : [at])
  await three.run(client.create(`/w-${name}-${++clients}`, ''))
  await three.run(client.close())
}

/** Ends a member at some moment behind a line of its log, and starts it again. */
async function dieBehind(three: Three, sid: Sid, line: string, random: SeededRandom): Promise<void> {
  const end = three.world.time + 60_000
  while (three.lines(line).length === 0) {
    if (three.world.time > end) throw new Error(`nobody says "${line}"`)
    await three.world.advance(0.5)
  }
  await three.world.advance(random.below(replacingMs * 10) / 10)
  three.kill(sid, random.pick(['kill', 'power'] as const))
  await three.start(sid)
}

/** All have the same, and nobody complains. `from`: the lines before it are known. */
async function expectWhole(three: Three, from = 0): Promise<void> {
  expectNoComplaint(three, from)
  const [first, ...others] = await three.states()
  expectNoComplaint(three, from)
  if (others.some((other) => other !== first)) throw new Violation(`one server differs from the others`)
}

function expectNoComplaint(three: Three, from = 0): void {
  const lines = three.lines().slice(from)
  const damaged = lines.find((line) => line.includes('the data directory is damaged'))
  if (damaged !== undefined) throw new Violation(`a directory is damaged: ${damaged}`)
  const wrong = lines.find((line) => / error /.test(line))
  if (wrong !== undefined) throw new Violation(`a member complains: ${wrong}`)
}

/** What a file of epochs holds; 0 where there is none. */
function epoch(three: Three, sid: Sid, which: 'accepted' | 'current'): number {
  const bytes = three.world.disk(host(sid)).files('data/version-2').get(`${which}Epoch`)
  return bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))
}

/** A connection of a client, frame by frame. */
class Raw {
  readonly #three: Three
  readonly #frames = new Frames()
  readonly #link: Link
  #isClosed = false

  constructor(three: Three, sid: Sid, claim: Parameters<typeof connectFrame>[0] = {}) {
    this.#three = three
    this.#link = three.world.runtime(`raw-${sid}`).network.connect(`${host(sid)}:2181`, {
      opened: () => this.send(connectFrame(claim)),
      data: (chunk) => this.#frames.push(chunk),
      closed: () => {
        this.#isClosed = true
      },
    })
  }

  send(frame: Uint8Array): void {
    this.#link.write(frame)
  }

  end(): void {
    this.#link.destroy()
  }

  async next(): Promise<Reader> {
    await this.#three.until(async () => this.#frames.waiting > 0 || this.#isClosed, 'a frame comes')
    const frame = this.#frames.next()
    if (frame === undefined) throw new Error('the server closed the connection')
    return frame
  }

  async reply(): Promise<{ zxid: bigint; err: number; body: Reader }> {
    const body = await this.next()
    body.int()
    return { zxid: body.long(), err: body.int(), body }
  }
}
