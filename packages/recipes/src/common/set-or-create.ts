/** Writes a znode whatever its data was before, and creates it where it is missing. */
import { type CallOptions, type Client, KeeperError, type ZnodePath, type ZnodeStat } from '@lightkeeper/client'
import { createBelow } from './container.ts'
import { Limit } from './limit.ts'
import { Races } from './races.ts'

/** @throws KeeperError as `client.set` and `client.create`; NO_NODE where the chroot does not exist. */
export async function setOrCreate(
  zk: Client,
  path: ZnodePath,
  data: Uint8Array,
  options: CallOptions,
): Promise<ZnodeStat> {
  using limit = new Limit(zk, 'set', path, options, { isEachBound: true })
  const races = new Races(zk, limit.signal)
  const own = { ...limit.step, idempotent: true }
  for (;;) {
    try {
      return await zk.set(path, data, own)
    } catch (error) {
      if (!KeeperError.is(error, 'NO_NODE')) throw error
    }
    try {
      return (await createBelow(zk, path, data, own)).stat
    } catch (error) {
      // Another client created it meanwhile: we can set it now, unless that client deletes it again at once.
      if (!KeeperError.is(error, 'NODE_EXISTS')) throw error
      await races.lost(error)
    }
  }
}
