/**
 * Bugs that machines like these could have, and that some servers had, to see that schedules find them. Each is planted and taken out
 * again. A joint quorum that is taken as either is not among them: nothing passes two configurations to the machines, since there is no
 * reconfiguration, and a unit test has it (quorum.test.ts).
 */
import { makeZxid, zxidCounter, zxidEpoch } from '@lightkeeper/protocol'
import { Broadcast } from '../../../packages/server/src/zab/broadcast.ts'
import { CommitRule } from '../../../packages/server/src/zab/commit-rule.ts'
import { Election } from '../../../packages/server/src/zab/election.ts'
import { Follower } from '../../../packages/server/src/zab/follower.ts'
import { History } from '../../../packages/server/src/zab/history.ts'
import { Leader } from '../../../packages/server/src/zab/leader.ts'
import { Learner } from '../../../packages/server/src/zab/learner.ts'
import type { ZabInvariant } from '../../../packages/testing/src/check/zab.ts'
import { replaceMethod } from '../../support/replace-method.ts'
import { Disk, type Image } from './disk.ts'
import { Host } from './host.ts'
import { Network } from './network.ts'
import type { SchedulePlan } from './schedule.ts'

export interface PlantedBug {
  readonly name: string
  /** Invariants that may find it, as they come by chance. `Assertion`: one of the program itself. */
  readonly finds: readonly (ZabInvariant | 'Assertion')[]
  readonly plan?: SchedulePlan
  /** A scenario that finds it, where chance takes too long. */
  readonly scenario?: string
  /** Changes the program; returns what changes it back. */
  readonly plant?: () => () => void
}

function all(...undos: (() => void)[]): () => void {
  return () => {
    for (const undo of undos) undo()
  }
}

const snapshotOfTail = (): (() => void) =>
  replaceMethod(
    Host.prototype,
    'imageOfTree',
    () =>
      function (this: Host): Image {
        const txns = this.disk.history
        return { zxid: txns.at(-1)?.zxid ?? 0n, txns }
      },
  )

/** Elections that look at nothing but the sid. */
export const voteBySid = (): (() => void) =>
  replaceMethod(
    Election.prototype,
    'look',
    (original) =>
      function (this: Election, ...[now, candidate, out]: Parameters<Election['look']>) {
        return original.call(this, now, { ...candidate, zxid: 0n, peerEpoch: 0 }, out)
      },
  )

