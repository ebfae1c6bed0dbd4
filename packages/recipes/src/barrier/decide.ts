/**
 * Who may go through a double barrier and who waits on whom, decided from Stats. A round has been opened when `ready` was written
 * after its members came; what is older than that is of the round before.
 */

export const readyName = 'ready'

export interface Member {
  readonly name: string
  readonly czxid: bigint
}

/** `stamp` is the mzxid of `ready`, undefined where there is none. */
export function isOpen(stamp: bigint | undefined, czxid: bigint): boolean {
  return stamp !== undefined && stamp > czxid
}

/** The members who make a round full: `count` of those that came since the last was opened; undefined where there are fewer. */
export function fullRound(members: readonly Member[], stamp: bigint | undefined, count: number): Member[] | undefined {
  const waiting = members.filter(({ czxid }) => stamp === undefined || czxid > stamp)
  return waiting.length >= count ? waiting : undefined
}

export type Leave =
  /** Nobody of the round is left. */
  | { readonly kind: 'done' }
  /** Nobody but me: the last one takes `ready` along. */
  | { readonly kind: 'last' }
  /** I go now, and wait on the one who goes last. */
  | { readonly kind: 'goAndWait'; readonly behind: string }
  /** I go last, and wait on another. */
  | { readonly kind: 'stayAndWait'; readonly behind: string }

/**
 * As Curator and kazoo do it: the smallest name stays until it is alone, the others wait on it, so that each waits on one.
 * `names` are those of the round of `stamp` and whoever is still there of earlier ones.
 */
export function leave(members: readonly Member[], stamp: bigint, mine: string): Leave {
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
