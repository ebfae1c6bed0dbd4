/** How much work it is to apply a transaction: a write with many watches, with many changes, or of a very long path counts as many. */
import { opCode, type TxnHeader } from '@lightkeeper/protocol'
import type { DataTree } from '../tree/data-tree.ts'
import type { Txn } from '../tree/txn.ts'
import type { Watches } from '../watch/watches.ts'

/** Characters of a path that are as much work as an operation. */
const charactersEach = 1024
/** What the end of a session is beside its ephemerals: its client gets an answer, and its connection ends. */
const workOfEnd = 8

/** About the number of operations and watch events. */
export function workOf(header: TxnHeader, txn: Txn, tree: DataTree, watches: Watches): number {
  switch (txn.type) {
    case opCode.multi:
      return txn.txns.length
    case opCode.closeSession:
      return workOfEnd + tree.ephemeralsOf(header.clientId).size
    case opCode.createSession:
    case opCode.error:
    case opCode.check:
    case opCode.setACL:
      return 1
    case opCode.setData:
    case opCode.reconfig:
      return workOfPath(txn.path) + watches.reach(txn.path)
    default:
      return workOfPath(txn.path) + watches.reachWithParent(txn.path)
  }
}

function workOfPath(path: string): number {
  return 1 + Math.floor(path.length / charactersEach)
}