/** Learners that serve without UPTODATE, for one of the bugs. */
const early = new WeakSet<Learner>()
/** Servers whose acknowledgement of NEWLEADER waits, for one of the bugs. */
const waiting = new WeakMap<Host, number>()

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'ACK of a proposal before it is durable',
    finds: ['HistoryOrder'],
    plant: () => replaceMethod(Follower.prototype, 'mayAcknowledge', () => () => true),
  },
  {
    name: 'ACK of NEWLEADER before the history is durable',
    finds: ['HistoryOrder'],
    plant: () => replaceMethod(Learner.prototype, 'isHistoryDurable', () => () => true),
  },
  {
    name: 'currentEpoch before the history',
    finds: ['LeaderLogCompleteness', 'CommittedLogDurability'],
    plan: { voters: 3, isSafetyOnly: true, faultMs: 20_000 },
    plant: () =>
      all(
        replaceMethod(Learner.prototype, 'isHistoryDurable', () => () => true),
        // The word itself waits, so that the order on the disk is the only mistake.
        replaceMethod(
          Host.prototype,
          'send',
          (original) =>
            function (this: Host, link: number, packet: Parameters<Host['send']>[1]) {
              if (packet.type === 'ACK' && zxidCounter(packet.zxid) === 0) {
                waiting.set(this, this.incarnation)
                this.whenQuiet(() => {
                  waiting.delete(this)
                  original.call(this, link, packet)
                })
              } else if (packet.type !== 'PING' || waiting.get(this) !== this.incarnation)
                original.call(this, link, packet)
            },
        ),
      ),
  },
  {
    name: 'acceptedEpoch is not saved',
    finds: ['HistoryOrder'],
    plant: () =>
      replaceMethod(
        Host.prototype,
        'saveEpochs',
        (original) =>
          function (this: Host, accepted: number, current: number) {
            original.call(this, current > this.disk.accepted ? accepted : this.disk.accepted, current)
          },
      ),
  },
  {
    name: 'epochs are saved without a sync of the directory',
    finds: ['Leadership', 'LeaderLogCompleteness', 'CommittedLogDurability', 'Integrity', 'Liveness'],
    plan: { diskBugs: { forgetsEpochs: true } },
  },
  {
    name: 'ACKEPOCH with the current epoch for a second leader of an epoch',
    finds: ['Leadership'],
    plant: () =>
      replaceMethod(
        Learner.prototype,
        'epochToAcknowledge',
        (original) =>
          function (this: Learner) {
            return original.call(this, true)
          },
      ),
  },
  {
    name: 'a quorum of half of four',
    finds: ['CommittedLogDurability'],
    plan: { voters: 4 },
    plant: () =>
      replaceMethod(
        CommitRule.prototype,
        'isCommitted',
        () =>
          (acks: readonly number[]): boolean =>
            acks.length >= 2,
      ),
  },
  {
    name: 'the own acknowledgement before the own sync',
    finds: ['CommittedLogDurability'],
    plant: () =>
      replaceMethod(
        Broadcast.prototype,
        'ownDurable',
        () =>
          function (this: Broadcast) {
            return this.lastProposed
          },
      ),
  },
  {
    name: 'COMMIT is applied before it is durable',
    finds: ['HistoryOrder'],
    plant: () =>
      replaceMethod(
        History.prototype,
        'applicable',
        () =>
          function (this: History) {
            return this.committed
          },
      ),
  },
  {
    name: 'TRUNC leaves one record too many',
    finds: ['HistoryOrder', 'TotalOrder', 'CommittedLogDurability', 'LeaderLogCompleteness', 'Integrity'],
    plan: { diskBugs: { cutsShort: true } },
  },
  {
    name: 'a snapshot holds an uncommitted tail',
    finds: ['TotalOrder', 'MessageLegal', 'Integrity'],
    plant: snapshotOfTail,
  },
  {
    name: 'TRUNC leaves the newer snapshot',
    finds: ['TotalOrder', 'MessageLegal', 'Integrity'],
    plan: { diskBugs: { keepsNewerSnapshots: true } },
    // Ours has no newer one, so the other mistake has to be there too.
    plant: snapshotOfTail,
  },
  {
    name: 'SNAP leaves old records in the log',
    finds: ['HistoryOrder', 'TotalOrder', 'CommittedLogDurability', 'LeaderLogCompleteness', 'Integrity'],
    plan: { diskBugs: { keepsOldLog: true } },
  },
  {
    name: 'an image is installed before NEWLEADER',
    finds: ['CommittedLogDurability', 'HistoryOrder', 'LeaderLogCompleteness', 'TotalOrder', 'Assertion'],
    plan: { diskBugs: { installsEarly: true } },
  },
  {
    name: 'an installation is not finished after a crash',
    finds: ['HistoryOrder', 'CommittedLogDurability', 'LeaderLogCompleteness'],
    plan: { diskBugs: { forgetsInstalling: true }, purgeMs: 200 },
  },
  {
    name: 'NEWLEADER before the commits that the image half holds',
    finds: ['HistoryOrder'],
    plant: () =>
      replaceMethod(
        Network.prototype,
        'sendImage',
        () =>
          function (this: Network, from: number, link: number, image: Image) {
            this.sendImageAhead(from, link, image)
          },
      ),
  },
  {
    name: 'what was committed while a learner was synchronized is lost at UPTODATE',
    finds: ['MessageLegal'],
    plant: () =>
      replaceMethod(
        Broadcast.prototype,
        'bringUp',
        (original) =>
          function (this: Broadcast, ...args: Parameters<Broadcast['bringUp']>) {
            args[1].sentTo = this.lastCommitted
            original.apply(this, args)
          },
      ),
  },
  {
    name: 'outstanding proposals are not sent to a learner that joins',
    finds: ['MessageLegal'],
    plant: () => replaceMethod(CommitRule.prototype, 'outstanding', () => () => []),
  },
  {
    name: 'the history that is handed on has a hole',
    finds: ['MessageLegal'],
    plant: () =>
      replaceMethod(
        Disk.prototype,
        'read',
        (original) =>
          function (this: Disk, after: bigint, upTo: bigint) {
            return original.call(this, after, upTo)?.filter((_txn: unknown, i: number) => i !== 1)
          },
      ),
  },
  {
    name: 'the tail of the log is in the tree, and stays there over TRUNC',
    finds: ['TotalOrder', 'HistoryOrder', 'Integrity'],
    plant: () =>
      replaceMethod(
        Host.prototype,
        'loadTree',
        () =>
          function (this: Host) {
            this.tree = this.disk.history
          },
      ),
  },
  {
    name: 'a vote with a zxid that is not durable',
    finds: ['CommittedLogDurability', 'HistoryOrder', 'LeaderLogCompleteness', 'Assertion'],
    plant: () =>
      replaceMethod(
        History.prototype,
        'isQuiet',
        () =>
          function (this: History) {
            return !this.isSavingEpochs
          },
      ),
  },
  {
    name: 'a leader goes on without a quorum',
    finds: ['Leadership', 'Liveness'],
    plant: () => replaceMethod(Leader.prototype, 'checkQuorum', () => () => {}),
  },
  {
    name: 'a learner that has more is led all the same',
    finds: ['CommittedLogDurability', 'LeaderLogCompleteness', 'MessageLegal'],
    // The election has to choose badly too; by itself that breaks nothing.
    plant: () =>
      all(
        voteBySid(),
        replaceMethod(Leader.prototype, 'isAhead', () => () => false),
      ),
  },
  {
    name: 'what a learner acknowledged counts after it had to cut it',
    finds: ['CommittedLogDurability'],
    plant: () => replaceMethod(CommitRule.prototype, 'retract', () => () => {}),
  },
  {
    name: 'a learner serves before UPTODATE',
    finds: ['CommittedLogDurability', 'TotalOrder'],
    // Of three servers two are a quorum: what one learner has acknowledged is committed.
    plan: { voters: 5 },
    plant: () => {
      const bringUp = function (this: Learner, now: number, out: Parameters<Learner['packet']>[2]): void {
        if (this.state !== 'waiting' || early.has(this)) return
        early.add(this)
        packet.call(this, now, { type: 'UPTODATE', zxid: -1n, data: null, authinfo: null }, out)
      }
      const packet = Learner.prototype.packet
      return all(
        replaceMethod(
          Learner.prototype,
          'packet',
          () =>
            function (this: Learner, ...args: Parameters<Learner['packet']>) {
              if (args[1].type !== 'UPTODATE') packet.apply(this, args)
              bringUp.call(this, args[0], args[2])
            },
        ),
        replaceMethod(
          Learner.prototype,
          'advance',
          (original) =>
            function (this: Learner, ...args: Parameters<Learner['advance']>) {
              original.apply(this, args)
              bringUp.apply(this, args)
            },
        ),
      )
    },
  },
  {
    name: 'a leader answers a sync without asking the others',
    finds: ['SyncedReads'],
    plan: { syncs: true },
    plant: () =>
      replaceMethod(
        Broadcast.prototype,
        'sync',
        (original) =>
          function (this: Broadcast, ...args: Parameters<Broadcast['sync']>) {
            const [link, out] = args
            if (this.lastProposed > this.lastCommitted && zxidCounter(this.lastProposed) > 0) original.apply(this, args)
            else if (link === undefined) out.synced()
            else out.send(link, { type: 'SYNC', zxid: 0n, data: null, authinfo: null })
          },
      ),
  },
  {
    // Two mistakes: an acknowledgement belongs to a link, which belongs to a term; and its zxid to an epoch.
    name: 'a late ACK of an old term counts',
    finds: ['CommittedLogDurability'],
    plant: () =>
      all(
        replaceMethod(
          Follower.prototype,
          'proposal',
          (original) =>
            function (this: Follower, ...args: Parameters<Follower['proposal']>) {
              const [zxid, , out] = args
              const host = out as Host
              const late = host.disk.log.find((txn) => txn.zxid < zxid && zxidCounter(txn.zxid) === zxidCounter(zxid))
              const link = host.peer?.learner?.state === 'serving' ? host.peer.learner.link : undefined
              if (late !== undefined && link !== undefined)
                host.send(link, { type: 'ACK', zxid: late.zxid, data: null, authinfo: null })
              return original.apply(this, args)
            },
        ),
        replaceMethod(
          CommitRule.prototype,
          'acknowledge',
          (original) =>
            function (this: CommitRule, sid: number, zxid: bigint) {
              const [first] = this.outstanding
              original.call(this, sid, first === undefined ? zxid : makeZxid(zxidEpoch(first.zxid), zxidCounter(zxid)))
            },
        ),
      ),
  },
  {
    name: 'votes of servers that have a leader are compared by their rounds',
    finds: ['Liveness'],
    plan: { voters: 4 },
    plant: () =>
      replaceMethod(
        Election.prototype,
        'agree',
        (original) =>
          function (this: Election, ...[one, other]: Parameters<Election['agree']>) {
            return one.round === other.round && original.call(this, one, other)
          },
      ),
  },
  {
    name: 'a server that promised a newer epoch is left outside',
    finds: ['Liveness'],
    // Two schedules of a thousand find it, or this one.
    scenario: 'promised-more-than-the-running-epoch',
    plant: () => replaceMethod(Leader.prototype, 'mustMakeRoom', () => () => false),
  },
]
