/** Requests as chance makes them: every opcode, and fields that are right, at a limit or wrong. What is sent when is in plan.ts. */
import { opCode, specialXid, type Writer } from '@lightkeeper/protocol'
import type { SeededRandom } from '@lightkeeper/testing/sim'

/** A frame that was written: what its reply looks like. */
export interface Written {
  /** The xid of the reply, undefined where it looks like a watch event. */
  readonly xid: number | undefined
  /** False where the length of the frame does not fit: what follows are no frames any more. */
  readonly isWhole: boolean
}

const common = [
  '/a',
  '/a/b',
  '/a/b/c',
  '/b',
  '/b/s-',
  '/c',
  '/e',
  '/',
  '/a/n1',
  '/a/n2',
  '/a/n3',
  '/b/n1',
  '/w',
] as const
const system = [
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota/a',
  '/zookeeper/quota/a/zookeeper_limits',
  '/zookeeper/quota/a/zookeeper_stats',
  '/zookeeper/quota/zookeeper_limits',
]
const odd = [
  '',
  'a',
  '//',
  '/a/',
  '/a//b',
  '/a/.',
  '/a/../b',
  '/a\u0000b',
  '/\ud800',
  '/\ufffe',
  '/ü/\u{1f600}',
  `/${'l'.repeat(1_100)}`,
  `/${'l'.repeat(17_000)}`,
  '/d'.repeat(900),
]
/** Guarded by an ACL: the client that behaves works here. */
export const guarded = '/control'
const others = [guarded, `${guarded}/own`, `${guarded}/new`]

const schemes = ['world', 'auth', 'digest', 'ip', 'x509', 'sasl', 'super', '', 'nonsense']
const ids = ['anyone', '', 'joe:hash', '10.0.0.1', '10.0.0.0/8', '10.0.0.0/99', 'not an id']
const lengths = [-1, -2, 0, 1, 0x7fff_ffff, -0x8000_0000, 0x00ff_ffff, 3]
const versions = [-1, -1, -1, 0, 1, 7]
const buffers = [
  null,
  new Uint8Array(0),
  new Uint8Array(5),
  new Uint8Array(300),
  new TextEncoder().encode('count=1,bytes=2'),
]
/** The second one is counted where a client does not take it. */
const large = [new Uint8Array(5_000), new Uint8Array(70_000)] as const
/** A znode that is large most of the time. */
const wide = '/w'

/** How often each kind of request is made; internal and unknown opcodes come beside these. */
const weights: readonly (readonly [type: number, weight: number])[] = [
  [opCode.create, 10],
  [opCode.create2, 6],
  [opCode.createContainer, 3],
  [opCode.createTTL, 3],
  [opCode.delete, 9],
  [opCode.setData, 9],
  [opCode.setACL, 2],
  [opCode.multi, 6],
  [opCode.multiRead, 3],
  [opCode.getData, 8],
  [opCode.exists, 6],
  [opCode.getChildren, 5],
  [opCode.getChildren2, 4],
  [opCode.getACL, 2],
  [opCode.sync, 3],
  [opCode.ping, 3],
  [opCode.getAllChildrenNumber, 2],
  [opCode.getEphemerals, 2],
  [opCode.whoAmI, 1],
  [opCode.addWatch, 4],
  [opCode.checkWatches, 1],
  [opCode.removeWatches, 3],
  [opCode.setWatches, 2],
  [opCode.setWatches2, 2],
  [opCode.reconfig, 1],
]
const kinds: readonly number[] = weights.flatMap(([type, weight]) => Array.from({ length: weight }, () => type))
const parts = [
  opCode.create,
  opCode.create,
  opCode.create2,
  opCode.createContainer,
  opCode.createTTL,
  opCode.delete,
  opCode.setData,
  opCode.setData,
  opCode.check,
  opCode.check,
]

export class RequestMaker {
  readonly writer: Writer
  readonly #random: SeededRandom
  /** Where lengths and counts stand in the frame that is made. */
  readonly #lengthsAt: number[] = []

  /** Frames are appended to `writer`. */
  constructor(random: SeededRandom, writer: Writer) {
    this.#random = random
    this.writer = writer
  }

