/**
 * A client that says anything, on one connection after another. It knows which replies must come: in the order of its requests,
 * with their xids, as long as what it sent were frames.
 */
import { Framer, type Reader, readConnectResponse, specialXid, Writer } from '@lightkeeper/protocol'
import type { Link } from '@lightkeeper/runtime'
import { SeededRandom, type World } from '@lightkeeper/testing/sim'
import { Violation } from '../../simulation/durability/ledger.ts'
import { RequestMaker } from './requests.ts'

export const address = 'server:2181'

/** What a client needs to come back to a session. */
export interface Known {
  readonly id: bigint
  readonly passwd: Uint8Array
}

const words = 'ruok srvr stat cons dump mntr wchs wchp wchc conf envi dirs crst srst gtmk stmk isro hash abcd ru'.split(
  ' ',
)

export class Attacker {
  readonly host: string
  /** The session of its last handshake that was answered. */
  session: Known | undefined
  /** Frames and words sent by all of its connections. */
  sent = 0
  readonly #world: World
  readonly #report: (error: Error) => void
  readonly #forbidden: () => bigint
  #connection: Conversation | undefined
  readonly #left: Conversation[] = []

  /** `report` hears of what must not happen. `forbidden` is the session that only its owner may get. */
  constructor(world: World, host: string, forbidden: () => bigint, report: (error: Error) => void) {
    this.#world = world
    this.host = host
    this.#forbidden = forbidden
    this.#report = report
  }

