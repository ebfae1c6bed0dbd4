/** Transactions: prepare makes them from requests, and apply changes the tree by them. The records are Apache's own. */
import type {
  CheckVersionTxn,
  CreateContainerTxn,
  CreateSessionTxn,
  CreateTTLTxn,
  CreateTxn,
  DeleteTxn,
  ErrorTxn,
  opCode,
  SetACLTxn,
  SetDataTxn,
} from '@lightkeeper/protocol'

/** A transaction that changes znodes, or none (check, error). */
export type CreateNodeTxn = { readonly type: typeof opCode.create | typeof opCode.create2 } & CreateTxn

export type NodeTxn =
  | CreateNodeTxn
  | ({ readonly type: typeof opCode.createContainer } & CreateContainerTxn)
  | ({ readonly type: typeof opCode.createTTL } & CreateTTLTxn)
  | ({ readonly type: typeof opCode.delete | typeof opCode.deleteContainer } & DeleteTxn)
  | ({ readonly type: typeof opCode.setData | typeof opCode.reconfig } & SetDataTxn)
  | ({ readonly type: typeof opCode.setACL } & SetACLTxn)
  | ({ readonly type: typeof opCode.check } & CheckVersionTxn)
  | ({ readonly type: typeof opCode.error } & ErrorTxn)

export type Txn =
  | NodeTxn
  | { readonly type: typeof opCode.multi; readonly txns: readonly NodeTxn[] }
  | ({ readonly type: typeof opCode.createSession } & CreateSessionTxn)
  | {
      readonly type: typeof opCode.closeSession
      /** Null in logs from before 3.6: everything that the session owns. */
      readonly paths2Delete: readonly string[] | null
    }
