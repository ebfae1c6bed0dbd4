/** Leases for a time: kazoo's NonBlockingLease, which belong to no session. */
import type { ZnodePath } from '@lightkeeper/client'
import { type Directories, isEphemeral, partyOf } from './directory.ts'
import { standings } from './line.ts'
import { lineOf } from './locks.ts'
import type { Structure, Waiter } from './structure.ts'

/** The holder is in the data of one znode. A lock beside it is held for a moment by each client that asks. */
export function timeLeaseAt(directories: Directories, path: ZnodePath): { structure: Structure } | undefined {
  const found = directories.children(path).find((child) => child.name === 'lease_holder' && !isEphemeral(child))
  const lease = found && leaseIn(found.data)
  if (found === undefined || lease === undefined) return undefined
  const line = standings(lineOf(directories, path))
  const asking = [...line.holders.map((each): Waiter => ({ ...each, behind: [], needs: 'all' })), ...line.waiters]
  const notes = [`the lease ends at ${lease.end} UTC, by the clock of its holder`]
  const holders = [{ ...partyOf(found), id: lease.holder }]
  return { structure: { kind: 'lease', path, layouts: ['kazoo'], holders, waiters: asking, notes } }
}

function leaseIn(data: Uint8Array): { readonly holder: string; readonly end: string } | undefined {
  try {
    const { holder, end } = JSON.parse(new TextDecoder().decode(data)) as {
      readonly holder?: unknown
      readonly end?: unknown
    }
    return typeof holder === 'string' && typeof end === 'string' ? { holder, end } : undefined
  } catch {
    return undefined
  }
}
