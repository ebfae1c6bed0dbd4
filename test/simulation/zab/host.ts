/** A server in the model: the machines, a disk, a tree, and what performs the outputs of the one on the others. */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'
import { zxidEpoch } from '@lightkeeper/protocol'
import type { PeerInput } from '../../../packages/server/src/zab/inputs.ts'
import type { CloseReason, HistoryForm, PeerOutput, Role } from '../../../packages/server/src/zab/outputs.ts'
import { Peer, type PeerOptions } from '../../../packages/server/src/zab/peer.ts'
import type { Disk, Image, Txn } from './disk.ts'
import type { Ensemble } from './ensemble.ts'

export class Host implements PeerOutput {
  readonly sid: number
  readonly disk: Disk
  readonly #ensemble: Ensemble
  readonly #options: PeerOptions
  /** Undefined while the process is dead. */
  peer: Peer | undefined
  /** Grows with each start: what was under way for an earlier start does not arrive. */
  incarnation = 0
  isListening = false
  role: Role | undefined
  epoch = 0
  /** The tree, as the transactions that were applied. */
  tree: readonly Txn[] = []
  lastProposed = 0n
  /** Set while work is queued and nothing has been asked to perform it. */
  readonly #busy = { log: false, epochs: false }
  #wake = 0
  /** Syncs that are not answered, oldest first: what was committed when each was asked. */
  #syncs: bigint[] = []
  /** What the image may hold too early; NEWLEADER must not be acknowledged before it is here. */
  #imageHolds = 0n

  constructor(ensemble: Ensemble, disk: Disk, options: PeerOptions) {
    this.#ensemble = ensemble
    this.sid = options.sid
    this.disk = disk
    this.#options = options
  }

  get isAlive(): boolean {
    return this.peer !== undefined
  }

