/** A member of ours in a simulated world with two others, one of which leads: a test says what the leader sends, packet by packet. */
import {
  intBytes,
  makeZxid,
  type QuorumPacket,
  type QuorumPacketName,
  QuorumPacketStream,
  readConnectResponse,
  Writer,
  writeQuorumPacket,
} from '@lightkeeper/protocol'
import type { Link, Log } from '@lightkeeper/runtime'
import { World } from '@lightkeeper/testing/sim'
import { connectFrame, Frames, requestFrame } from '../../../../test/support/frames.mjs'
import type { ServerOptions } from '../config/config.ts'
import { type RunningServer, startServer } from '../server.ts'
import { ApacheSessionKeys } from '../session/apache-sessions.ts'
import { imageOf } from '../storage/storage.harness.ts'
import { writeTxn } from '../storage/txn-codec.ts'
import { ElectionLinks } from '../transport/election-links.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'

const host = 'ours'
const others = 'others'
const members = {
  'server.1': `${host}:2888:3888`,
  'server.2': `${others}:2002:3002`,
  'server.3': `${others}:2003:3003`,
}
const leader = 3
const imageEnd = Uint8Array.from([0, 0, 0, 10, ...new TextEncoder().encode('BenWasHere')])

export class Theatre {
  readonly world: World
  /** What the member has sent to its leader and no test has taken. */
  readonly packets: QuorumPacket[] = []
  /** What the member has logged since its start, or since its leader went. */
  lines: string[] = []
  epoch = 1
  /** Server 3 leads, which server 2 says too. */
  isLed = true
  readonly #options: ServerOptions
  #server: RunningServer | undefined
  #link: Link | undefined
  #clients = 0

  constructor(seed = 1, options: ServerOptions = {}) {
    this.world = new World(seed)
    this.#options = {
      members,
      myid: 1,
      initLimit: 5,
      syncLimit: 5,
      dataDir: '/data',
      host,
      clientPort: 2181,
      adminEnableServer: false,
      tickTime: 500,
      preAllocSize: 1,
      ...options,
    }
  }

  get server(): RunningServer {
    return this.#server as RunningServer
  }

  /** The two other servers begin. The member is a new one, which may take what it has for whole. */
  async open(): Promise<void> {
    await import('./index.ts')
    await this.world.run(this.world.runtime(host).disk.makeDirectory('/data'))
    this.world.disk(host).put('/data/initialize', new Uint8Array(0))
    const runtime = this.world.runtime(others)
    for (const sid of [2, 3]) {
      const address = `${others}:${3000 + sid}`
      const peers = new Map([[1, [`${host}:3888`]]])
      const at = { ownAddresses: [address], listenAddresses: [address], hasSeveral: false, recheckMs: undefined }
      const options = { sid, ...at, peers, connectTimeoutMs: 1_000 }
      const links = new ElectionLinks(options, runtime, () => {
        if (!this.isLed) return
        const state = sid === leader ? 'leading' : 'following'
        const vote = { leader, zxid: 0n, round: 1, peerEpoch: this.epoch }
        links.send(1, { state, ...vote, version: 2, config: new Uint8Array(0) })
      })
      await this.world.run(links.listen())
    }
    await this.world.run(
      runtime.network.listen(`${others}:${2000 + leader}`, (link) => {
        const stream = new QuorumPacketStream()
        this.#link = link
        this.packets.length = 0
        return {
          data: (chunk) => {
            stream.push(chunk)
            for (let packet = stream.next(); packet !== undefined; packet = stream.next()) this.packets.push(packet)
          },
          closed() {},
        }
      }),
    )
  }

  async start(): Promise<void> {
    this.lines = []
    const runtime = this.world.runtime(host)
    const log: Log = (level, message, facts) => {
      this.lines.push(message)
      runtime.log(level, message, facts)
    }
    let isOver = false
    const starting = startServer(this.#options, { ...runtime, log }).finally(() => {
      isOver = true
    })
    // The server imports its parts for members, for which the world stands nearly still.
    await this.until(() => isOver, 0.01)
    this.#server = await starting
  }

  /** Its settings change while it runs. */
  async change(options: ServerOptions): Promise<void> {
    Object.assign(this.#options, options)
    await this.world.run(this.server.reload())
  }

  /** The process ends: `power` takes what was not synced. */
  crash(kind: 'kill' | 'power'): void {
    this.world.crash(host, kind)
    this.#server = undefined
  }

  damageLogs(): void {
    const disk = this.world.disk(host)
    for (const name of disk.files('/data/version-2').keys())
      if (name.startsWith('log.'))
        disk.damage(`/data/version-2/${name}`, () => new TextEncoder().encode('this was a log'))
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) await this.world.run(this.#server.close())
  }

  /** `session`: it comes back with one of the ensemble. */
  visit(readOnly = false, session = 0n): Visitor {
    return new Visitor(this, `c${++this.#clients}`, readOnly, session)
  }

  /** Lets time pass until it is so. @throws Error after ten thousand steps. */
  async until(isSo: () => boolean, stepMs = 1): Promise<void> {
    const { clock } = this.world.runtime(others)
    for (let steps = 0; !isSo(); steps++) {
      if (steps > 10_000)
        throw new Error(`waited in vain; the end of the trace:\n${this.world.trace.slice(-20).join('\n')}`)
      await this.world.run(new Promise<void>((resolve) => void clock.after(stepMs, resolve)))
    }
  }

  /** The next packet of the member that is no PING. */
  async packet(type: QuorumPacketName): Promise<QuorumPacket> {
    let next: QuorumPacket | undefined
    await this.until(() => {
      do next = this.packets.shift()
      while (next?.type === 'PING')
      return next !== undefined
    })
    if (next?.type !== type) throw new Error(`the member sent ${next?.type}, not ${type}`)
    return next
  }

  /** Sends all of it in one piece. */
  send(...parts: readonly (QuorumPacket | Uint8Array)[]): void {
    const writer = new Writer(1024)
    for (const part of parts) {
      if (part instanceof Uint8Array) writer.raw(part)
      else writeQuorumPacket(writer, part)
    }
    this.#link?.write(writer.written().slice())
  }

  /** The leader goes; the next one has a higher epoch. */
  deposeLeader(): void {
    this.epoch++
    this.lines = []
    this.#link?.destroy()
  }

  /** From FOLLOWERINFO to ACKEPOCH. */
  async greet(): Promise<QuorumPacket> {
    await this.packet('FOLLOWERINFO')
    this.send(packet('LEADERINFO', makeZxid(this.epoch, 0), intBytes(0x1_0000)))
    return this.packet('ACKEPOCH')
  }

  /** From NEWLEADER, which `parts` come before, to the term. */
  async join(...parts: readonly (QuorumPacket | Uint8Array)[]): Promise<void> {
    await this.greet()
    this.send(...parts, this.newLeader)
    await this.packet('ACK')
    this.send(packet('UPTODATE', -1n))
    await this.packet('ACK')
    await this.until(() => this.lines.some((line) => line.startsWith('this member follows a leader')))
  }

  get newLeader(): QuorumPacket {
    return packet('NEWLEADER', makeZxid(this.epoch, 0))
  }
}

