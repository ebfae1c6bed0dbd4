/** Groups: their members, each an ephemeral. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Child, type Directories, isEphemeral, partyOf } from './directory.ts'
import { isMaster } from './masters.ts'
import type { Layout, Party, Structure } from './structure.ts'

const party = /^[0-9a-f]{32}__party__$/
const shallow = /^[0-9a-f]{32}-(.*)$/s

/**
 * kazoo's parties by their names; any other ephemerals with the same parent are members of a group, as in Curator's GroupMember.
 */
export function groupAt(directories: Directories, path: ZnodePath): { structure: Structure } | undefined {
  const members = directories.children(path).filter((child) => isEphemeral(child) && !isMaster(directories, child))
  if (members.length === 0) return undefined
  const isKazoo = members.every(({ name }) => party.test(name) || shallow.test(name))
  const layouts: Layout[] = [isKazoo ? 'kazoo' : 'curator']
  const holders = members.map((child) => (isKazoo ? kazooMember(child) : { ...partyOf(child), id: child.name }))
  return { structure: { kind: 'group', path, layouts, holders, waiters: [], notes: [] } }
}

function kazooMember(child: Child): Party {
  const own = partyOf(child)
  return party.test(child.name) ? own : { ...own, id: shallow.exec(child.name)?.[1] }
}
