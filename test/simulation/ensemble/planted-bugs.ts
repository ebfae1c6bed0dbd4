/**
 * Bugs that a member could have outside of the machines of zab/, to see that the stories find them. Each is planted by hand and taken
 * out again; test/simulation/zab/planted-bugs.ts has those of the machines.
 */
import { keeperCodes, opCode } from '@lightkeeper/protocol'
import type { Disk } from '@lightkeeper/runtime'
import type { World } from '@lightkeeper/testing/sim'
import { LearnerReplica } from '../../../packages/server/src/member/learner-replica.ts'
import type { Caller } from '../../../packages/server/src/pipeline/caller.ts'
import { Desk } from '../../../packages/server/src/pipeline/desk.ts'
import { type Answering, Forwarding } from '../../../packages/server/src/pipeline/forwarding.ts'
import { Leading } from '../../../packages/server/src/pipeline/leading.ts'
import { Primary } from '../../../packages/server/src/pipeline/primary.ts'
import { Ticket } from '../../../packages/server/src/pipeline/reply-queue.ts'
import { SessionExpiry } from '../../../packages/server/src/session/expiry.ts'
import type { Session } from '../../../packages/server/src/session/session.ts'
import { Touches } from '../../../packages/server/src/session/touches.ts'
import { EpochFiles } from '../../../packages/server/src/storage/epoch-files.ts'
import { FileTxnLog } from '../../../packages/server/src/storage/file-txn-log.ts'
import { RecentTxns } from '../../../packages/server/src/storage/recent-txns.ts'
import { Watches } from '../../../packages/server/src/watch/watches.ts'
import { Learner } from '../../../packages/server/src/zab/learner.ts'
import { Peer } from '../../../packages/server/src/zab/peer.ts'
import type { EnsemblePlan } from './story.ts'

export interface PlantedBug {
  readonly name: string
  /** What the story says when it finds it: the checks that may find it, as they come by chance. */
  readonly finds: RegExp
  /** A story that finds it soon, if the program has not changed much since. */
  readonly seed: number
  /** One story finds it, and takes less than a second. */
  readonly isQuick?: boolean
  readonly plan?: Partial<EnsemblePlan>
  /** Changes the program; returns what changes it back. */
  readonly plant?: () => () => void
}

// oxlint-disable-next-line typescript/no-explicit-any -- any method of any class
type Method = (...args: any[]) => any

/** Puts `make(original)` in the place of a method. */
function replace(target: object, method: string, make: (original: Method) => unknown): () => void {
  const methods = target as Record<string, unknown>
  const original = methods[method]
  methods[method] = make(original as Method)
  return () => {
    methods[method] = original
  }
}

const hosts = ['s1', 's2', 's3', 's4', 's5', 's6']

function eachDisk(change: (faults: ReturnType<World['disk']>['faults']) => void): (world: World) => void {
  return (world) => {
    for (const host of hosts) change(world.disk(host).faults)
  }
}

/** Every process of a member gets a disk with some operations changed. */
function withDisk(change: (disk: Disk) => Partial<Disk>): (world: World) => void {
  return (world) => {
    const original = world.runtime.bind(world)
    world.runtime = (host, trace) => {
      const runtime = original(host, trace)
      return hosts.includes(host) ? { ...runtime, disk: { ...runtime.disk, ...change(runtime.disk) } } : runtime
    }
  }
}

/** The request that a follower forwarded while no other one waited. */
const oldest = new WeakMap<Forwarding, { readonly session: bigint; readonly xid: number }>()
/** The sessions of a follower's clients, each with the number of the last request that it sent there. */
const heardAt = new WeakMap<Forwarding, { count: number; readonly sessions: Map<Session, number> }>()
const nobody = { isOpen: false, identities: [], replies: { isNext: () => true }, hangUp() {}, answerLater() {} }

