/** Who holds a lock and who waits for whom, decided from names alone. Creating and watching live in common/contender.ts. */
import { type InLine, lineOf, type Standing, standingIn } from '../common/line.ts'

export type Side = 'read' | 'write'

/**
 * What lock libraries put in front of the number, and which side it stands for. All of them count with one counter, that of
 * the parent, so that everybody on one path is in one line: Curator and go-zk `lock-`, kazoo `__lock__` and `__rlock__`,
 * Curator's read-write lock `__WRIT__` and `__READ__`.
 */
export const sides = {
  'lock-': 'write',
  __lock__: 'write',
  __WRIT__: 'write',
  __READ__: 'read',
  __rlock__: 'read',
} as const satisfies Record<string, Side>

export type LockMarker = keyof typeof sides

// A writer before a reader of the same number: one who has turned its write lock into a read lock (Curator 5.5 and later).
const markers = Object.keys(sides) as LockMarker[]

export function lockLine(children: readonly string[]): InLine<LockMarker>[] {
  return lineOf(children, markers)
}

/** A writer waits for the one right before it, a reader for the nearest writer before it. */
export function lockStanding(children: readonly string[], own: string, side: Side): Standing {
  const isKeptOutBy = (other: InLine<LockMarker>): boolean => side === 'write' || sides[other.marker] === 'write'
  return standingIn(lockLine(children), own, isKeptOutBy)
}

/** How many of a line, from its front, hold the lock. */
export function holderCount(line: readonly InLine<LockMarker>[]): number {
  const firstWriter = line.findIndex(({ marker }) => sides[marker] === 'write')
  if (firstWriter === -1) return line.length
  return Math.max(firstWriter, 1)
}
