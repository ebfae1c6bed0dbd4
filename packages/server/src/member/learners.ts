/**
 * The learners of a member that leads: the port where they come, their links, and what they get when they come, an image or a part of the
 * history. It decides nothing: the machines of zab/ say what each of them gets.
 */
import {
  formatHex,
  MalformedFrameError,
  parseLearnerInfo,
  type QuorumPacket,
  Writer,
  writeQuorumPacket,
} from '@lightkeeper/protocol'
import { RepeatedLines, type Runtime } from '@lightkeeper/runtime'
import type { LearnerView } from '../ensemble-view.ts'
import { imageOf } from '../storage/image-stream.ts'
import type { RecentTxns } from '../storage/recent-txns.ts'
import type { Storage } from '../storage/storage.ts'
import type { LoggedPayload } from '../storage/txn-log.ts'
import type { LearnerLink, LearnerLinkLimits } from '../transport/learner-link.ts'
import { LearnerListener } from '../transport/learner-listener.ts'
import type { PeerProof } from '../transport/member-network.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { HeldZxids } from '../zab/held-zxids.ts'
import type { PeerInput } from '../zab/inputs.ts'
import type { CloseReason, HistoryForm } from '../zab/outputs.ts'
import type { Progress } from '../zab/progress.ts'

/** How much history is passed on in one piece, bytes; then other work has its turn. */
const pieceBytes = 64 * 1024

export interface LearnersOptions {
  /** Where this server listens while it leads, `host:port` each. */
  readonly addresses: readonly string[]
  readonly limits: LearnerLinkLimits
  /** The most znodes of an image between two turns for other work. */
  readonly sliceZnodes: number
  readonly proof: PeerProof | undefined
}

export interface LearnersHooks {
  /** Gives each link a number. */
  nextLink(): number
  /** `now` is of this turn, monotonic milliseconds, where it is known. */
  step(input: PeerInput, now?: number): void
  /** Which transactions the log has. */
  held(): HeldZxids
}

export class Learners {
  readonly #options: LearnersOptions
  readonly #runtime: Runtime
  readonly #storage: Pick<Storage, 'scan'>
  readonly #recent: RecentTxns
  readonly #hooks: LearnersHooks
  readonly #listener: LearnerListener
  readonly #links = new Map<number, LearnerLink>()
  readonly #repeated: RepeatedLines

