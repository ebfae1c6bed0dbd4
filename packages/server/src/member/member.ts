/**
 * The driver of a member: feeds the machines of zab/ with what happens, and performs their requests on links, log, files and terms. It
 * decides nothing about elections or histories.
 */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'
import { Deque, type Runtime, type Timer } from '@lightkeeper/runtime'
import type { EnsembleView } from '../ensemble-view.ts'
import type { ReplicaHooks } from '../replica.ts'
import type { Service, ServiceHouse } from '../service.ts'
import { Touches } from '../session/touches.ts'
import { TruncationRefused } from '../storage/base.ts'
import { SnapshotDamage } from '../storage/image.ts'
import { RecentTxns } from '../storage/recent-txns.ts'
import type { Storage } from '../storage/storage.ts'
import { ElectionLinks } from '../transport/election-links.ts'
import type { ImageReceiver } from '../transport/leader-link.ts'
import type { MemberPorts } from '../transport/member-network.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { PeerInput } from '../zab/inputs.ts'
import type { CloseReason, HistoryForm, PeerOutput, Role } from '../zab/outputs.ts'
import { Peer } from '../zab/peer.ts'
import { Backlog } from './backlog.ts'
import { writeConfigNode } from './config-node.ts'
import type { MemberDirectory } from './directory.ts'
import { LeaderConnection } from './leader-connection.ts'
import { LeaderReplica } from './leader-replica.ts'
import { LearnerReplica } from './learner-replica.ts'
import { Learners } from './learners.ts'
import { LookingService } from './looking-service.ts'
import { MemberDisk } from './member-disk.ts'
import type { MemberReplica } from './member-replica.ts'
import type { Neighbours } from './neighbours.ts'
import { PeerWatch } from './peer-watch.ts'

/** A packet may have a transaction of `jute.maxbuffer` and what stands around its data, bytes. */
const packetOverheadBytes = 1 << 20
/** How much may wait for one learner, bytes. */
const learnerBudgetBytes = 256 << 20

export class Member implements Service, PeerOutput {
  readonly #house: ServiceHouse
  readonly #runtime: Runtime
  readonly #storage: Storage
  readonly #directory: MemberDirectory
  readonly #neighbours: Neighbours
  readonly #ports: MemberPorts
  readonly #peer: Peer
  readonly #disk: MemberDisk
  readonly #backlog: Backlog
  readonly #election: ElectionLinks
  readonly #touches = new Touches()
  readonly #watch: PeerWatch
  readonly #looking: LookingService
  /** Inputs that came while the machines took another one. */
  readonly #inputs = new Deque<PeerInput>()
  #isStepping = false
  /** Those who follow this server while it leads. */
  readonly #learners: Learners
  readonly #recent: RecentTxns
  readonly #leader: LeaderConnection
  #links = 0
  #replica: MemberReplica | undefined
  /** The same while this server leads. */
  #leading: LeaderReplica | undefined
  /** The last zxid that is durable and committed. */
  #committed = 0n
  /** The replica gets to know it at the end of the turn. */
  #isCommitDue = false
  /** An exact snapshot is due, since the history has been replaced. */
  #wantsSnapshot = false
  #timer: Timer | undefined
  #isStopped = false

