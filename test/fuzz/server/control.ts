/** The client that behaves: it has a session of its own, works in a place that is guarded by an ACL, and gets every answer. */
import {
  Framer,
  opCode,
  openAcl,
  permission,
  type Reader,
  readConnectResponse,
  specialXid,
  type Writer,
  writeCreateRequest,
  writePathWatchRequest,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import type { Link } from '@lightkeeper/runtime'
import type { World } from '@lightkeeper/testing/sim'
import { Violation } from '../../simulation/durability/ledger.ts'
import { connectFrame, requestFrame } from '../../support/frames.mjs'
import { address } from './attacker.ts'
import { guarded } from './requests.ts'

/** How long an answer may take, simulated milliseconds. */
const patienceMs = 10_000
const own = `${guarded}/own`

interface Reply {
  readonly xid: number
  readonly err: number
  readonly body: Reader
}

export class Control {
  sessionId = 0n
  passwd: Uint8Array = new Uint8Array(16)
  readonly #world: World
  readonly #link: Link
  readonly #framer = new Framer(1 << 26)
  #next: ((frame: Reader | undefined) => void) | undefined
  #isClosed = false
  #xid = 0
  #value = 0

  constructor(world: World) {
    this.#world = world
    this.#link = world.network.host('control').connect(address, {
      opened: () => this.#link.write(connectFrame({ timeOut: 8_000 })),
      data: (chunk) => {
        this.#framer.push(chunk)
        for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) this.#frame(frame)
      },
      closed: () => {
        this.#isClosed = true
        this.#next?.(undefined)
      },
    })
  }

  /** Opens the session and makes the znodes that no other client may touch. */
  async begin(): Promise<void> {
    const { sessionId, passwd } = readConnectResponse(await this.#reply('the handshake'))
    this.sessionId = sessionId
    this.passwd = passwd ?? this.passwd
    await this.#expect(opCode.auth, (writer) => {
      writer.int(0)
      writer.ustring('digest')
      writer.buffer(new TextEncoder().encode('control:secret'))
    })
    const acl = [{ perms: permission.all, id: { scheme: 'auth', id: '' } }]
    for (const path of [guarded, own]) {
      await this.#expect(opCode.create, (writer) => writeCreateRequest(writer, { path, data: null, acl, flags: 0 }))
    }
    await this.#expect(opCode.create, (writer) =>
      writeCreateRequest(writer, { path: `${own}/e`, data: null, acl: openAcl, flags: 1 }),
    )
  }

  /** Writes a value and reads it. @throws Violation where that fails, or takes long. */
  async ask(): Promise<void> {
    const data = Uint8Array.of(++this.#value & 0xff)
    await this.#expect(opCode.setData, (writer) => writeSetDataRequest(writer, { path: own, data, version: -1 }))
    const { body } = await this.#expect(opCode.getData, (writer) =>
      writePathWatchRequest(writer, { path: own, watch: false }),
    )
    const read = body.buffer()
    if (read?.[0] !== data[0]) throw new Violation(`the control client wrote ${data[0]} and read ${read?.[0]}`)
    const { err } = await this.#call(opCode.exists, (writer) =>
      writePathWatchRequest(writer, { path: `${own}/e`, watch: false }),
    )
    if (err !== 0) throw new Violation(`the ephemeral of the control client is gone, its session lives: error ${err}`)
  }

  ping(): Promise<Reply> {
    return this.#expect(opCode.ping, () => {}, specialXid.ping)
  }

  async end(): Promise<void> {
    await this.#expect(opCode.closeSession, () => {})
    this.#link.destroy()
  }

  async #expect(type: number, write: (writer: Writer) => void, xid?: number): Promise<Reply> {
    const reply = await this.#call(type, write, xid)
    if (reply.err !== 0) throw new Violation(`a request of kind ${type} of the control client failed: ${reply.err}`)
    return reply
  }

  async #call(type: number, write: (writer: Writer) => void, xid = ++this.#xid): Promise<Reply> {
    this.#link.write(requestFrame(xid, type, write))
    const frame = await this.#reply(`a request of kind ${type}`)
    const reply = { xid: frame.int(), zxid: frame.long(), err: frame.int(), body: frame }
    if (reply.xid !== xid) throw new Violation(`the control client got a reply to ${reply.xid} in the place of ${xid}`)
    return reply
  }

  async #reply(what: string): Promise<Reader> {
    if (this.#isClosed) throw new Violation(`the control client lost its connection before ${what}`)
    const arrived = new Promise<Reader | undefined>((resolve) => {
      this.#next = resolve
    })
    const frame = await this.#world.run(arrived, patienceMs).catch((cause: unknown) => {
      throw new Violation(`the control client got no answer to ${what}`, { cause })
    })
    if (frame === undefined) throw new Violation(`the control client lost its connection over ${what}`)
    return frame
  }

  #frame(frame: Reader): void {
    const next = this.#next
    this.#next = undefined
    next?.(frame)
  }
}
