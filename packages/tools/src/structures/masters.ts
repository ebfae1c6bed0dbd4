/** Our classic election: the master is one ephemeral znode; a persistent znode beside it counts the terms. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Child, type Directories, isEphemeral, partyOf } from './directory.ts'
import type { Structure } from './structure.ts'

export function mastersIn(directories: Directories, path: ZnodePath): Structure[] {
  return directories
    .children(path)
    .filter((child) => isEphemeral(child) && isMaster(directories, child))
    .map((child) => {
      const kind = 'election'
      return { kind, path: child.path, layouts: ['lightkeeper'], holders: [partyOf(child)], waiters: [], notes: [] }
    })
}

export function isMaster(directories: Directories, { path }: Child): boolean {
  return directories.tree.get(`${path}-epoch`)?.stat.kind === 'persistent'
}