  /** Appends one request with this xid, or with another one. */
  request(xid: number): Written {
    const random = this.#random
    const { writer } = this
    const mark = writer.beginFrame()
    this.#lengthsAt.length = 0
    const type = this.#type()
    const another = random.oneIn(40) ? random.pick([-2, -4, -8, 0, 1, 0x7fff_ffff, -0x8000_0000]) : xid
    // A ping is answered with the xid of pings, unless its session ends just then.
    const sent = type === opCode.ping ? specialXid.ping : random.oneIn(2_000) ? specialXid.watchEvent : another
    writer.int(sent)
    writer.int(type)
    this.#body(type)
    const isWhole = random.oneIn(12) ? this.#harm(mark) : true
    writer.endFrame(mark)
    if (!isWhole) writer.patchInt(mark, random.pick([-1, 0x7fff_ffff, 3, 0, writer.length - mark + 20, 0x474554]))
    return { xid: sent === specialXid.watchEvent ? undefined : sent, isWhole }
  }

  #type(): number {
    const random = this.#random
    if (!random.oneIn(50)) return random.pick(kinds)
    if (random.oneIn(2)) return opCode.auth
    if (random.oneIn(3)) return opCode.sasl
    if (random.oneIn(3)) return opCode.closeSession
    return random.oneIn(2) ? random.below(130) - 20 : random.pick([opCode.createSession, opCode.error, opCode.check, 0])
  }

  /** Spoils the frame behind its header; false where its length shall not fit either. */
  #harm(mark: number): boolean {
    const random = this.#random
    const { writer } = this
    const bodyAt = mark + 12
    switch (random.below(5)) {
      case 0: {
        const at = this.#lengthsAt.length === 0 ? bodyAt : random.pick(this.#lengthsAt)
        if (at + 4 <= writer.length) writer.patchInt(at, random.pick(lengths))
        return true
      }
      case 1:
        writer.truncate(Math.max(bodyAt, writer.length - 1 - random.below(12)))
        return true
      case 2:
        for (let i = random.below(6); i >= 0; i--) writer.boolean(random.oneIn(2))
        return true
      case 3: {
        const at = bodyAt + random.below(Math.max(1, writer.length - bodyAt))
        if (at < writer.length) writer.bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff])
        return true
      }
      default:
        // Rarely: it ends the connection.
        return !random.oneIn(8)
    }
  }

  // -- fields ---------------------------------------------------------------------------------------------------------

  #path(): string {
    const random = this.#random
    const chance = random.below(106)
    if (chance >= 100) return wide
    if (chance < 75) return random.pick(common)
    if (chance < 85) return `/a/n${random.below(40)}`
    if (chance < 90) return random.pick(system)
    if (chance < 93) return random.pick(others)
    return random.pick(odd)
  }

  #text(value: string | null): void {
    this.#lengthsAt.push(this.writer.length)
    this.writer.ustring(value)
  }

  /** Writes a path, and returns it. */
  #target(): string {
    const path = this.#path()
    this.#text(path)
    return path
  }

  #data(path = ''): void {
    const random = this.#random
    this.#lengthsAt.push(this.writer.length)
    if (path === wide && !random.oneIn(4)) this.writer.buffer(large[1])
    else this.writer.buffer(random.oneIn(60) ? large[0] : random.pick(buffers))
  }

  #acl(): void {
    const random = this.#random
    const { writer } = this
    const count = random.oneIn(12) ? random.pick([0, 2, 3, -1]) : 1
    this.#lengthsAt.push(writer.length)
    writer.int(count)
    for (let i = 0; i < count; i++) {
      const isPlain = !random.oneIn(8)
      writer.int(isPlain || !random.oneIn(3) ? 31 : random.pick([1, 0, 15, -1, 64]))
      this.#text(isPlain ? 'world' : random.pick(schemes))
      this.#text(isPlain ? 'anyone' : random.pick(ids))
    }
  }

  #paths(most: number): void {
    const count = this.#random.below(most)
    this.#lengthsAt.push(this.writer.length)
    this.writer.int(count)
    for (let i = 0; i < count; i++) this.#text(this.#path())
  }

  #body(type: number): void {
    const random = this.#random
    const { writer } = this
    switch (type) {
      case opCode.multi:
      case opCode.multiRead: {
        const most = random.oneIn(30) ? 120 : 8
        for (let i = random.below(most); i > 0; i--) this.#part(type === opCode.multi)
        if (random.oneIn(40)) return
        writer.int(-1)
        writer.boolean(true)
        writer.int(-1)
        return
      }
      case opCode.setWatches:
      case opCode.setWatches2:
        writer.long(random.pick([0n, -1n, 1n, 0x7fff_ffff_ffff_ffffn]))
        for (let i = type === opCode.setWatches ? 3 : 5; i > 0; i--) this.#paths(random.oneIn(20) ? 60 : 5)
        return
      case opCode.auth:
        this.#credentials()
        return
      case opCode.sasl:
        this.#data()
        return
      case opCode.reconfig:
        for (let i = 0; i < 3; i++) this.#text(random.pick([null, 'server.1=a:1:2;3', '']))
        writer.long(-1n)
        return
      default:
        this.#record(type)
    }
  }

  #part(isWrite: boolean): void {
    const random = this.#random
    const { writer } = this
    const isOdd = random.oneIn(60)
    const type = isOdd
      ? random.pick([opCode.multi, opCode.getData, opCode.createSession, opCode.setACL, 99, -1])
      : isWrite
        ? random.pick(parts)
        : random.pick([opCode.getData, opCode.getChildren])
    writer.int(type)
    writer.boolean(false)
    writer.int(-1)
    this.#record(type)
  }

  #record(type: number): void {
    const random = this.#random
    const { writer } = this
    switch (type) {
      case opCode.create:
      case opCode.create2:
      case opCode.createContainer:
      case opCode.createTTL:
        this.#data(this.#target())
        this.#acl()
        writer.int(random.oneIn(20) ? random.pick([7, -1, 99, 0x7fff_ffff]) : this.#flags(type))
        if (type === opCode.createTTL) writer.long(random.pick([1n, 500n, 100_000n, 0n, -1n, 1n << 41n]))
        return
      case opCode.setData:
        this.#data(this.#target())
        writer.int(random.pick(versions))
        return
      case opCode.setACL:
        this.#text(this.#path())
        this.#acl()
        writer.int(random.pick(versions))
        return
      case opCode.delete:
      case opCode.check:
        this.#text(this.#path())
        writer.int(random.pick(versions))
        return
      case opCode.getData:
      case opCode.exists:
      case opCode.getChildren:
      case opCode.getChildren2:
        this.#text(this.#path())
        writer.boolean(random.oneIn(3))
        return
      case opCode.addWatch:
        this.#text(this.#path())
        writer.int(random.oneIn(15) ? random.pick([2, -1]) : random.below(2))
        return
      case opCode.checkWatches:
      case opCode.removeWatches:
        this.#text(this.#path())
        writer.int(random.oneIn(15) ? random.pick([0, 6, -1]) : 1 + random.below(5))
        return
      case opCode.getACL:
      case opCode.sync:
      case opCode.getAllChildrenNumber:
      case opCode.getEphemerals:
        this.#text(this.#path())
        return
      case opCode.ping:
      case opCode.whoAmI:
      case opCode.closeSession:
        return
      default:
        for (let i = random.below(4); i > 0; i--) writer.int(random.pick(lengths))
    }
  }

  #flags(type: number): number {
    const random = this.#random
    if (type === opCode.createContainer) return 4
    if (type === opCode.createTTL) return 5 + random.below(2)
    return random.pick([0, 0, 0, 1, 1, 2, 3])
  }

  #credentials(): void {
    const random = this.#random
    const { writer } = this
    writer.int(random.oneIn(10) ? -1 : 0)
    const isGood = !random.oneIn(6)
    this.#text(isGood ? 'digest' : random.pick(schemes))
    this.#lengthsAt.push(writer.length)
    // The wrong password of the superuser counts as a failure and is let pass.
    const said = isGood && random.oneIn(8) ? 'super:wrong' : `user${random.below(8)}:secret`
    writer.buffer(random.oneIn(20) ? null : new TextEncoder().encode(said))
  }
}
