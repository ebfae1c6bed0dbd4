/** Reads, changes, writes if nobody else wrote meanwhile, and repeats until it fits. */
import { KeeperError, type ZnodePath } from '@lightkeeper/protocol'
import type { CallOptions, CreateOptions, UpdateOptions } from '../options.ts'
import type { Budget } from '../session/budget.ts'
import type { ZnodeStat } from '../stat.ts'

type Data = Uint8Array | string | null

export type Change = (current: Uint8Array | undefined) => Data | undefined | Promise<Data | undefined>

export interface Found {
  readonly data: Uint8Array
  readonly stat: ZnodeStat
}

export interface UpdateHost {
  find(path: ZnodePath, options: CallOptions): Promise<Found | undefined>
  /** @throws what refuses data that nobody could store, before anything is sent. */
  bytesOf(data: Data): Uint8Array | null
  create(path: ZnodePath, data: Uint8Array | null, options: CreateOptions): Promise<{ readonly stat: ZnodeStat }>
  setData(
    path: ZnodePath,
    data: Uint8Array | null,
    options: CallOptions & { readonly version: number },
    acceptsEqual: boolean,
  ): Promise<ZnodeStat>
}

const empty = new Uint8Array(0)

export async function update(
  host: UpdateHost,
  path: ZnodePath,
  change: Change,
  { idempotent = false, create = {} }: UpdateOptions,
  budget: Budget,
): Promise<Found> {
  for (;;) {
    const found = await host.find(path, budget.step())
    const next = await budget.within(change(found?.data))
    if (next === undefined) {
      if (found !== undefined) return found
      throw new KeeperError('NO_NODE', { path, operation: 'update' })
    }
    const data = host.bytesOf(next)
    try {
      if (found === undefined) {
        const { stat } = await host.create(path, data, { ...create, idempotent, ...budget.step() })
        return { data: data ?? empty, stat }
      }
      const { version } = found.stat
      const stat = await host.setData(path, data, { version, ...budget.step() }, idempotent)
      return { data: data ?? empty, stat }
    } catch (error) {
      // Somebody was faster, and what they left is read next time: written, deleted, or created. A create that finds no parent is
      // no race; nothing that this call does brings one.
      const lost = found === undefined ? createdByOther : changedByOther
      if (!lost.some((code) => KeeperError.is(error, code))) throw error
      await budget.again(error)
    }
  }
}

const createdByOther = ['NODE_EXISTS'] as const
const changedByOther = ['BAD_VERSION', 'NO_NODE'] as const
