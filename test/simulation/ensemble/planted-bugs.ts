/**
 * Bugs that a member could have outside of the machines of zab/, to see that stories find them, or moments where stories seldom come to
 * what shows them. Each is planted by hand and taken out again; test/simulation/zab/planted-bugs.ts has those of the machines.
 */
import { keeperCodes, opCode } from '@lightkeeper/protocol'
import type { Disk } from '@lightkeeper/runtime'
import { SimDisk, type World } from '@lightkeeper/testing/sim'
import { Backlog } from '../../../packages/server/src/member/backlog.ts'
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
import { AcknowledgedMark } from '../../../packages/server/src/storage/acknowledged.ts'
import { EpochFiles } from '../../../packages/server/src/storage/epoch-files.ts'
import { replacedPrefix } from '../../../packages/server/src/storage/file-names.ts'
import { FileTxnLog } from '../../../packages/server/src/storage/file-txn-log.ts'
import { RecentTxns } from '../../../packages/server/src/storage/recent-txns.ts'
import { applyWithDigest } from '../../../packages/server/src/tree/replay.ts'
import { Watches } from '../../../packages/server/src/watch/watches.ts'
import { Leader } from '../../../packages/server/src/zab/leader.ts'
import { Peer } from '../../../packages/server/src/zab/peer.ts'
import { replaceMethod } from '../../support/replace-method.ts'
import {
  askDeposed,
  beginWithPromises,
  comeOver,
  crowd,
  cutTail,
  dieWhileCutting,
  dieWhileReplacing,
  moveSession,
  outliveLeaders,
  replaceUnderLoad,
  replaceWithTail,
} from './moments.ts'
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
  /** Finds it instead of a story, where stories seldom come to the moment that shows it. */
  readonly moment?: (seed: number) => Promise<unknown>
  /** Changes the program; returns what changes it back. */
  readonly plant?: () => () => void
}

const hosts = ['s1', 's2', 's3', 's4', 's5', 's6']

function eachDisk(change: (faults: ReturnType<World['disk']>['faults']) => void): (world: World) => void {
  return (world) => {
    for (const host of hosts) change(world.disk(host).faults)
  }
}

/** The request that a follower forwarded while no other one waited. */
const oldest = new WeakMap<Forwarding, { readonly session: bigint; readonly xid: number }>()
/** The sessions of a follower's clients, each with the number of the last request that it sent there. */
const heardAt = new WeakMap<Forwarding, { count: number; readonly sessions: Map<Session, number> }>()
const nobody = { isOpen: false, identities: [], replies: { isNext: () => true }, hangUp() {}, answerLater() {} }

/** A leader takes each sync for confirmed. */
const answerSyncsAlone = (): (() => void) =>
  replaceMethod(
    Leading.prototype,
    'sync',
    (original) =>
      function (this: Leading, ticket: Ticket<Caller>) {
        original.call(this, ticket)
        this.confirmed()
      },
  )

const lostWrite =
  /it may be|zxid .* was that of|given out twice|differs from s1|a member complains|reply of its own write|before the sync|damaged/
const lostSession = /lost its session|is gone, and its session lives|differs from s1: \/eph/

/** Changes what processes get of their disks. */
function replaceDisk(change: (disk: Disk) => Partial<Disk>): () => void {
  return replaceMethod(
    SimDisk.prototype,
    'mounted',
    (original) =>
      function (this: SimDisk, ...args: Parameters<SimDisk['mounted']>) {
        const disk = original.apply(this, args) as Disk
        return { ...disk, ...change(disk) }
      },
  )
}

function all(...undos: (() => void)[]): () => void {
  return () => {
    for (const undo of undos) undo()
  }
}