/** A client, frame by frame. */
export class Visitor {
  isClosed = false
  readonly #theatre: Theatre
  readonly #frames = new Frames()
  readonly #link: Link
  #xid = 0

  constructor(theatre: Theatre, from: string, readOnly: boolean, sessionId: bigint) {
    this.#theatre = theatre
    this.#link = theatre.world.runtime(from).network.connect(`${host}:2181`, {
      opened: () =>
        void this.#link.write(
          connectFrame({ readOnly, sessionId, passwd: new ApacheSessionKeys().passwordOf(sessionId) }),
        ),
      data: (chunk) => this.#frames.push(chunk),
      closed: () => {
        this.isClosed = true
      },
    })
  }

  /** Whether the server has taken the client in. It says no by closing the connection. */
  async isServed(): Promise<boolean> {
    await this.#theatre.until(() => this.#frames.waiting > 0 || this.isClosed)
    const response = this.#frames.next()
    return response !== undefined && readConnectResponse(response).sessionId !== 0n
  }

  /** Sends requests at once, and waits for nothing. */
  post(count: number, type: number, write: (writer: Writer) => void): void {
    for (let i = 0; i < count; i++) this.#link.write(requestFrame(++this.#xid, type, write))
  }

  /** The replies that have come and were not taken. */
  get replies(): number {
    return this.#frames.waiting
  }

  /** The error number of the reply. */
  async call(type: number, write: (writer: Writer) => void): Promise<number> {
    this.#link.write(requestFrame(++this.#xid, type, write))
    await this.#theatre.until(() => this.#frames.waiting > 0 || this.isClosed)
    const reply = this.#frames.next()
    if (reply === undefined) throw new Error('the server closed the connection')
    reply.int()
    reply.long()
    return reply.int()
  }
}

export function packet(type: QuorumPacketName, zxid: bigint, data: Uint8Array | null = null): QuorumPacket {
  return { type, zxid, data, authinfo: null }
}

export function proposal(
  zxid: bigint,
  txn: Txn,
  from: { session: bigint; cxid: number } = { session: 7n, cxid: 1 },
): QuorumPacket {
  const writer = new Writer(200)
  const header = { clientId: from.session, cxid: from.cxid, zxid, time: 1n, type: txn.type }
  writeTxn(writer, header, txn, undefined)
  return packet('PROPOSAL', zxid, writer.written())
}

export const commit = (zxid: bigint): QuorumPacket => packet('COMMIT', zxid)

/** SNAP, and what comes behind it. */
export function snap(zxid: bigint, tree: DataTree): (QuorumPacket | Uint8Array)[] {
  return [packet('SNAP', zxid), imageOf(tree, 100), imageEnd]
}
