/** What a multi that failed means, in the form in which a leader of Apache sends it. */
import { keeperCodes, opCode } from '@lightkeeper/protocol'
import type { NodeTxn, Txn } from './txn.ts'

const rolledBack: NodeTxn = { type: opCode.error, err: 0 }
const neverTried: NodeTxn = { type: opCode.error, err: keeperCodes.RUNTIME_INCONSISTENCY.number }

/**
 * Apache leaves the operations in front of the failed one in the transaction, as if they had succeeded; each server must see that one of
 * them is an error, and change nothing (DataTree.java: processTxn). The result has an error for every operation, as our own transactions
 * have. Every other transaction is returned as it is.
 */
export function withoutFailedOperations(txn: Txn): Txn {
  if (txn.type !== opCode.multi) return txn
  const failed = txn.txns.findIndex(({ type }) => type === opCode.error)
  if (failed === -1 || txn.txns.every(({ type }) => type === opCode.error)) return txn
  const txns = txn.txns.map((each, i) => (each.type === opCode.error ? each : i < failed ? rolledBack : neverTried))
  return { type: opCode.multi, txns }
}