const lostWrite =
  /it may be|zxid .* was that of|differs from s1|a member complains|reply of its own write|before the sync|damaged/
const lostSession = /lost its session|is gone, and its session lives/
const stuck = /writes nothing|does not serve|served only|nothing came within/

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a sync of a file does nothing',
    finds: lostWrite,
    seed: 1,
    plan: { prepare: eachDisk((faults) => void (faults.liesAboutSync = 'all')) },
  },
  {
    name: 'a sync of a directory does nothing',
    finds: /it may be|does not start|differs|a member complains|damaged/,
    seed: 6,
    plan: { prepare: eachDisk((faults) => void (faults.liesAboutDirectories = true)) },
  },
  {
    name: 'transactions are acknowledged before they are durable',
    finds: lostWrite,
    seed: 14,
    plant: () => {
      const last = new WeakMap<FileTxnLog, bigint>()
      const flushing = new WeakMap<FileTxnLog, Promise<void>>()
      const undos = [
        replace(
          FileTxnLog.prototype,
          'append',
          (original) =>
            function (this: FileTxnLog, ...args: Parameters<FileTxnLog['append']>) {
              last.set(this, args[0])
              original.apply(this, args)
            },
        ),
        replace(
          FileTxnLog.prototype,
          'restart',
          (original) =>
            function (this: FileTxnLog, zxid: bigint) {
              last.set(this, zxid)
              return original.call(this, zxid)
            },
        ),
        replace(
          FileTxnLog.prototype,
          'flush',
          (original) =>
            function (this: FileTxnLog, done: (error?: Error) => void) {
              const running = flushing.get(this) ?? Promise.resolve()
              const begin = (): Promise<void> => new Promise((resolve) => original.call(this, () => resolve()))
              flushing.set(this, running.then(begin))
              Object.defineProperty(this, 'durableZxid', { get: () => last.get(this), set() {}, configurable: true })
              done()
            },
        ),
      ]
      return () => {
        for (const undo of undos) undo()
      }
    },
  },
  {
    name: 'TRUNC cuts one transaction too many',
    finds: /damaged|does not start|differs|it may be|a member complains/,
    seed: 1,
    plant: () =>
      replace(
        FileTxnLog.prototype,
        'truncate',
        (original) =>
          async function (this: FileTxnLog, zxid: bigint) {
            await original.call(this, (zxid & 0xffff_ffffn) > 1n ? zxid - 1n : zxid)
            this.durableZxid = zxid
          },
      ),
  },
  {
    name: 'SNAP leaves the old files',
    finds: /damaged|does not start|differs|it may be|a member complains/,
    seed: 1,
    plan: {
      prepare: withDisk((disk) => ({
        rename: (from, to) => (to.includes('/replaced.') ? Promise.resolve() : disk.rename(from, to)),
      })),
    },
  },
  {
    name: 'SNAP is not finished by the next start',
    finds: /damaged|does not start|differs|it may be|a member complains/,
    seed: 1,
    plan: {
      prepare: withDisk((disk) => ({
        list: async (path) => (await disk.list(path)).filter((name) => name !== 'installing'),
      })),
    },
  },
  {
    name: 'acceptedEpoch is not saved',
    finds: lostWrite,
    seed: 1,
    plant: () =>
      replace(
        EpochFiles.prototype,
        'save',
        (original) =>
          function (this: EpochFiles, accepted: number, current: number) {
            return original.call(this, current > this.current ? accepted : this.accepted, current)
          },
      ),
  },
  {
    name: 'the transactions in memory have a hole',
    // At the end of an epoch only the digest shows it.
    finds: /writes nothing|does not serve|served only|nothing came within|a member complains: .*DIFFERS/,
    seed: 1,
    plant: () =>
      replace(
        RecentTxns.prototype,
        'between',
        (original) =>
          function (this: RecentTxns, ...args: Parameters<RecentTxns['between']>) {
            return original.apply(this, args)?.filter((_txn: unknown, i: number) => i !== 1)
          },
      ),
  },
  {
    name: 'a follower serves without waiting for UPTODATE',
    finds: /it may be|does not serve|served only|a member complains|differs|before the sync/,
    seed: 1,
    plant: () => {
      const packet = replace(
        Learner.prototype,
        'packet',
        (original) =>
          function (this: Learner, ...args: Parameters<Learner['packet']>) {
            if (args[1].type !== 'UPTODATE' || this.state === 'waiting') original.apply(this, args)
          },
      )
      const advance = replace(
        Learner.prototype,
        'advance',
        (original) =>
          function (this: Learner, ...args: Parameters<Learner['advance']>) {
            original.apply(this, args)
            if (this.state !== 'waiting') return
            this.packet(args[0], { type: 'UPTODATE', zxid: -1n, data: null, authinfo: null }, args[1])
          },
      )
      return () => {
        packet()
        advance()
      }
    },
  },
  {
    name: 'a leader replies before a quorum has the write',
    finds: lostWrite,
    seed: 22,
    plant: () =>
      replace(
        Peer.prototype,
        'step',
        (original) =>
          function (this: Peer, ...args: Parameters<Peer['step']>) {
            original.apply(this, args)
            const [, input, out] = args
            if (input.kind === 'durable' && this.leader?.isServing) out.commit(input.zxid)
          },
      ),
  },
  {
    name: 'a follower takes the transaction of another one for the answer to its request',
    finds: /zxid .* was that of|given out twice|writes nothing|it may be|version|own write/,
    seed: 1,
    isQuick: true,
    plan: { clients: 4 },
    plant: () => {
      const write = replace(
        Forwarding.prototype,
        'write',
        (original) =>
          function (this: Forwarding, ...args: Parameters<Forwarding['write']>) {
            if (this.outstanding === 0) oldest.set(this, { session: args[1].id, xid: args[0].xid })
            original.apply(this, args)
          },
      )
      const proposed = replace(
        Forwarding.prototype,
        'proposed',
        (original) =>
          function (this: Forwarding, entry: Answering) {
            const asked = oldest.get(this)
            oldest.delete(this)
            const { header } = entry
            original.call(this, {
              header: asked === undefined ? header : { ...header, clientId: asked.session, cxid: asked.xid },
              txn: entry.txn,
              get ticket() {
                return entry.ticket
              },
              set ticket(ticket) {
                entry.ticket = ticket
              },
            })
          },
      )
      return () => {
        write()
        proposed()
      }
    },
  },
  {
    name: 'a follower answers a sync at once',
    finds: /before the sync/,
    seed: 4,
    isQuick: true,
    plant: () =>
      replace(Forwarding.prototype, 'sync', () => (ticket: Ticket<Caller>) => {
        ticket.verdict = 0
      }),
  },
  {
    name: 'a leader answers a sync without asking the others',
    finds: /before the sync/,
    seed: 1,
    plant: () =>
      replace(
        Leading.prototype,
        'sync',
        (original) =>
          function (this: Leading, ticket: Ticket<Caller>) {
            original.call(this, ticket)
            this.confirmed()
          },
      ),
  },
  {
    name: 'a client that comes over does not wait for its earlier writes',
    finds: /it may be|came after|version/,
    seed: 1,
    plant: () =>
      replace(
        Desk.prototype,
        'raiseBarrier',
        (original) =>
          function (this: Desk, ...args: Parameters<Desk['raiseBarrier']>) {
            return args[1] === 0 ? true : original.apply(this, args)
          },
      ),
  },
  {
    name: 'a session that moved is an error for its client',
    finds: /moved/,
    seed: 1,
    plant: () =>
      replace(
        Desk.prototype,
        'lost',
        () =>
          function (this: Desk, tickets: readonly Ticket<Caller>[]) {
            for (const ticket of tickets) this.refused(ticket, keeperCodes.SESSION_MOVED.number)
          },
      ),
  },
  {
    name: 'a session that moved belongs to nobody',
    finds: stuck,
    seed: 1,
    plant: () =>
      replace(
        SessionExpiry.prototype,
        'takeOver',
        (original) =>
          function (this: SessionExpiry, ...args: Parameters<SessionExpiry['takeOver']>) {
            const [session] = args
            const isMoved = session?.owner !== undefined && session.owner !== args[2]
            const isAlive = original.apply(this, args)
            if (session !== undefined && isMoved) session.owner = nobody
            return isAlive
          },
      ),
  },
  {
    name: 'a follower does not say which sessions it has heard',
    finds: lostSession,
    seed: 1,
    plant: () =>
      replace(
        Touches.prototype,
        'take',
        (original) =>
          function (this: Touches) {
            original.call(this)
            return new Uint8Array(0)
          },
      ),
  },
  {
    name: 'a session expires at a follower that its client has left',
    finds: lostSession,
    seed: 1,
    plant: () =>
      replace(
        Forwarding.prototype,
        'touch',
        (original) =>
          function (this: Forwarding, session: Session) {
            original.call(this, session)
            const heard = heardAt.get(this) ?? { count: 0, sessions: new Map() }
            heardAt.set(this, heard)
            heard.sessions.set(session, ++heard.count)
            for (const [other, at] of heard.sessions) {
              if (heard.count - at < 200 || other.isClosing) continue
              heard.sessions.delete(other)
              this.closeSession(new Ticket(nobody as unknown as Caller, 0, opCode.closeSession), other)
            }
          },
      ),
  },
  {
    name: 'a new leader does not know the sessions',
    finds: lostSession,
    seed: 1,
    plant: () =>
      replace(
        Primary.prototype,
        'start',
        (original) =>
          function (this: Primary) {
            const all = this.sessions.expiries().flatMap(([, sessions]) => [...sessions])
            for (const { id } of all) this.sessions.remove(id)
            original.call(this)
          },
      ),
  },
  {
    name: 'a watch at a follower fires before the write is there',
    finds: /told that \/reg changed/,
    seed: 1,
    isQuick: true,
    plant: () =>
      replace(
        LearnerReplica.prototype,
        'learn',
        (original) =>
          function (this: LearnerReplica, txn: Parameters<LearnerReplica['learn']>[0]) {
            const node = this.tree.get('/reg')
            if (txn.txn.type === opCode.setData && txn.txn.path === '/reg' && node !== undefined)
              this.watches.dataChanged('/reg', node, this.lastZxid)
            original.call(this, txn)
          },
      ),
  },
  {
    name: 'a change is not reported',
    finds: /before the watch|the watch stream has/,
    seed: 1,
    isQuick: true,
    plant: () =>
      replace(
        Watches.prototype,
        'dataChanged',
        (original) =>
          function (this: Watches, ...args: Parameters<Watches['dataChanged']>) {
            if (args[0] !== '/reg') original.apply(this, args)
          },
      ),
  },
  ...[true, false].map(
    (digestEnabled): PlantedBug => ({
      name: `a follower applies something else, ${digestEnabled ? 'with' : 'without'} digests`,
      finds: digestEnabled ? /a member complains: .*DIFFERS/ : /differs from s1|it may be/,
      seed: 1,
      isQuick: digestEnabled,
      plan: { options: { digestEnabled } },
      plant: () =>
        replace(
          LearnerReplica.prototype,
          'learn',
          (original) =>
            function (this: LearnerReplica, each: Parameters<LearnerReplica['learn']>[0]) {
              const { txn } = each
              const isChanged = txn.type === opCode.setData && txn.path.endsWith('/r1')
              original.call(this, isChanged ? { ...each, txn: { ...txn, version: txn.version + 1 } } : each)
            },
        ),
    }),
  ),
]
