/** Double barriers: Curator's, which ours also use, and kazoo's. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Directories, isEphemeral, partyOf } from './directory.ts'
import type { Structure } from './structure.ts'

const dashedUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const bareUuid = /^[0-9a-f]{32}$/

/** Members are ephemerals with a UUID as name; `ready` lets them in. Only the programs know the number of members. */
export function doubleBarrierAt(directories: Directories, path: ZnodePath): { structure: Structure } | undefined {
  const children = directories.children(path)
  const members = children
    .filter((child) => (dashedUuid.test(child.name) || bareUuid.test(child.name)) && isEphemeral(child))
    .sort((a, b) => Number(a.stat.czxid - b.stat.czxid))
  if (members.length === 0) return undefined
  const ready = children.find(({ name }) => name === 'ready')
  const layouts = members.every(({ name }) => bareUuid.test(name)) ? (['kazoo'] as const) : (['curator'] as const)
  const common = { kind: 'double barrier', path, layouts } as const
  // A round of ours is open for the members that are older than the last write of `ready`.
  const opened = ready?.stat.mzxid ?? -1n
  const inside = members.filter(({ stat }) => layouts[0] === 'kazoo' || stat.czxid < opened)
  if (ready === undefined) {
    const waiters = members.map((each) => ({ ...partyOf(each), behind: [], needs: 'all' as const }))
    return { structure: { ...common, holders: [], waiters, notes: ['it waits for more members; nobody is inside'] } }
  }
  const outside = members.filter((each) => !inside.includes(each))
  return {
    structure: {
      ...common,
      holders: inside.map(partyOf),
      waiters: outside.map((each) => ({ ...partyOf(each), behind: [], needs: 'all' as const })),
      notes: [],
    },
  }
}
