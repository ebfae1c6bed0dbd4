/**
 * A learner's connection to its leader. It belongs to one term: what comes over an older one is dropped. Transactions are read here, once,
 * since the machines of zab/ do not read payloads.
 */
import { formatHex, MalformedFrameError, type QuorumPacket, Reader } from '@lightkeeper/protocol'
import { Deque, RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import { type LoggedTxn, readTxn } from '../storage/txn-codec.ts'
import { Route } from '../transport/dials.ts'
import { type ImageReceiver, LeaderLink } from '../transport/leader-link.ts'
import type { PeerInput } from '../zab/inputs.ts'
import type { CloseReason } from '../zab/outputs.ts'
import type { Neighbours } from './neighbours.ts'
import type { PeerWatch } from './peer-watch.ts'

export interface LeaderConnectionHooks {
  /** Gives each link a number. */
  nextLink(): number
  /** `now` is of this turn, monotonic milliseconds, where it is known. */
  step(input: PeerInput, now?: number): void
}

export class LeaderConnection {
  readonly #runtime: Runtime
  readonly #neighbours: Neighbours
  readonly #watch: PeerWatch
  readonly #packetBytesMax: () => number
  readonly #hooks: LeaderConnectionHooks
  readonly #repeated: RepeatedLines
  #current: { readonly id: number; readonly link: LeaderLink } | undefined
  /** Transactions that came and were not appended yet, in the order in which they came. */
  readonly #readable = new Deque<LoggedTxn>()
  readonly #reader = new Reader(new Uint8Array(0))
  /** By the number of a leader. */
  readonly #routes = new Map<number, Route>()

  constructor(
    runtime: Runtime,
    neighbours: Neighbours,
    watch: PeerWatch,
    packetBytesMax: () => number,
    hooks: LeaderConnectionHooks,
  ) {
    this.#runtime = runtime
    this.#neighbours = neighbours
    this.#watch = watch
    this.#packetBytesMax = packetBytesMax
    this.#hooks = hooks
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
  }

  dial(sid: number, attempt: number): void {
    const { nextLink, step } = this.#hooks
    this.destroy()
    const id = nextLink()
    const { connectMs, quorumAddressesOf } = this.#neighbours
    const route = this.#routes.get(sid) ?? new Route(quorumAddressesOf(sid))
    this.#routes.set(sid, route)
    let isOpen = false
    const link = new LeaderLink(route, this.#runtime, this.#packetBytesMax, connectMs, {
      opened: () => {
        isOpen = true
        step({ kind: 'linkOpened', link: id, attempt })
      },
      packet: (packet, now) => this.#received(id, packet, now),
      closed: (why) => {
        this.#watch.closed(sid, isOpen, why)
        step(isOpen ? { kind: 'linkClosed', link: id } : { kind: 'dialFailed', attempt })
      },
    })
    this.#current = { id, link }
    this.#watch.dialing(sid)
  }

  /** Returns false where the link is another one than that to the leader. */
  send(id: number, packet: QuorumPacket): boolean {
    if (this.#current?.id !== id) return false
    this.#current.link.send(packet)
    return true
  }

  /** Returns false where the link is another one than that to the leader. */
  close(id: number, why: CloseReason): boolean {
    if (this.#current?.id !== id) return false
    this.#watch.closing(why)
    this.#current.link.close()
    this.#current = undefined
    return true
  }

  /** Leaves the leader for a reason that the machines do not know. */
  leave(why: string): void {
    if (this.#current === undefined) return
    const { id, link } = this.#current
    this.#repeated.tell('leave', 'this member leaves its leader', { cause: why })
    link.destroy()
    this.#hooks.step({ kind: 'linkClosed', link: id })
  }

  /** The bytes that come next are an image. */
  takeImage(id: number, receiver: () => ImageReceiver, done: () => void): void {
    if (this.#current?.id === id) this.#current.link.takeImage(receiver(), done)
  }

  /** A transaction that came, or `payload` read anew. */
  takeTxn(zxid: bigint, payload: Uint8Array): LoggedTxn {
    for (let next = this.#readable.shift(); next !== undefined; next = this.#readable.shift())
      if (next.header.zxid === zxid) return next
    return readTxn(new Reader(payload))
  }

  /** The term is over: nothing of it is appended any more. */
  forgetTxns(): void {
    this.#readable.clear()
  }

  destroy(): void {
    this.#current?.link.destroy()
  }

  #received(id: number, packet: QuorumPacket, now: number): void {
    const problem = this.#problemOf(packet)
    if (problem === undefined) this.#hooks.step({ kind: 'packet', link: id, packet }, now)
    else if (this.#current?.id === id) this.leave(problem)
  }

  #problemOf({ type, zxid, data }: QuorumPacket): string | undefined {
    if (type !== 'PROPOSAL' && type !== 'INFORM') return undefined
    if (data === null) return `${type} ${formatHex(zxid)} without a transaction`
    try {
      const txn = readTxn(this.#reader.reset(data, 0, data.length))
      if (txn.header.zxid !== zxid) return `${type} ${formatHex(zxid)} with transaction ${formatHex(txn.header.zxid)}`
      this.#readable.push(txn)
      return undefined
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return `this version does not know transaction ${formatHex(zxid)} of its leader: ${error.message}`
    }
  }
}
