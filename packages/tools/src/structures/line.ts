/** The line of sequential znodes, read from their names. */
import type { Child } from './directory.ts'
import { partyOf } from './directory.ts'
import type { Layout, Party, Waiter } from './structure.ts'

/** The part of a name before the number: it shows the library and the kind of request. */
interface Marker {
  readonly layout: Layout
  readonly kind: 'lock' | 'election'
  readonly side: 'read' | 'write'
}

export interface InLine {
  readonly child: Child
  readonly layout: Layout
  readonly kind: Marker['kind']
  readonly side: Marker['side']
  /** The number that the server appended, a 32-bit integer. */
  readonly sequence: number
}

/** `%010d` of a 32-bit integer: negative numbers have nine or more digits behind the sign, which is no dash of the name. */
const numbers = [/^(.*)(\d{10})$/s, /^(.*?)(-\d{9,10})$/s]
const dashedUuid = /^_c_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-/
const bareUuid = /^_c_[0-9a-f]{32}-/
const kazooFront = /^[0-9a-f]{32}/

/** The place of `name` in the line of its parent; undefined for a name that is in no line. */
export function inLine(child: Child): InLine | undefined {
  for (const number of numbers) {
    const [, front = '', digits] = number.exec(child.name) ?? []
    const sequence = Number(digits)
    const marker = sequence === (sequence | 0) ? markerOf(front) : undefined
    if (marker !== undefined) return { child, sequence, ...marker }
  }
  return undefined
}

/** Curator's LeaderSelector and kazoo's Election use the names of locks, and look the same. */
function markerOf(front: string): Marker | undefined {
  if (kazooFront.test(front)) {
    const rest = front.slice(32)
    if (rest === '__lock__') return { layout: 'kazoo', kind: 'lock', side: 'write' }
    if (rest === '__rlock__') return { layout: 'kazoo', kind: 'lock', side: 'read' }
    if (/^p\d{1,10}__lock__$/.test(rest)) return { layout: 'kazoo', kind: 'election', side: 'write' }
    return undefined
  }
  const layout = bareUuid.test(front) ? 'go-zk' : 'curator'
  const name = front.replace(dashedUuid, '').replace(bareUuid, '')
  if (name === 'lock-') return { layout, kind: 'lock', side: 'write' }
  if (name === '__WRIT__') return { layout, kind: 'lock', side: 'write' }
  if (name === '__READ__') return { layout, kind: 'lock', side: 'read' }
  if (/^(?:p\d{1,10}-)?latch-$/.test(name)) return { layout, kind: 'election', side: 'write' }
  // WriteLock and LeaderElectionSupport of Apache's own recipes; WriteLock has the session id in decimal digits.
  if (/^x--?\d{1,20}-$/.test(front)) return { layout: 'apache', kind: 'lock', side: 'write' }
  if (front === 'n_') return { layout: 'apache', kind: 'election', side: 'write' }
  return undefined
}

/**
 * First come first. The counter of a parent goes from 2147483647 to -2147483648, so a later znode is ahead by at most half of all
 * numbers. A writer goes before a reader with the same number: such a reader has turned its write lock into a read lock.
 */
export function inOrder(line: readonly InLine[]): InLine[] {
  return [...line].sort(
    (a, b) => (a.sequence - b.sequence) | 0 || (a.side === b.side ? 0 : a.side === 'write' ? -1 : 1),
  )
}

/** Who in an ordered line holds the lock, and for whom the others wait. */
export function standings(line: readonly InLine[]): { readonly holders: Party[]; readonly waiters: Waiter[] } {
  const holders: Party[] = []
  const waiters: Waiter[] = []
  const isReadWrite = line.some(({ side }) => side === 'read')
  const party = ({ child, side }: InLine): Party => (isReadWrite ? { ...partyOf(child), side } : partyOf(child))
  for (const [i, each] of line.entries()) {
    const behind = blockersOf(line, i).map(({ child }) => child.path)
    if (behind.length === 0) holders.push(party(each))
    else waiters.push({ ...party(each), behind, needs: 'all' })
  }
  return { holders, waiters }
}

/** A reader waits for the nearest writer before it; a writer waits for that one and for the readers between. */
function blockersOf(line: readonly InLine[], at: number): InLine[] {
  const own = line[at] as InLine
  const blockers: InLine[] = []
  for (let i = at - 1; i >= 0; i--) {
    const other = line[i] as InLine
    // A writer that continues as a reader keeps the number of its write lock, and holds both.
    if (other.side === 'write') {
      const isOwn = own.side === 'read' && other.sequence === own.sequence
      if (!isOwn) blockers.push(other)
      break
    }
    if (own.side === 'write') blockers.push(other)
  }
  return blockers.reverse()
}
