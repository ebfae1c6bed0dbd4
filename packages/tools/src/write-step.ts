/** One write of a plan: an undo or an import consists of these. */
import type { Acl } from '@lightkeeper/client'

export type WriteStep =
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array; readonly version: number }
  | {
      readonly kind: 'create'
      /** The path of the znode. */
      readonly path: string
      /** The data to write. */
      readonly data: Uint8Array
      /** The ACL of the new znode. */
      readonly acl: readonly Acl[]
      /** The kind of the new znode. */
      readonly mode: 'persistent' | 'container' | { readonly ttl: number }
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  /** A request of its own: transactions have no operation for ACLs. */
  | { readonly kind: 'set acl'; readonly path: string; readonly acl: readonly Acl[]; readonly aversion: number }