  constructor(
    house: ServiceHouse,
    storage: Storage,
    directory: MemberDirectory,
    neighbours: Neighbours,
    ports: MemberPorts,
  ) {
    const { runtime, config, stats } = house
    const { clock } = runtime
    const { proof, logins, quorumRuntime } = ports
    this.#house = house
    this.#runtime = runtime
    this.#storage = storage
    this.#directory = directory
    this.#neighbours = neighbours
    this.#ports = ports
    this.#watch = new PeerWatch(neighbours, runtime)
    const { tree, lastZxid, damage } = storage.recovered
    const broken = (error: Error): void => this.#broken(error)
    this.#backlog = new Backlog(tree, damage === undefined ? lastZxid : 0n, clock, {
      applied: (zxid) => {
        storage.replayed(zxid)
        this.#step({ kind: 'applied', zxid })
      },
      differs: (zxid) => {
        // Without digests a term keeps none of its own.
        if (!config.digestEnabled) return
        stats.digestMismatches++
        runtime.log('error', 'the tree differs from that of the leader: its digest is another one', { zxid })
      },
      broken,
    })
    this.#disk = new MemberDisk(runtime, storage, directory.epochs, stats, config.forceSync, {
      report: (input) => this.#step(input),
      replaced: (tree, zxid, rest) => {
        this.#backlog.replace(tree, zxid, rest)
        this.#recent.restart(rest.at(-1)?.header.zxid ?? zxid)
        this.#wantsSnapshot = true
      },
      uncut: (error) => {
        const message = 'the log cannot be cut as the leader asks: this member gets everything from its leader'
        runtime.log('error', message, { cause: error.message })
      },
      failed: (error) => {
        const facts = { directory: storage.logDirectory, cause: error.message }
        if (error instanceof SnapshotDamage || error instanceof TruncationRefused) {
          const message =
            'WHAT THE LEADER SENT CANNOT BE USED: this member leaves the ensemble; see to the leader and restart'
          runtime.log('error', message, facts)
          house.failed(new Error(`what the leader sent cannot be used: ${error.message}`, { cause: error }))
          return
        }
        runtime.log(
          'error',
          'THE DISK OF THIS MEMBER FAILED: it leaves the ensemble; see to the disk and restart',
          facts,
        )
        house.failed(new Error(`the disk failed below ${storage.logDirectory}: ${error.message}`, { cause: error }))
      },
    })
    this.#election = new ElectionLinks(
      { ...neighbours.election, proof, logins },
      ports.runtime,
      (from, notification) => {
        this.#watch.heard(from, notification)
        this.#step({ kind: 'notification', from, notification })
      },
    )
    this.#looking = new LookingService(
      house,
      this.#backlog,
      () => this.#watch.ensemble,
      () => !this.#peer.history.isIncomplete,
    )
    const { sid, membership, times } = neighbours
    this.#peer = new Peer({ sid, membership, times }, directory.recovered)
    this.#recent = new RecentTxns(this.#peer.history.held.last)
    let packetBytesMost = 0
    // It may be raised while this server runs. Where it is lowered, larger transactions are in the log, and a member may lack them.
    const packetBytesMax = (): number => {
      packetBytesMost = Math.max(packetBytesMost, config.juteMaxbuffer + packetOverheadBytes)
      return packetBytesMost
    }
    const ofLinks = { nextLink: () => ++this.#links, step: (input: PeerInput, now?: number) => this.#step(input, now) }
    this.#leader = new LeaderConnection(quorumRuntime, neighbours, this.#watch, packetBytesMax, ofLinks)
    const limits = {
      get packetBytesMax() {
        return packetBytesMax()
      },
      budgetBytes: learnerBudgetBytes,
      stallMs: times.initLimit * times.tickMs,
    }
    const sliceZnodes = config.snapshotSliceZnodes
    const options = { addresses: neighbours.quorumListenAddresses, limits, sliceZnodes, proof }
    this.#learners = new Learners(options, quorumRuntime, storage, this.#recent, {
      ...ofLinks,
      held: () => this.#peer.history.held,
    })
  }

  // -- service --------------------------------------------------------------------------------------------------------

  get lastZxid(): bigint {
    return this.#replica?.lastZxid ?? this.#backlog.zxid
  }

  get outstanding(): number {
    return this.#replica?.desk.outstanding ?? 0
  }

  readonly logFailure = undefined

  async start(): Promise<void> {
    this.#ports.start()
    await this.#election.listen()
    this.#runtime.log('info', 'this server is a member of an ensemble and looks for a leader', this.#watch.facts)
    this.#house.stats.elections++
    this.#looking.begin()
    const now = this.#runtime.clock.now()
    this.#guarded(now, () => this.#peer.start(now, this))
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#timer?.cancel()
    this.#watch.stop()
    this.#looking.end()
    this.#endTerm()
    this.#leader.destroy()
    this.#disk.stop()
    this.#ports.stop()
    await Promise.all([this.#election.close(), this.#learners.stop()])
  }

  async restore(): Promise<bigint> {
    throw new Error(
      'a member of an ensemble has the data of its leader: stop all members, and give each of them the same backup',
    )
  }

  // -- inputs ---------------------------------------------------------------------------------------------------------

  /** Inputs are taken one after the other: performing a request may bring the next one. `now` is of this turn, monotonic milliseconds. */
  #step(input: PeerInput, now = this.#runtime.clock.now()): void {
    if (this.#isStepping) this.#inputs.push(input)
    else if (!this.#isStopped) this.#guarded(now, input)
  }

  /** Takes an input, or begins with something else, and then takes what that has brought. */
  #guarded(now: number, first: PeerInput | (() => void)): void {
    this.#isStepping = true
    try {
      if (typeof first === 'function') first()
      else this.#peer.step(now, first, this)
      for (let next = this.#inputs.shift(); next !== undefined && !this.#isStopped; next = this.#inputs.shift())
        this.#peer.step(now, next, this)
    } catch (error) {
      this.#broken(error as Error)
    } finally {
      this.#isStepping = false
    }
  }

  #broken(error: Error): void {
    if (this.#isStopped) return
    this.#runtime.log('error', error.message, { cause: String(error.cause ?? error.stack) })
    this.#house.failed(error)
  }

  // -- links ----------------------------------------------------------------------------------------------------------

  notify(sid: number, notification: Notification): void {
    this.#election.send(sid, notification)
  }

  listen(isOpen: boolean): void {
    this.#looking.end()
    if (isOpen) this.#watch.leading()
    this.#learners.listen(isOpen)
  }

  dial(sid: number, attempt: number): void {
    this.#looking.end()
    this.#leader.dial(sid, attempt)
  }

  send(link: number, packet: QuorumPacket): void {
    if (this.#leader.send(link, packet)) return
    if (packet.type === 'DIFF') this.#house.stats.led.diffs++
    this.#learners.send(link, packet)
  }

  close(link: number, why: CloseReason): void {
    if (!this.#leader.close(link, why)) this.#learners.close(link, why)
  }

  receiveImage(link: number, zxid: bigint): void {
    const receiver = (): ImageReceiver => {
      const message = 'the leader sends everything: this member lacks too much, or has what the leader does not'
      this.#runtime.log('info', message, { zxid })
      // Each piece of an image is a sign of life: a large one takes longer than the silence that is allowed.
      return this.#disk.receive(zxid, () => this.#step({ kind: 'imageGrew', link }))
    }
    this.#leader.takeImage(link, receiver, () => this.#step({ kind: 'imageReceived', link, zxid }))
  }

  answerPing(link: number, zxid: bigint): void {
    this.send(link, { type: 'PING', zxid, data: this.#touches.take(), authinfo: null })
  }

  fromLeader(packet: QuorumPacket): void {
    const problem = this.#replica?.answered(packet)
    if (problem !== undefined) this.#leader.leave(problem)
  }

  // -- disk -----------------------------------------------------------------------------------------------------------

  saveEpochs(accepted: number, current: number): void {
    this.#disk.saveEpochs(accepted, current)
  }

  append(zxid: bigint, payload: Uint8Array): void {
    if (this.#leading !== undefined) {
      this.#disk.history.appendEncoded(zxid, payload)
      this.#recent.add(zxid, payload, this.#disk.history.durableZxid)
      this.#leading.logged(zxid)
      return
    }
    const txn = this.#leader.takeTxn(zxid, payload)
    const isReplacing = this.#disk.isReplacing
    this.#disk.append(zxid, payload, txn)
    if (isReplacing) return
    // A server without a vote never leads.
    if (this.#neighbours.hasVote) this.#recent.add(zxid, payload, this.#disk.history.durableZxid)
    if (this.#replica === undefined) this.#backlog.add(txn)
    else this.#replica.learn(txn)
  }

  truncate(zxid: bigint): void {
    this.#runtime.log('warn', 'the leader does not have the last transactions of this server: they are removed', {
      to: zxid,
    })
    this.#disk.truncate(zxid, this.#peer.history.seen)
  }

  discardImage(): void {
    this.#disk.discard()
  }

  install(): void {
    this.#disk.install()
  }

  /** COMMITs of one turn are applied together at its end: what a step of the pipeline costs is paid once for all of them. */
  commit(zxid: bigint): void {
    this.#committed = zxid
    if (this.#replica === undefined) {
      this.#backlog.commit(zxid)
      return
    }
    if (this.#isCommitDue) return
    this.#isCommitDue = true
    this.#runtime.clock.turnEnd(this.#applyCommitted)
    // Behind it, so that the replies leave in this turn too.
    this.#house.turn.askForEnd()
  }

  readonly #applyCommitted = (): void => {
    this.#isCommitDue = false
    // A term that has ended since gave everything back.
    if (!this.#isStopped) this.#replica?.commit(this.#committed)
  }

  // -- terms ----------------------------------------------------------------------------------------------------------

  serve(role: Role, epoch: number): void {
    const rest = this.#backlog.lend()
    const { tree, zxid } = this.#backlog
    this.#directory.joined().catch((error: Error) => this.#sayNotRemoved(error))
    writeConfigNode(tree, this.#neighbours.membership, this.#runtime.clock.wall())
    const start = { tree, lastZxid: zxid, history: this.#disk.history, ensemble: this.#watch.ensemble }
    const replica = role === 'leading' ? this.#lead(start, epoch) : this.#learn(start, role)
    this.#replica = replica
    for (const txn of rest) replica.learn(txn)
    replica.commit(this.#committed)
    if (role !== 'leading' || this.#house.config.leaderServes) this.#house.clients.serve(replica)
    this.#watch.serves(role, epoch, zxid)
    this.#leading?.start()
    if (!this.#wantsSnapshot) return
    this.#wantsSnapshot = false
    this.#storage.snapshot().catch((error: Error) => {
      if (this.#isStopped) return
      const message =
        'a snapshot could not be written; the log keeps everything, and the next one is tried later; see to the disk'
      this.#runtime.log('error', message, { cause: error.message })
    })
  }

  #learn(start: TermStart, role: Role): LearnerReplica {
    const own = { role: role === 'observing' ? 'observer' : 'follower', touches: this.#touches } as const
    const committedZxid = (): bigint => this.#peer.history.committed
    return new LearnerReplica(
      this.#house,
      { ...start, ...own, committedZxid },
      { ...this.#replicaHooks, send: (packet) => this.#step({ kind: 'forward', packet }) },
    )
  }

  #lead(start: TermStart, epoch: number): LeaderReplica {
    this.#leading = new LeaderReplica(
      this.#house,
      { ...start, epoch },
      {
        ...this.#replicaHooks,
        propose: (zxid, payload) => this.#step({ kind: 'propose', zxid, payload }),
        sync: (link) => this.#step({ kind: 'sync', link }),
        answer: (link, packet) => this.#step({ kind: 'answer', link, packet }),
        learners: () => {
          const leader = this.#peer.leader
          const learners = this.#learners.views(leader?.learners.values() ?? [])
          return { learners, pendingSyncs: leader?.broadcast.pendingSyncs ?? 0 }
        },
      },
    )
    return this.#leading
  }

  get #replicaHooks(): ReplicaHooks {
    return {
      applied: (zxid) => {
        this.#storage.applied(zxid)
        this.#step({ kind: 'applied', zxid })
      },
      isBehind: () => this.#house.clients.isBehind,
      failed: (error) => this.#house.failed(error),
    }
  }

  #sayNotRemoved(error: Error): void {
    const message =
      'the file "initialize" cannot be removed; remove it, or a later server with an empty disk would vote at once'
    this.#runtime.log('warn', message, { cause: error.message })
  }

  stopServing(why: string): void {
    this.#watch.lost(why)
    this.#endTerm()
    this.#house.stats.elections++
    this.#looking.begin()
  }

  #endTerm(): void {
    this.#leader.forgetTxns()
    const replica = this.#replica
    if (replica === undefined) return
    this.#replica = undefined
    this.#leading = undefined
    this.#house.clients.serve(undefined)
    const rest = replica.stop()
    this.#backlog.takeBack(replica.lastZxid, rest, this.#committed)
    // A touch is for the leader that heard it; clients that come back are touched anew.
    this.#touches.take()
  }

  wakeAt(time: number): void {
    const { clock } = this.#runtime
    this.#timer?.cancel()
    this.#timer = clock.after(Math.max(0, time - clock.now()), () => {
      // Packets that wait come first: a pause of this process must not look like the silence of others.
      clock.turnEnd(() => this.#step({ kind: 'timePassed' }))
    })
  }

  // -- leading --------------------------------------------------------------------------------------------------------

  sendImage(link: number, zxid: bigint): void {
    this.#house.stats.led.snaps++
    this.#learners.sendImage(link, zxid, this.#backlog.tree)
  }

  sendHistory(link: number, after: bigint, upTo: bigint, form: HistoryForm): void {
    this.#learners.sendHistory(link, after, upTo, form)
  }

  fromLearner(link: number, _sid: number, packet: QuorumPacket): void {
    const owner = this.#learners.linkOf(link)
    if (owner === undefined) return
    const problem = this.#leading?.fromLearner(owner, link, packet)
    if (problem !== undefined) this.#learners.drop(link, problem)
  }

  synced(): void {
    this.#leading?.synced()
  }
}

interface TermStart {
  readonly tree: DataTree
  readonly lastZxid: bigint
  readonly history: { readonly durableZxid: bigint }
  readonly ensemble: EnsembleView
}
