/** Where a queue is and how its items are written: what its producers and its consumers share. */
import { bytes, type Client, type Codec, type ZnodePath } from '@lightkeeper/client'
import { MarkedTransactions } from '../common/marked-transactions.ts'
import { below } from '../common/paths.ts'
import { decodeItems, encodeItems } from './frame.ts'
import type { QueueLayout } from './layout.ts'

export interface QueueOptions<T = Uint8Array> {
  /** How items are written. Default: bytes as they are. */
  readonly codec?: Codec<T>
  /** Where items are claimed: the `lockPath` of Curator's consumers. Default `<path>-claims`; `<path>/taken` in kazoo's layout. */
  readonly claims?: ZnodePath
  /** Data of this consumer's claims, for people who look. Default empty. */
  readonly identifier?: string
  /** With so many items `put` waits until some are consumed. Several producers may exceed it a little. Default: no limit. */
  readonly itemsMax?: number
  /** What happens to an item that cannot be decoded: it is skipped and stays where it is, or it is deleted. Default: skipped. */
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
    // Marks are apart from the claims, because the list of claims is watched.
    this.transactions = new MarkedTransactions(zk, `${this.claims}/marks`)
  }

  itemPath(name: string): ZnodePath {
    return below(this.items, name)
  }

  claimPath(name: string): ZnodePath {
    return below(this.claims, name)
  }

  /** The data of an item znode that holds `parts`: one, unless the layout has frames. */
  joined(parts: readonly Uint8Array[]): Uint8Array {
    return this.layout.isFramed ? encodeItems(parts) : (parts[0] ?? new Uint8Array())
  }

  /** @throws RangeError for data that is no frame where the layout has frames. */
  parted(data: Uint8Array): Uint8Array[] {
    return this.layout.isFramed ? decodeItems(data) : [data]
  }
}