  constructor(
    options: LearnersOptions,
    runtime: Runtime,
    storage: Pick<Storage, 'scan'>,
    recent: RecentTxns,
    hooks: LearnersHooks,
  ) {
    this.#options = options
    this.#runtime = runtime
    this.#storage = storage
    this.#recent = recent
    this.#hooks = hooks
    this.#repeated = new RepeatedLines(runtime.log, runtime.clock, 'warn')
    this.#listener = new LearnerListener(options.addresses, runtime, options.limits, hooks.nextLink, {
      accepted: (id, link) => {
        this.#links.set(id, link)
        hooks.step({ kind: 'linkAccepted', link: id })
      },
      packet: (id, packet, now) => this.#received(id, packet, now),
      closed: (id, link, why) => this.#closed(id, link, why),
    })
  }

  /** Opens or closes the port. */
  listen(isOpen: boolean): void {
    if (isOpen) this.#listener.open()
    else void this.#listener.close()
  }

  async stop(): Promise<void> {
    for (const link of this.#links.values()) link.destroy()
    this.#links.clear()
    await this.#listener.close()
  }

  /** The link, which owns the sessions of its learner's clients; undefined where it is over. */
  linkOf(id: number): LearnerLink | undefined {
    return this.#links.get(id)
  }

  /** Those that have said who they are. */
  views(all: Iterable<Progress>): LearnerView[] {
    return [...all].flatMap((learner): LearnerView[] => {
      const link = this.#links.get(learner.link)
      const { sid, isObserver, isVoter, state, sentTo } = learner
      if (link === undefined || sid === undefined) return []
      const { remote, establishedAt, queuedPackets, heldBytes: queuedBytes, received, sent, requests } = link
      const ofLink = { remote, establishedAt, queuedPackets, queuedBytes, received, sent, requests }
      return [{ sid, isObserver, isVoter, isUp: state === 'up', ...ofLink, lastZxid: sentTo }]
    })
  }

  send(id: number, packet: QuorumPacket): void {
    this.#links.get(id)?.send(packet)
  }

  close(id: number, why: CloseReason): void {
    const link = this.#forget(id)
    if (link === undefined) return
    if (why.kind !== 'late' && why.kind !== 'term over') this.#say(link, why.text)
    link.close()
  }

  /** For a reason that the machines do not know. */
  drop(id: number, why: string): void {
    const link = this.#forget(id)
    if (link === undefined) return
    this.#say(link, why)
    link.destroy()
    this.#hooks.step({ kind: 'linkClosed', link: id })
  }

  /** `tree` includes everything up to `zxid`. */
  sendImage(id: number, zxid: bigint, tree: DataTree): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    const { log, clock } = this.#runtime
    log('info', 'sending everything to a member, which lacks too much or has what this leader does not', {
      remote: link.remote,
      zxid,
      znodes: tree.nodes.size,
    })
    const pause = (): Promise<void> => new Promise((resolve) => clock.after(0, resolve))
    link.stream(
      (isTaken) => imageOf(tree, zxid, this.#options.sliceZnodes, pause, isTaken),
      () => this.#hooks.step({ kind: 'imageSent', link: id }),
    )
  }

  sendHistory(id: number, after: bigint, upTo: bigint, form: HistoryForm): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    const { before } = this.#recent
    const recent = this.#recent.between(after, upTo)
    if (recent !== undefined) {
      for (const txn of recent) for (const packet of packetsOf(txn, form)) link.send(packet)
      return
    }
    // The cache begins behind a transaction of the log, so nothing is missing between the two.
    const fromDisk = upTo < before ? upTo : before
    const fromMemory = upTo > before ? this.#recent.between(before, upTo) : []
    const from = this.#hooks.held().next(after)
    if (from === undefined || fromMemory === undefined) {
      this.drop(id, `the log does not have ${formatHex(after)} to ${formatHex(upTo)}`)
      return
    }
    link.stream((isTaken) => this.#history({ from, to: fromDisk }, fromMemory, form, isTaken))
  }

  /** Packets of a part of the history, in pieces; after each piece other work has its turn. */
  async *#history(
    onDisk: { readonly from: bigint; readonly to: bigint },
    inMemory: readonly LoggedPayload[],
    form: HistoryForm,
    isTaken: () => boolean,
  ): AsyncGenerator<Uint8Array, undefined> {
    const writer = new Writer(2 * pieceBytes)
    const add = (zxid: bigint, payload: Uint8Array): void => {
      for (const packet of packetsOf({ zxid, payload }, form)) writeQuorumPacket(writer, packet)
    }
    const turn = (): Promise<void> => {
      if (isTaken()) writer.clear()
      else writer.renew(2 * pieceBytes)
      return new Promise((resolve) => this.#runtime.clock.turnEnd(resolve))
    }
    try {
      for await (const _ of this.#storage.scan(onDisk.from, onDisk.to, add)) {
        yield writer.written()
        await turn()
      }
    } catch (error) {
      // The next learner that needs this part gets an image.
      this.#hooks.step({ kind: 'purged', zxid: onDisk.to })
      throw error
    }
    for (const { zxid, payload } of inMemory) {
      add(zxid, payload)
      if (writer.length < pieceBytes) continue
      yield writer.written()
      await turn()
    }
    yield writer.written()
  }

  #received(id: number, packet: QuorumPacket, now: number): void {
    const problem = this.#problemOf(id, packet)
    if (problem === undefined) this.#hooks.step({ kind: 'packet', link: id, packet }, now)
    else this.drop(id, problem)
  }

  /** The certificate of the link must be that of the server that it says it is. */
  #problemOf(id: number, { type, data }: QuorumPacket): string | undefined {
    const { proof } = this.#options
    if (proof === undefined || (type !== 'FOLLOWERINFO' && type !== 'OBSERVERINFO')) return undefined
    const link = this.#links.get(id)
    try {
      return link && proof(link, parseLearnerInfo(data).sid)
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error
      return error.message
    }
  }

  #closed(id: number, link: LearnerLink, why: Error | undefined): void {
    if (this.#forget(id) === undefined) return
    if (why !== undefined) this.#say(link, why.message)
    this.#hooks.step({ kind: 'linkClosed', link: id })
  }

  #say(link: LearnerLink, cause: string): void {
    const host = link.remote.replace(/:\d+$/, '')
    const facts = { remote: link.remote, cause }
    if (!link.isKnown) {
      this.#repeated.tell(host, 'closing a connection to the quorum port: it is not from a member', facts)
      return
    }
    const message = 'the connection to a member is over; it comes back by itself, if it is one'
    this.#repeated.tell(`${host} ${cause}`, message, facts)
  }

  #forget(id: number): LearnerLink | undefined {
    const link = this.#links.get(id)
    if (link === undefined) return undefined
    this.#links.delete(id)
    return link
  }
}

function packetsOf({ zxid, payload }: LoggedPayload, form: HistoryForm): readonly QuorumPacket[] {
  if (form === 'informs') return [{ type: 'INFORM', zxid, data: payload, authinfo: null }]
  return [
    { type: 'PROPOSAL', zxid, data: payload, authinfo: null },
    { type: 'COMMIT', zxid, data: null, authinfo: null },
  ]
}
