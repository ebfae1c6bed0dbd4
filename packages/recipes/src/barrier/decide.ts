/**
 * Decides from Stats who may enter a double barrier and who waits for which member. A round is open when `ready` was written after
 * the members of the round came. A member that came later belongs to the next round.
 */

export const readyName = 'ready'

export interface BarrierMember {
  readonly name: string
  readonly czxid: bigint
}

/** `stamp` is the mzxid of `ready`, undefined where there is none. */
export function isOpen(stamp: bigint | undefined, czxid: bigint): boolean {
  return stamp !== undefined && stamp > czxid
}

/** The members of a full round: those that came after the last round was opened. Undefined where there are fewer than `count`. */
export function fullRound(
  members: readonly BarrierMember[],
  stamp: bigint | undefined,
  count: number,
): BarrierMember[] | undefined {
  const waiting = members.filter(({ czxid }) => stamp === undefined || czxid > stamp)
  return waiting.length >= count ? waiting : undefined
}

export type Leave =
  /** No member of the round is left. */
  | { readonly kind: 'done' }
  /** Only this member is left: the last one deletes `ready` too. */
  | { readonly kind: 'last' }
  /** This member leaves now, and waits for the member that leaves last. */
  | { readonly kind: 'goAndWait'; readonly behind: string }
  /** This member leaves last, and waits for another member. */
  | { readonly kind: 'stayAndWait'; readonly behind: string }

/**
 * The rule of Curator and kazoo: the smallest name stays until it is alone, and the others wait for it, so each member waits for
 * one. Counts the members of the round of `stamp`, and members of earlier rounds that still exist.
 */
export function leave(members: readonly BarrierMember[], stamp: bigint, mine: string): Leave {
  const names = members
    .filter(({ czxid }) => czxid < stamp)
    .map(({ name }) => name)
    .sort()
  const [smallest] = names
  const largest = names.at(-1)
  if (smallest === undefined || largest === undefined) return { kind: 'done' }
  if (!names.includes(mine)) return { kind: 'goAndWait', behind: smallest }
  if (names.length === 1) return { kind: 'last' }
  return smallest === mine ? { kind: 'stayAndWait', behind: largest } : { kind: 'goAndWait', behind: smallest }
}
