/** Bugs a server like this could have, to see that the stories find them. Each is planted by hand and taken out again. */

import { opCode } from '@lightkeeper/protocol'
import type { World } from '@lightkeeper/testing/sim'
import { Desk } from '../../../packages/server/src/pipeline/desk.ts'
import { PendingChanges } from '../../../packages/server/src/pipeline/pending-changes.ts'
import { FileTxnLog } from '../../../packages/server/src/storage/file-txn-log.ts'
import { LogFile } from '../../../packages/server/src/storage/log-file.ts'
import { SnapshotEncoder } from '../../../packages/server/src/storage/snapshot-file.ts'
import { Storage } from '../../../packages/server/src/storage/storage.ts'
import { DataTree } from '../../../packages/server/src/tree/data-tree.ts'
import { Znode } from '../../../packages/server/src/tree/znode.ts'
import { Watches } from '../../../packages/server/src/watch/watches.ts'
import { replaceMethod } from '../../support/replace-method.ts'

export interface PlantedBug {
  readonly name: string
  readonly failingDisk?: boolean
  /** The first seed to try, 1 by default: for a bug that few stories meet, the last one that was found to. */
  readonly firstSeed?: number
  /** For what the disk does wrong. */
  readonly prepare?: (world: World) => void
  /** Changes the program; returns what changes it back. */
  readonly plant?: () => () => void
}

const flushing = new WeakMap<FileTxnLog, Promise<void>>()

const serverDisk = (world: World) => world.disk('server').faults

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'writes are never made durable',
    prepare: (world) => {
      serverDisk(world).liesAboutSync = 'all'
    },
  },
  {
    name: 'a snapshot gets its name before its bytes are durable',
    prepare: (world) => {
      serverDisk(world).liesAboutSync = 'files'
    },
  },
  {
    name: 'what a killed process wrote is built upon without a sync',
    firstSeed: 195,
    prepare: (world) => {
      serverDisk(world).liesAboutSync = 'readers'
    },
  },
  {
    name: 'names of new files are never made durable',
    prepare: (world) => {
      serverDisk(world).liesAboutDirectories = true
    },
  },
  {
    name: 'the reply leaves before the sync',
    plant: () =>
      replaceMethod(
        FileTxnLog.prototype,
        'flush',
        (original) =>
          function (this: FileTxnLog, done: (error?: Error) => void) {
            const running = flushing.get(this) ?? Promise.resolve()
            const begin = (): Promise<void> => new Promise((resolve) => original.call(this, () => resolve()))
            flushing.set(this, running.then(begin))
            this.durableZxid = 1n << 62n
            done()
          },
      ),
  },
  {
    name: 'a failed sync is taken for a good one',
    failingDisk: true,
    plant: () =>
      replaceMethod(
        FileTxnLog.prototype,
        'flush',
        (original) =>
          function (this: FileTxnLog, done: (error?: Error) => void) {
            original.call(this, (error?: Error) => {
              if (error !== undefined) this.durableZxid = 1n << 62n
              done()
            })
          },
      ),
  },
  {
    name: 'a torn record is accepted',
    firstSeed: 1017,
    plant: () => replaceMethod(LogFile.prototype, 'matches', () => () => true),
  },
  {
    name: 'a watch fires before the write is durable',
    plant: () =>
      replaceMethod(
        Desk.prototype,
        'submit',
        (original) =>
          function (this: Desk, ...args: Parameters<Desk['submit']>) {
            const node = this.tree.get('/reg')
            if (args[2] === opCode.setData && node !== undefined) this.watches.dataChanged('/reg', node, this.lastZxid)
            original.apply(this, args)
          },
      ),
  },
  {
    name: 'a change of a znode is not reported',
    plant: () =>
      replaceMethod(
        Watches.prototype,
        'dataChanged',
        (original) =>
          function (this: Watches, path: string, ...rest: [Znode, bigint]) {
            if (path !== '/reg') original.call(this, path, ...rest)
          },
      ),
  },
  {
    name: 'an ephemeral is kept when its session ends',
    plant: () =>
      replaceMethod(
        DataTree.prototype,
        'apply',
        (original) =>
          function (this: DataTree, ...[header, txn]: Parameters<DataTree['apply']>) {
            if (txn.type !== opCode.closeSession || txn.paths2Delete === null) return original.call(this, header, txn)
            return original.call(this, header, { ...txn, paths2Delete: txn.paths2Delete.slice(1) })
          },
      ),
  },
  {
    name: 'a transaction is applied in half',
    plant: () =>
      replaceMethod(
        DataTree.prototype,
        'apply',
        (original) =>
          function (this: DataTree, ...[header, txn]: Parameters<DataTree['apply']>) {
            if (txn.type !== opCode.multi || txn.txns.length < 3) return original.call(this, header, txn)
            const results = original.call(this, header, { ...txn, txns: txn.txns.slice(0, -1) })
            return [...results, results[0]]
          },
      ),
  },
  {
    name: 'a failed transaction is not rolled back',
    plant: () =>
      replaceMethod(
        PendingChanges.prototype,
        'rollBack',
        () =>
          function (this: PendingChanges) {
            this.keep()
          },
      ),
  },
  {
    name: 'sequence counters are lost in snapshots',
    plant: () => {
      const original = Object.getOwnPropertyDescriptor(Znode.prototype, 'persistedStat') as PropertyDescriptor
      Object.defineProperty(Znode.prototype, 'persistedStat', {
        ...original,
        set(this: Znode, bytes: Uint8Array) {
          original.set?.call(this, bytes)
          this.cversion = 0
        },
      })
      return () => Object.defineProperty(Znode.prototype, 'persistedStat', original)
    },
  },
  {
    name: 'a snapshot is named by a transaction it does not have',
    plant: () =>
      replaceMethod(
        Storage.prototype,
        'applied',
        (original) =>
          function (this: Storage, zxid: bigint) {
            original.call(this, zxid + 2n)
          },
      ),
  },
  {
    name: 'zxids start again a little lower',
    plant: () =>
      replaceMethod(
        Storage,
        'open',
        (original) =>
          async function (this: typeof Storage, ...args: Parameters<typeof Storage.open>) {
            const storage: Storage = await original.apply(this, args)
            const { recovered } = storage
            const lower = recovered.lastZxid > 3n ? recovered.lastZxid - 3n : 0n
            Object.defineProperty(recovered, 'lastZxid', { value: lower })
            return storage
          },
      ),
  },
  {
    name: 'sessions are left out of snapshots',
    plant: () =>
      replaceMethod(
        SnapshotEncoder.prototype,
        'begin',
        (original) =>
          function (this: SnapshotEncoder, ...[, lists]: Parameters<SnapshotEncoder['begin']>) {
            original.call(this, new Map(), lists)
          },
      ),
  },
]