/** The owners of sessions in the last term of any leader. */
const ownersBefore = new Map<bigint, object>()

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a sync of a file does nothing',
    finds: /it may be|zxid .* was that of|differs from s1|a member complains|does not start|damaged/,
    seed: 6,
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
    seed: 35,
    plant: () => {
      const last = new WeakMap<FileTxnLog, bigint>()
      const flushing = new WeakMap<FileTxnLog, Promise<void>>()
      const undos = [
        replaceMethod(
          FileTxnLog.prototype,
          'append',
          (original) =>
            function (this: FileTxnLog, ...args: Parameters<FileTxnLog['append']>) {
              last.set(this, args[0])
              original.apply(this, args)
            },
        ),
        replaceMethod(
          FileTxnLog.prototype,
          'restart',
          (original) =>
            function (this: FileTxnLog, zxid: bigint) {
              last.set(this, zxid)
              return original.call(this, zxid)
            },
        ),
        replaceMethod(
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
    seed: 14,
    plant: () =>
      replaceMethod(
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
    name: 'the transactions in memory have a hole',
    // At the end of an epoch only the digest shows it.
    finds: /writes nothing|does not serve|served only|nothing came within|a member complains: .*(DIFFERS|may not send)/,
    seed: 1,
    plant: () =>
      replaceMethod(
        RecentTxns.prototype,
        'between',
        (original) =>
          function (this: RecentTxns, ...args: Parameters<RecentTxns['between']>) {
            return original.apply(this, args)?.filter((_txn: unknown, i: number) => i !== 1)
          },
      ),
  },
  {
    name: 'a leader replies before a quorum has the write',
    finds: lostWrite,
    seed: 35,
    plant: () =>
      replaceMethod(
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
    finds: /own write|nothing is broken/,
    seed: 1,
    isQuick: true,
    moment: crowd,
    plant: () => {
      const write = replaceMethod(
        Forwarding.prototype,
        'write',
        (original) =>
          function (this: Forwarding, ...args: Parameters<Forwarding['write']>) {
            if (this.forwarded.requests === 0) oldest.set(this, { session: args[1].id, xid: args[0].xid })
            original.apply(this, args)
          },
      )
      const proposed = replaceMethod(
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
    seed: 1,
    isQuick: true,
    moment: crowd,
    plant: () =>
      replaceMethod(Forwarding.prototype, 'sync', () => (ticket: Ticket<Caller>) => {
        ticket.verdict = 0
      }),
  },
  {
    // Stories find both together; the second one alone is below, and the model finds each.
    name: 'a leader goes on without a quorum, and answers a sync without asking the others',
    finds: /before the sync|does not serve|served only/,
    seed: 10,
    plant: () => {
      const check = replaceMethod(Leader.prototype, 'checkQuorum', () => () => {})
      const sync = answerSyncsAlone()
      return () => {
        check()
        sync()
      }
    },
  },
  {
    // It takes a sync between the first write of the next leader and the moment at which this one steps down.
    name: 'a leader answers a sync without asking the others',
    finds: /before the sync/,
    seed: 116,
    isQuick: true,
    moment: askDeposed,
    plant: answerSyncsAlone,
  },
  {
    name: 'an image is applied strictly',
    finds: /a member complains|differs|follower/,
    seed: 4,
    isQuick: true,
    moment: replaceUnderLoad,
    plant: () =>
      replaceMethod(
        Backlog.prototype,
        'execute',
        () =>
          function (this: Backlog, { header, txn }: Parameters<Backlog['execute']>[0]) {
            applyWithDigest(this.tree, header, txn)
          },
      ),
  },
  {
    name: 'the tail of the log stays in the tree over TRUNC',
    finds: /a member complains|differs/,
    seed: 1,
    isQuick: true,
    moment: cutTail,
    plant: () =>
      replaceMethod(
        Backlog.prototype,
        'replace',
        (original) =>
          function (this: Backlog, ...[tree, zxid, rest]: Parameters<Backlog['replace']>) {
            original.call(this, zxid < this.zxid ? this.tree : tree, zxid, rest)
          },
      ),
  },
  {
    // A client comes back by REVALIDATE, which names the owner anew, so both must be wrong.
    name: 'the owner of a session is kept over a change of the leader',
    finds: /writes nothing|lost its session/,
    seed: 1,
    moment: outliveLeaders,
    plant: () => {
      ownersBefore.clear()
      return all(
        replaceMethod(
          Primary.prototype,
          'start',
          (original) =>
            function (this: Primary) {
              for (const [, sessions] of this.sessions.expiries())
                for (const session of sessions) session.owner = ownersBefore.get(session.id)
              original.call(this)
            },
        ),
        replaceMethod(
          SessionExpiry.prototype,
          'takeOver',
          (original) =>
            function (this: SessionExpiry, ...args: Parameters<SessionExpiry['takeOver']>) {
              const [session, , owner] = args
              const kept = session?.owner
              const isTaken = original.apply(this, args) as boolean
              if (session === undefined || !isTaken) return isTaken
              if (kept !== undefined && kept === ownersBefore.get(session.id)) session.owner = kept
              else ownersBefore.set(session.id, owner)
              return true
            },
        ),
      )
    },
  },
  {
    name: 'a follower replies before it applies',
    finds: /reply of its own write/,
    seed: 1,
    isQuick: true,
    plant: () => {
      let newest: Answering | undefined
      return all(
        replaceMethod(
          Forwarding.prototype,
          'proposed',
          (original) =>
            function (this: Forwarding, entry: Answering) {
              newest = entry
              original.call(this, entry)
            },
        ),
        replaceMethod(
          LearnerReplica.prototype,
          'learn',
          (original) =>
            function (this: LearnerReplica, logged: Parameters<LearnerReplica['learn']>[0]) {
              original.call(this, logged)
              const { txn, header } = logged
              const node =
                txn.type === opCode.setData && txn.path.endsWith('/own') ? this.tree.get(txn.path) : undefined
              if (node === undefined || newest === undefined) return
              ;(this.desk.orderer as Forwarding).committed(header.zxid)
              const { ticket } = newest
              if (ticket === undefined || !ticket.caller.replies.isNext(ticket)) return
              this.desk.applied({ ...newest, digest: undefined, work: 1 }, node, 0)
              newest.ticket = undefined
            },
        ),
      )
    },
  },
  {
    // A client of ours has one connection alone.
    name: '"session moved" is answered as an error',
    finds: /answered with/,
    seed: 1,
    isQuick: true,
    moment: moveSession,
    plant: () =>
      replaceMethod(
        Desk.prototype,
        'lost',
        () =>
          function (this: Desk, tickets: readonly Ticket<Caller>[]) {
            for (const ticket of tickets) this.refused(ticket, keeperCodes.SESSION_MOVED.number)
          },
      ),
  },
  {
    // A client of ours asks for a sync itself.
    name: 'a client that comes over is not made to wait for what it wrote',
    finds: /by an earlier write/,
    seed: 1,
    isQuick: true,
    moment: comeOver,
    plant: () =>
      replaceMethod(
        Desk.prototype,
        'raiseBarrier',
        (original) =>
          function (this: Desk, caller: Caller, xid: number) {
            return xid === 0 ? true : original.call(this, caller, xid)
          },
      ),
  },
  {
    name: 'a promise is lowered after the log is cut',
    finds: /a directory is damaged/,
    seed: 63,
    isQuick: true,
    moment: dieWhileCutting,
    plant: () => {
      const waiting = new WeakMap<object, () => Promise<void>>()
      let last: (() => Promise<void>) | undefined
      return all(
        replaceMethod(
          AcknowledgedMark.prototype,
          'lower',
          (original) =>
            async function (this: AcknowledgedMark, zxid: bigint) {
              last = () => original.call(this, zxid) as Promise<void>
            },
        ),
        replaceMethod(
          FileTxnLog.prototype,
          'truncate',
          (original) =>
            async function (this: FileTxnLog, zxid: bigint) {
              const lower = last
              last = undefined
              if (lower !== undefined) waiting.set(this, lower)
              await original.call(this, zxid)
              await lower?.()
            },
        ),
        replaceMethod(
          FileTxnLog.prototype,
          'restart',
          (original) =>
            async function (this: FileTxnLog, zxid: bigint) {
              const lower = waiting.has(this) ? undefined : last
              waiting.delete(this)
              await original.call(this, zxid)
              last = undefined
              await lower?.()
            },
        ),
      )
    },
  },
  {
    name: 'SNAP leaves the old files',
    finds: /a member complains|differs from|damaged|may be|does not start/,
    seed: 1,
    isQuick: true,
    moment: replaceWithTail,
    plant: () =>
      replaceDisk((disk) => ({
        rename: async (from, to) => {
          if (!to.includes(`/${replacedPrefix}`)) await disk.rename(from, to)
        },
      })),
  },
  {
    name: 'an installation is not finished at the start',
    finds: /a directory is damaged|does not start|differs|may be|a member complains|lost/,
    seed: 13,
    isQuick: true,
    moment: dieWhileReplacing,
    plant: () =>
      replaceDisk((disk) => ({
        list: async (directory) => (await disk.list(directory)).filter((name) => name !== 'installing'),
      })),
  },
  {
    name: 'acceptedEpoch is not saved',
    finds: /has promised/,
    seed: 1,
    isQuick: true,
    moment: beginWithPromises,
    plant: () =>
      replaceMethod(
        EpochFiles.prototype,
        'save',
        (original) =>
          async function (this: EpochFiles, accepted: number, current: number) {
            if (current !== this.current) await original.call(this, accepted, current)
          },
      ),
  },
  {
    name: 'a follower does not say which sessions it has heard',
    finds: lostSession,
    seed: 1,
    plant: () =>
      replaceMethod(
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
      replaceMethod(
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
      replaceMethod(
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
    seed: 7,
    isQuick: true,
    plant: () =>
      replaceMethod(
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
    seed: 7,
    isQuick: true,
    plant: () =>
      replaceMethod(
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
        replaceMethod(
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
