/** The term of a member that has no leader: it serves reads of the tree that it has, to clients that accept that. */
import type { EnsembleView } from '../ensemble-view.ts'
import { Applier } from '../pipeline/applier.ts'
import { Desk } from '../pipeline/desk.ts'
import { Looking } from '../pipeline/looking.ts'
import type { Replica, ReplicaHouse } from '../replica.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { Watches } from '../watch/watches.ts'

export interface LookingStart {
  readonly tree: DataTree
  /** Zxid of the last transaction in the tree. */
  readonly lastZxid: bigint
  readonly ensemble: EnsembleView
  failed(error: Error): void
}

export class LookingReplica implements Replica {
  readonly role = 'read-only'
  readonly ensemble: EnsembleView
  readonly leadership = undefined
  readonly tree: DataTree
  readonly watches: Watches
  readonly desk: Desk
  readonly sessions = { expiries: () => [] }
  /** It applies nothing: it has the zxid for the desk. */
  readonly applier: Applier
  readonly logFailure = undefined

  constructor(house: ReplicaHouse, { tree, lastZxid, ensemble, failed }: LookingStart) {
    const { config, stats } = house
    const watches = new Watches(config, stats.watchersReached)
    this.ensemble = ensemble
    this.tree = tree
    this.watches = watches
    this.applier = new Applier(tree, lastZxid, { durableZxid: lastZxid }, house.turn, {
      workOf: () => 1,
      execute: ({ header, txn }) => tree.apply(header, txn),
      isBehind: () => false,
      before() {},
      applied() {},
      settled() {},
      broken: failed,
    })
    const answers = {
      opened: (ticket: Parameters<Desk['opened']>[0]) => desk.opened(ticket),
      refused: (ticket: Parameters<Desk['refused']>[0], err: number) => desk.refused(ticket, err),
      lost: (tickets: Parameters<Desk['lost']>[0]) => desk.lost(tickets),
    }
    const desk = new Desk({ ...house, tree, watches }, this.applier, new Looking(answers), failed)
    this.desk = desk
  }

  get lastZxid(): bigint {
    return this.applier.lastZxid
  }
}
