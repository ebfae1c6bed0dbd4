/** Decides who leads and who waits for whom, only from names. common/contender.ts creates and watches the znodes. */
import type { Outranked } from '../common/contender.ts'
import { type InLine, lineOf, type Standing, standingIn } from '../common/line.ts'

/** The text before the number: in Curator's LeaderLatch, and in kazoo's Election. Both use the same counter. */
const markers = ['latch-', '__lock__'] as const

export type ElectionMarker = (typeof markers)[number]

export interface CandidateInLine extends InLine<ElectionMarker> {
  /** Read from the name, so that no data is read; 0 where the name has none. */
  readonly priority: number
}

/** The text before the number for a candidate of `priority`: `latch-`, `p10-latch-`, `__lock__`, `p10__lock__`. */
export function markerOf(names: 'curator' | 'kazoo', priority: number): string {
  if (names === 'kazoo') return priority === 0 ? '__lock__' : `p${priority}__lock__`
  return priority === 0 ? 'latch-' : `p${priority}-latch-`
}

/** First come first: the first one leads. */
export function electionLine(children: readonly string[]): CandidateInLine[] {
  return lineOf(children, markers).map((each) => ({ ...each, priority: priorityOf(each) }))
}

/** Each waits for the one before it. The first gives way if one behind it has a higher priority. */
export function electionStanding(children: readonly string[], own: string): Standing | Outranked {
  const line = electionLine(children)
  const standing = standingIn(line, own)
  return standing.kind === 'first' && isOutranked(line, own) ? { kind: 'outranked' } : standing
}

/** Whether a candidate with a higher priority than `own` stands in line. */
export function isOutranked(line: readonly CandidateInLine[], own: string): boolean {
  const priority = line.find(({ name }) => name === own)?.priority ?? 0
  return line.some((each) => each.priority > priority)
}

const curatorPriority = /-p(\d{1,10})-$/
const kazooPriority = /^[0-9a-f]{32}p(\d{1,10})$/

function priorityOf({ name, marker }: InLine<ElectionMarker>): number {
  const front = name.slice(0, name.lastIndexOf(marker))
  return Number((marker === 'latch-' ? curatorPriority : kazooPriority).exec(front)?.[1] ?? 0)
}