  /** Opens a connection in the place of the one before, which is reset or left as it is. */
  dial(seed: number, others: readonly Attacker[]): void {
    const random = new SeededRandom(seed)
    const connection = this.#replace(random)
    const writer = new Writer(64)
    const isPlain = handshake(writer, random, {
      own: this.session,
      other: random.pick(others).session,
      forbidden: this.#forbidden(),
    })
    if (writer.length > 0) this.sent++
    connection.begin(writer.written(), isPlain, (known) => {
      if (known.id === this.#forbidden()) this.#report(new Violation('a session was taken over by a stranger'))
      this.session = known
    })
  }

  /** Opens a connection for a four-letter word, or what begins like one. */
  word(seed: number): void {
    const random = new SeededRandom(seed)
    const connection = this.#replace(random)
    const text =
      random.pick(words) + (random.oneIn(4) ? random.pick(['\n', 'garbage', '\u0000\u0000\u0000\u0001']) : '')
    this.sent++
    connection.begin(new TextEncoder().encode(text), false, () => {})
  }

  /** Sends requests, over a new connection where there is none. */
  send(seed: number, count: number, others: readonly Attacker[]): void {
    if (this.#connection?.isOpen !== true) this.dial(seed, others)
    this.sent += count
    this.#connection?.send(new SeededRandom(seed), count)
  }

  half(seed: number): void {
    if (this.#connection?.isOpen !== true) return
    this.sent++
    this.#connection.half(new SeededRandom(seed))
  }

  garbage(seed: number): void {
    if (this.#connection?.isOpen !== true) return
    const random = new SeededRandom(seed)
    this.sent++
    this.#connection.raw(random.bytes(random.below(200)))
  }

  stall(): void {
    this.#connection?.stall()
  }

  read(): void {
    this.#connection?.read()
  }

  /** Sends a part of a request and goes. */
  reset(seed: number, bytes: number): void {
    this.#connection?.reset(new SeededRandom(seed), bytes)
  }

  end(): void {
    this.#connection?.end()
  }

  /** The host is gone: nothing is heard of its connections any more, neither here nor there. */
  vanished(): void {
    for (const each of this.#all()) each.vanished()
    this.#left.length = 0
    this.#connection = undefined
  }

  readAll(): void {
    for (const each of this.#all()) each.read()
  }

  resetAll(): void {
    for (const each of this.#all()) each.reset()
  }

  /** Replies that must come and did not yet, in words. */
  missing(): string | undefined {
    for (const each of this.#all()) if (each.missing > 0) return `${each.missing} replies to ${this.host}`
    return undefined
  }

  #all(): Conversation[] {
    return this.#connection === undefined ? this.#left : [...this.#left, this.#connection]
  }

  #replace(random: SeededRandom): Conversation {
    const before = this.#connection
    if (before !== undefined) {
      if (random.oneIn(2)) before.reset()
      else this.#left.push(before)
      if (this.#left.length > 4) this.#left.shift()?.reset()
    }
    this.#connection = new Conversation(this.#world, this.host, this.#report)
    return this.#connection
  }
}

/** One connection. */
class Conversation {
  readonly #link: Link
  readonly #report: (error: Error) => void
  readonly #framer = new Framer(1 << 28)
  readonly #writer = new Writer(256)
  /** The xids of replies that must come, in this order. */
  readonly #expected: number[] = []
  #expectedFrom = 0
  /** What is sent as soon as there is a link; undefined from then on. */
  #early: Uint8Array[] | undefined = []
  #answered: ((known: Known) => void) | undefined
  /** The rest of a request whose first bytes were sent. */
  #rest: Uint8Array | undefined
  #restXid: number | undefined
  #xid = 0
  #lastZxid = -1n
  /** Whether everything that was sent are frames, so that each reply is known. */
  #isPlain = false
  #isOpen = true
  #isServed = false
  /** Something was written that ends the connection. */
  #isOver = false

  constructor(world: World, host: string, report: (error: Error) => void) {
    this.#report = report
    this.#link = world.network.host(host).connect(address, {
      opened: () => this.#opened(),
      data: (chunk) => this.#data(chunk),
      closed: () => void (this.#isOpen = false),
    })
  }

  begin(bytes: Uint8Array, isPlain: boolean, answered: (known: Known) => void): void {
    this.#write(bytes)
    this.#isPlain = isPlain
    this.#answered = answered
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isOver
  }

  get missing(): number {
    const isKnown = this.#isOpen && this.#isPlain && this.#isServed && !this.#isOver
    return isKnown ? this.#expected.length - this.#expectedFrom : 0
  }

  send(random: SeededRandom, count: number): void {
    const writer = this.#writer
    writer.clear()
    this.#takeRest()
    const maker = new RequestMaker(random, writer)
    for (let i = 0; i < count; i++) this.#expect(maker)
    this.#segments(random, writer.written())
  }

  half(random: SeededRandom): void {
    const writer = this.#writer
    writer.clear()
    this.#takeRest()
    const from = writer.length
    const { xid, isWhole } = new RequestMaker(random, writer).request(++this.#xid)
    const bytes = writer.written().slice()
    const at = from + 1 + random.below(bytes.length - from - 1)
    this.#write(bytes.subarray(0, at))
    this.#rest = bytes.subarray(at)
    this.#restXid = xid
    if (!isWhole || xid === undefined) this.#isPlain = false
  }

  raw(bytes: Uint8Array): void {
    this.#isPlain = false
    this.#write(bytes)
  }

  stall(): void {
    this.#link.pause()
  }

  read(): void {
    this.#link.resume()
  }

  end(): void {
    this.#isOver = true
    this.#link.end()
  }

  reset(random?: SeededRandom, bytes = 0): void {
    this.#isOver = true
    if (random !== undefined && this.#isOpen && bytes > 0) {
      this.#writer.clear()
      new RequestMaker(random, this.#writer).request(1)
      this.#write(this.#writer.written().subarray(0, bytes))
    }
    this.#link.destroy()
  }

  vanished(): void {
    this.#isOpen = false
  }

  #write(bytes: Uint8Array): void {
    if (this.#early === undefined) this.#link.write(bytes)
    else this.#early.push(bytes.slice())
  }

  #opened(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const bytes of early) this.#link.write(bytes)
  }

  #takeRest(): void {
    if (this.#rest === undefined) return
    this.#writer.raw(this.#rest)
    this.#rest = undefined
    if (this.#restXid !== undefined) this.#expected.push(this.#restXid)
  }

  #expect(maker: RequestMaker): void {
    const { xid, isWhole } = maker.request(++this.#xid)
    if (!isWhole || xid === undefined) this.#isPlain = false
    else this.#expected.push(xid)
  }

  /** In one piece, or cut anywhere; now and then byte by byte. */
  #segments(random: SeededRandom, bytes: Uint8Array): void {
    if (!random.oneIn(3)) {
      this.#write(bytes)
      return
    }
    const isFine = bytes.length < 80 && random.oneIn(3)
    const most = isFine ? 1 : Math.max(1, bytes.length >> random.below(4))
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random.below(most))
      this.#write(bytes.subarray(at, end))
      at = end
    }
  }

  #data(chunk: Uint8Array): void {
    // The bytes may be the answer to a word, or to what is no request.
    if (!this.#isPlain) return
    try {
      this.#framer.push(chunk)
      for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) this.#frame(frame)
    } catch (error) {
      this.#report(error as Error)
    }
  }

  #frame(frame: Reader): void {
    if (!this.#isServed) {
      this.#isServed = true
      const { sessionId, passwd } = readConnectResponse(frame)
      if (sessionId === 0n) this.#isOver = true
      else this.#answered?.({ id: sessionId, passwd: (passwd ?? new Uint8Array(16)).slice() })
      return
    }
    const xid = frame.int()
    const zxid = frame.long()
    if (xid === specialXid.watchEvent) return
    const expected = this.#expected[this.#expectedFrom++]
    if (this.#expectedFrom === this.#expected.length) {
      this.#expected.length = 0
      this.#expectedFrom = 0
    }
    if (xid !== expected) throw new Violation(`a reply to request ${xid} came where ${expected} was due`)
    // Replies that are of no transaction say 0 or -1.
    if (zxid <= 0n) return
    if (zxid < this.#lastZxid) throw new Violation(`a reply of zxid ${zxid} came behind one of ${this.#lastZxid}`)
    this.#lastZxid = zxid
  }
}

/** Writes the first frame of a connection, or nothing; returns whether the server must answer it as a handshake. */
function handshake(
  writer: Writer,
  random: SeededRandom,
  known: { readonly own: Known | undefined; readonly other: Known | undefined; readonly forbidden: bigint },
): boolean {
  const kind = random.below(24)
  let timeOut = random.pick([8_000, 8_000, 8_000, 1_000, 3_000])
  let sessionId = 0n
  let passwd: Uint8Array | null = new Uint8Array(16)
  let lastZxidSeen = 0n
  const mark = writer.beginFrame()
  if (kind === 0 && known.own !== undefined) ({ id: sessionId, passwd } = known.own)
  else if (kind <= 2 && known.other !== undefined) ({ id: sessionId, passwd } = known.other)
  else if (kind === 3) {
    sessionId = known.forbidden + BigInt(random.oneIn(2) ? 0 : random.below(5))
    passwd = random.pick([null, new Uint8Array(0), new Uint8Array(16), known.own?.passwd ?? null, random.bytes(16)])
  } else if (kind === 4) lastZxidSeen = 0x7fff_ffff_ffff_ffffn
  else if (kind === 5) timeOut = random.pick([0, -1, 0x7fff_ffff, -0x8000_0000])
  else if (kind === 6) {
    writer.truncate(mark)
    return false
  } else if (kind === 7) {
    // A request in the place of a handshake.
    writer.truncate(mark)
    new RequestMaker(random, writer).request(1)
    return false
  }
  writer.int(random.oneIn(20) ? -1 : 0)
  writer.long(lastZxidSeen)
  writer.int(timeOut)
  writer.long(sessionId)
  writer.buffer(passwd)
  if (!random.oneIn(4)) writer.boolean(random.oneIn(4))
  if (kind === 8) writer.truncate(mark + 4 + random.below(writer.length - mark - 4))
  if (kind === 9) writer.patchInt(mark + 28, random.pick([-2, 0x7fff_ffff, 17, -0x8000_0000]))
  writer.endFrame(mark)
  return kind !== 8 && kind !== 9
}
