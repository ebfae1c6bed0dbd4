/** The paths of a queue and the form of its items: what its producers and its consumers share. */
import { bytes, type Client, type Codec, type ZnodePath } from '@lightkeeper/client'
import { MarkedTransactions } from '../common/marked-transactions.ts'
import { below } from '../common/paths.ts'
import { decodeItems, encodeItems } from './frame.ts'
import type { QueueLayout } from './layout.ts'

/** The options of queues. */
export interface QueueOptions<T = Uint8Array> {
  /** The codec of the items. Default: bytes. */
  readonly codec?: Codec<T>
  /** Parent of the claims: the `lockPath` of Curator's consumers. Default `<path>-claims`; `<path>/taken` in kazoo's layout. */
  readonly claims?: ZnodePath
  /** Data of this consumer's claims, for people. Default empty. */
  readonly identifier?: string
  /** With this many items `put` waits until some are consumed. Several producers may exceed it a little. Default: no limit. */
  readonly itemsMax?: number
  /** What to do with an item that cannot be decoded: skip it and leave it in the queue, or delete it. Default: skip. */
  readonly onUnreadable?: (error: unknown, data: Uint8Array) => 'skip' | 'drop'
}

export class Site<T> {
  readonly zk: Client
  readonly path: ZnodePath
  readonly layout: QueueLayout
  readonly options: QueueOptions<T>
  readonly codec: Codec<T>
  /** Parent of the items. */
  readonly items: ZnodePath
  /** Parent of the claims. */
  readonly claims: ZnodePath
  readonly transactions: MarkedTransactions

  constructor(zk: Client, path: ZnodePath, layout: QueueLayout, options: QueueOptions<T>) {
    this.zk = zk
    this.path = path
    this.layout = layout
    this.options = options
    this.codec = options.codec ?? (bytes as unknown as Codec<T>)
    this.items = layout.items(path)
    this.claims = options.claims ?? layout.claims(path)
    // The marks are not among the claims, because consumers watch the list of claims.
    this.transactions = new MarkedTransactions(zk, `${this.claims}/marks`)
  }

  itemPath(name: string): ZnodePath {
    return below(this.items, name)
  }

  claimPath(name: string): ZnodePath {
    return below(this.claims, name)
  }

  /** The data of an item znode with `parts`: one part, unless the layout has frames. */
  joined(parts: readonly Uint8Array[]): Uint8Array {
    return this.layout.isFramed ? encodeItems(parts) : (parts[0] ?? new Uint8Array())
  }

  /** @throws RangeError for data that is no frame where the layout has frames. */
  parted(data: Uint8Array): Uint8Array[] {
    return this.layout.isFramed ? decodeItems(data) : [data]
  }
}
