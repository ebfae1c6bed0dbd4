/**
 * Bugs that a member could have outside of the machines of zab/, to see that the stories find them. Each is planted by hand and taken
 * out again; test/simulation/zab/planted-bugs.ts has those of the machines.
 */
import { opCode } from '@lightkeeper/protocol'
import type { World } from '@lightkeeper/testing/sim'
import { LearnerReplica } from '../../../packages/server/src/member/learner-replica.ts'
import type { Caller } from '../../../packages/server/src/pipeline/caller.ts'
import { type Answering, Forwarding } from '../../../packages/server/src/pipeline/forwarding.ts'
import { Leading } from '../../../packages/server/src/pipeline/leading.ts'
import { Primary } from '../../../packages/server/src/pipeline/primary.ts'
import { Ticket } from '../../../packages/server/src/pipeline/reply-queue.ts'
import type { Session } from '../../../packages/server/src/session/session.ts'
import { Touches } from '../../../packages/server/src/session/touches.ts'
import { FileTxnLog } from '../../../packages/server/src/storage/file-txn-log.ts'
import { RecentTxns } from '../../../packages/server/src/storage/recent-txns.ts'
import { Watches } from '../../../packages/server/src/watch/watches.ts'
import { Leader } from '../../../packages/server/src/zab/leader.ts'
import { Peer } from '../../../packages/server/src/zab/peer.ts'
import { replaceMethod } from '../../support/replace-method.ts'
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

const lostWrite =
  /it may be|zxid .* was that of|differs from s1|a member complains|reply of its own write|before the sync|damaged/
const lostSession = /lost its session|is gone, and its session lives/

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
    seed: 34,
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
    finds: /writes nothing|does not serve|served only|nothing came within|a member complains: .*DIFFERS/,
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
    seed: 22,
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
    finds: /zxid .* was that of|given out twice|writes nothing|it may be|version|own write/,
    seed: 1,
    isQuick: true,
    plan: { clients: 4 },
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
    // The client syncs too, before it says that a write was not done.
    finds: /before the sync|it may be missing/,
    seed: 16,
    isQuick: true,
    plant: () =>
      replaceMethod(Forwarding.prototype, 'sync', () => (ticket: Ticket<Caller>) => {
        ticket.verdict = 0
      }),
  },
  {
    // Either mistake alone is hidden by the other check.
    name: 'a leader goes on without a quorum, and answers a sync without asking the others',
    finds: /before the sync|does not serve|served only/,
    seed: 10,
    plant: () => {
      const check = replaceMethod(Leader.prototype, 'checkQuorum', () => () => {})
      const sync = replaceMethod(
        Leading.prototype,
        'sync',
        (original) =>
          function (this: Leading, ticket: Ticket<Caller>) {
            original.call(this, ticket)
            this.confirmed()
          },
      )
      return () => {
        check()
        sync()
      }
    },
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
    seed: 1,
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
    seed: 1,
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