  start(): void {
    this.incarnation++
    this.#ensemble.note(this.sid, () => 'starts')
    this.loadTree()
    this.disk.written = [...this.disk.log]
    this.#imageHolds = 0n
    this.peer = new Peer(this.#options, this.disk.recover())
    this.#ensemble.checker.restored(this.sid, (this.disk.snapshots.at(-1) as Image).txns)
    this.peer.start(this.#ensemble.events.now, this)
  }

  /** What is committed for certain: the newest snapshot. The log behind it stays outside until a leader has decided about it. */
  loadTree(): void {
    this.tree = (this.disk.snapshots.at(-1) as Image).txns
  }

  /** Runs `then` when the disk of this process has nothing to do. */
  whenQuiet(then: () => void): void {
    const { incarnation } = this
    const look = (): void => {
      if (this.incarnation !== incarnation) return
      if (this.disk.hasWork('log') || this.disk.hasWork('epochs')) this.#ensemble.events.after(1, look)
      else then()
    }
    look()
  }

  /** `chance` says how much of the work that was not durable was done all the same. */
  crash(chance = (bound: number): number => this.#ensemble.random.below(bound)): void {
    if (!this.isAlive) return
    this.#ensemble.note(this.sid, () => 'crashes')
    this.peer = undefined
    this.incarnation++
    this.isListening = false
    this.role = undefined
    this.#syncs = []
    this.#busy.log = this.#busy.epochs = false
    this.#ensemble.network.crashed(this.sid)
    this.disk.crash(chance)
    this.#changed(this.disk.wasCutByCrash ? 'TRUNC' : 'a crash')
  }

  step(input: PeerInput): void {
    if (this.peer === undefined) return
    this.#ensemble.note(this.sid, () => `<- ${show(input)}`)
    this.peer.step(this.#ensemble.events.now, input, this)
  }

  /** Leading: the next transaction of a client. */
  propose(payload: number): boolean {
    if (this.role !== 'leading') return false
    const zxid = this.lastProposed + 1n
    const txn = { zxid, payload, bytes: bytesOf(payload) }
    this.#ensemble.checker.proposed(this.sid, txn, this.tree.length)
    this.lastProposed = zxid
    this.step({ kind: 'propose', zxid, payload: txn.bytes })
    return true
  }

  /** A client of this server asks for a sync. */
  sync(): void {
    if (this.role === undefined) return
    this.#syncs.push(this.#ensemble.checker.committed.at(-1)?.zxid ?? 0n)
    if (this.role === 'leading') this.step({ kind: 'sync', link: undefined })
    else this.step({ kind: 'forward', packet: { type: 'REQUEST', zxid: -1n, data: null, authinfo: null } })
  }

  /** A snapshot of the tree; of nothing that was not applied (ZOOKEEPER-1549). */
  snapshot(withPurge: boolean): void {
    if (this.role === undefined || this.tree.length === 0) return
    this.disk.snapshot(this.imageOfTree())
    if (withPurge) this.step({ kind: 'purged', zxid: this.disk.purge() })
  }

  imageOfTree(): Image {
    return { zxid: this.tree.at(-1)?.zxid ?? 0n, txns: this.tree }
  }

  notify(sid: number, notification: Notification): void {
    this.#ensemble.network.notify(this.sid, sid, notification)
  }

  listen(isOpen: boolean): void {
    this.isListening = isOpen
  }

  dial(sid: number, attempt: number): void {
    this.#ensemble.network.dial(this.sid, sid, attempt)
  }

  send(link: number, packet: QuorumPacket): void {
    this.#ensemble.note(this.sid, () => `-> ${link} ${packet.type} ${packet.zxid.toString(16)}`)
    this.#checkWord(link, packet)
    this.#ensemble.network.send(this.sid, link, { kind: 'packet', packet })
  }

  close(link: number, why: CloseReason): void {
    this.#ensemble.note(this.sid, () => `closes ${link}: ${why.kind}, ${why.text}`)
    if (why.kind === 'illegal') this.#ensemble.checker.fail('MessageLegal', `server ${this.sid}: ${why.text}`)
    this.#ensemble.network.close(this.sid, link)
  }

  saveEpochs(accepted: number, current: number): void {
    this.disk.saveEpochs(accepted, current, () => this.step({ kind: 'epochsSaved' }))
    this.#work('epochs')
  }

  append(zxid: bigint, payload: Uint8Array): void {
    const txn = { zxid, payload: payloadOf(payload), bytes: payload }
    this.disk.append(txn, () => {
      this.#changed('append')
      this.step({ kind: 'durable', zxid })
    })
    this.#work('log')
  }

  truncate(zxid: bigint): void {
    if (this.#ensemble.refusesCut()) {
      this.disk.refuseTruncate(() => this.step({ kind: 'notTruncated' }))
      this.#work('log')
      return
    }
    this.disk.truncate(zxid, () => {
      this.#changed('TRUNC')
      this.step({ kind: 'truncated', zxid })
    })
    this.#work('log')
  }

  receiveImage(link: number): void {
    this.#ensemble.network.awaitImage(this.sid, link)
  }

  /** The image has come whole. `mayHold`: the newest transaction with an effect in it. */
  imageReceived(link: number, image: Image, mayHold: bigint): void {
    this.disk.stage(image)
    if (this.disk.bugs.installsEarly) this.#changed('SNAP')
    this.#imageHolds = mayHold
    this.step({ kind: 'imageReceived', link, zxid: image.zxid })
  }

  discardImage(): void {
    this.disk.discard()
    this.#imageHolds = 0n
  }

  install(): void {
    this.disk.install(() => {
      this.#changed('SNAP')
      this.tree = (this.disk.snapshots.at(-1) as Image).txns
      this.#ensemble.checker.restored(this.sid, this.tree)
      this.step({ kind: 'installed' })
    })
    this.#work('log')
  }

  sendImage(link: number, zxid: bigint): void {
    const txns = this.tree.filter((txn) => txn.zxid <= zxid)
    this.#ensemble.network.sendImage(this.sid, link, { zxid, txns })
  }

  sendHistory(link: number, after: bigint, upTo: bigint, form: HistoryForm): void {
    const txns = this.disk.read(after, upTo)
    if (txns === undefined) {
      this.#ensemble.network.close(this.sid, link)
      this.#ensemble.events.after(0, () => this.step({ kind: 'linkClosed', link }))
      return
    }
    for (const { zxid, bytes } of txns) {
      const packet: QuorumPacket = { type: form === 'pairs' ? 'PROPOSAL' : 'INFORM', zxid, data: bytes, authinfo: null }
      this.#ensemble.network.send(this.sid, link, { kind: 'packet', packet })
      if (form === 'informs') continue
      const commit: QuorumPacket = { type: 'COMMIT', zxid, data: null, authinfo: null }
      this.#ensemble.network.send(this.sid, link, { kind: 'packet', packet: commit })
    }
  }

  commit(zxid: bigint): void {
    const { checker } = this.#ensemble
    const at = this.tree.at(-1)?.zxid ?? 0n
    const more = this.disk.written.filter((txn) => txn.zxid > at && txn.zxid <= zxid)
    checker.word(more.at(-1)?.zxid === zxid, `server ${this.sid} is to apply 0x${zxid.toString(16)}, and has it not`)
    for (const [i, txn] of more.entries()) {
      const isDurable = this.disk.log.includes(txn)
      checker.word(isDurable, `server ${this.sid} applies 0x${txn.zxid.toString(16)}, which is not on its disk`)
      checker.applied(this.sid, this.tree.length + i, txn)
    }
    this.tree = [...this.tree, ...more]
    const { incarnation } = this
    this.#ensemble.events.after(0, () => {
      if (this.incarnation === incarnation) this.step({ kind: 'applied', zxid })
    })
  }

  answerPing(link: number, zxid: bigint): void {
    this.send(link, { type: 'PING', zxid, data: new Uint8Array(0), authinfo: null })
  }

  fromLearner(link: number, _sid: number, { type }: QuorumPacket): void {
    const { incarnation } = this
    if (type !== 'REQUEST') return
    this.#ensemble.events.after(0, () => {
      if (this.incarnation === incarnation) this.step({ kind: 'sync', link })
    })
  }

  /** Reads behind it wait for what this server knows to be committed. */
  synced(): void {
    const asked = this.#syncs.shift()
    const { checker } = this.#ensemble
    if (asked !== undefined) checker.synced(this.sid, asked, (this.peer as Peer).history.committed)
  }

  fromLeader({ type }: QuorumPacket): void {
    if (type === 'SYNC') this.synced()
  }

  serve(role: Role, epoch: number): void {
    this.#ensemble.note(this.sid, () => `serves ${role} in epoch ${epoch}`)
    this.role = role
    this.epoch = epoch
    if (role !== 'leading') return
    this.lastProposed = BigInt(epoch) << 32n
    this.#ensemble.established(this)
  }

  stopServing(why: string): void {
    this.#ensemble.note(this.sid, () => `stops: ${why}`)
    this.role = undefined
    this.#syncs = []
  }

  wakeAt(time: number): void {
    const wake = ++this.#wake
    const { incarnation } = this
    this.#ensemble.events.at(time, () => {
      if (this.#wake === wake && this.incarnation === incarnation) this.step({ kind: 'timePassed' })
    })
  }

  /** Goes on with work that was held. */
  work(): void {
    this.#work('log')
    this.#work('epochs')
  }

  /** Performs queued work one after the other, each after a while. */
  #work(queue: 'log' | 'epochs'): void {
    if (this.#busy[queue] || !this.disk.hasWork(queue)) return
    if (this.#ensemble.held.has(`${queue} ${this.sid}`)) return
    this.#busy[queue] = true
    const { incarnation } = this
    this.#ensemble.events.after(this.#ensemble.diskDelay(this.sid), () => {
      if (this.incarnation !== incarnation) return
      this.#busy[queue] = false
      if (this.#ensemble.held.has(`${queue} ${this.sid}`)) return
      if (this.#ensemble.diskFails(this.sid)) {
        this.step({ kind: 'logFailed' })
        return
      }
      this.disk.perform(queue)
      if (this.incarnation === incarnation) this.#work(queue)
    })
  }

  #changed(why: string): void {
    this.#ensemble.checker.disk(this.sid, this.disk.history, why)
  }

  /** What a packet claims has to be true of the disk at the moment it leaves. */
  #checkWord(link: number, { type, zxid, data }: QuorumPacket): void {
    const { checker, network } = this.#ensemble
    const { disk, sid } = this
    switch (type) {
      case 'LEADERINFO':
        checker.word(disk.accepted >= zxidEpoch(zxid), `server ${sid} sends LEADERINFO before its epoch is durable`)
        return
      case 'ACKEPOCH': {
        const { learner } = this.peer as Peer
        const epoch = learner?.epoch ?? 0
        // -1 promises nothing: the promise was another leader's, or this server lost something.
        if (data?.[0] === 0xff) return
        checker.word(disk.accepted >= epoch, `server ${sid} sends ACKEPOCH before its promise is durable`)
        checker.promised(sid, epoch, network.otherEnd(link, sid))
        return
      }
      case 'ACK':
        this.#checkAck(zxid)
        return
      default:
    }
  }

  #checkAck(zxid: bigint): void {
    const { checker } = this.#ensemble
    const { disk, sid } = this
    if ((zxid & 0xffff_ffffn) !== 0n) {
      const isDurable = disk.log.some((txn) => txn.zxid === zxid) || disk.snapshots.some((each) => each.zxid >= zxid)
      checker.word(isDurable, `server ${sid} acknowledges 0x${zxid.toString(16)} before it is durable`)
      return
    }
    checker.word(!disk.hasWork('log'), `server ${sid} acknowledges NEWLEADER before its history is durable`)
    checker.word(disk.current === zxidEpoch(zxid), `server ${sid} acknowledges NEWLEADER before its epoch is durable`)
    const last = disk.history.at(-1)?.zxid ?? 0n
    checker.word(last >= this.#imageHolds, `server ${sid} acknowledges NEWLEADER without what its image half holds`)
  }
}

function show(input: PeerInput): string {
  return Object.entries(input)
    .map(([key, value]) => {
      if (key === 'packet') return `${(value as QuorumPacket).type} ${(value as QuorumPacket).zxid.toString(16)}`
      if (key === 'payload') return ''
      if (key === 'notification') {
        const { state, leader, zxid, round, peerEpoch } = value as Notification
        return `${state} ${leader} ${zxid.toString(16)} round ${round} epoch ${peerEpoch}`
      }
      return typeof value === 'bigint' ? value.toString(16) : String(value)
    })
    .join(' ')
}

export function bytesOf(payload: number): Uint8Array {
  return Uint8Array.of(payload >>> 24, payload >>> 16, payload >>> 8, payload)
}

function payloadOf(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
