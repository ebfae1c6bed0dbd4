/** The public methods of a client that a handle on a znode needs. */
import type { ZnodePath } from '@lightkeeper/protocol'
import type { Clock, Random } from '@lightkeeper/runtime'
import type {
  CreateOptions,
  Data,
  DeleteOptions,
  ReadOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from '../options.ts'
import type { ZnodeStat } from '../stat.ts'
import type { WatchChange } from '../watch/change.ts'
import type { CreateResult } from './create.ts'
import type { GetResult } from './reads.ts'
import type { Change, UpdateResult } from './update.ts'

export interface ClientLike {
  readonly clock: Clock
  readonly random: Random
  get(path: ZnodePath, options?: ReadOptions): Promise<GetResult>
  find(path: ZnodePath, options?: Omit<ReadOptions, 'watch'>): Promise<GetResult | undefined>
  create(path: ZnodePath, data?: Data, options?: CreateOptions): Promise<CreateResult>
  set(path: ZnodePath, data: Data, options?: VersionOptions): Promise<ZnodeStat>
  update(path: ZnodePath, change: Change, options?: UpdateOptions): Promise<UpdateResult>
  delete(path: ZnodePath, options?: DeleteOptions): Promise<void>
  watch<T = Uint8Array>(path: ZnodePath, options?: WatchOptions<T>): AsyncGenerator<WatchChange<T>, void, void>
}
