/** Decides who holds a lock and who waits for whom, only from names. common/contender.ts creates and watches the znodes. */
import { type InLine, lineOf, type Standing, standingIn } from '../common/line.ts'

export type Side = 'read' | 'write'

/**
 * The text that lock libraries put before the number, and the side that it stands for: Curator and go-zk `lock-`, kazoo `__lock__`
 * and `__rlock__`, Curator's read-write lock `__WRIT__` and `__READ__`. The parent has one counter for all of them, so all
 * contenders at one path stand in one line.
 */
export const sides = {
  'lock-': 'write',
  __lock__: 'write',
  __WRIT__: 'write',
  __READ__: 'read',
  __rlock__: 'read',
} as const satisfies Record<string, Side>

export type LockMarker = keyof typeof sides

// A writer stands before a reader with the same number. Curator 5.5 and later turns a write lock into such a read lock.
const markers = Object.keys(sides) as LockMarker[]

export function lockLine(children: readonly string[]): InLine<LockMarker>[] {
  return lineOf(children, markers)
}

/** A writer waits for the contender right before it, a reader for the nearest writer before it. */
export function lockStanding(children: readonly string[], own: string, side: Side): Standing {
  const isKeptOutBy = (other: InLine<LockMarker>): boolean => side === 'write' || sides[other.marker] === 'write'
  return standingIn(lockLine(children), own, isKeptOutBy)
}

/** How many contenders at the front of a line hold the lock. */
export function holderCount(line: readonly InLine<LockMarker>[]): number {
  const firstWriter = line.findIndex(({ marker }) => sides[marker] === 'write')
  if (firstWriter === -1) return line.length
  return Math.max(firstWriter, 1)
}
