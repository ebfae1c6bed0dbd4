/** The children of a znode that may not exist. */
import { type CallOptions, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'

/** Names below `path`; none where the znode does not exist. */
export async function namesBelow(zk: Client, path: ZnodePath, options: CallOptions): Promise<readonly string[]> {
  try {
    return (await zk.children(path, options)).children
  } catch (error) {
    if (KeeperError.is(error, 'NO_NODE')) return []
    throw error
  }
}
