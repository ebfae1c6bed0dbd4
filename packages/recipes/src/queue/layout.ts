/** How queues write their items, and in which order consumers take them; decided only from names. */
import type { ZnodePath } from '@lightkeeper/client'
import { below } from '../common/paths.ts'
import { bySequence, sequenceFrom } from '../common/sequence.ts'

/** An item by its name, with its place in the order. */
export interface Place {
  readonly name: string
  /** Items with a lower rank come first. In a delay queue the rank is the time when the item is due, milliseconds since 1970. */
  readonly rank: number
  readonly sequence: number
}

export interface QueueLayout {
  items(path: ZnodePath): ZnodePath
  /** Parent of the claims: ephemerals with the names of the items. */
  claims(path: ZnodePath): ZnodePath
  /** Name of a new item, without its sequence number. */
  name(rank: number): string
  /** Undefined for a name that is no item. */
  place(name: string): Place | undefined
  /** Whether the data uses Curator's frame. */
  readonly isFramed: boolean
  /** Whether `rank` is a time before which consumers must not take the item. */
  readonly isTimed: boolean
  /** Whether a new item always goes behind all others, so that one list is good for many takes. */
  readonly isAppendOnly: boolean
  /** The rank of an item without a given rank. */
  readonly defaultRank: number
  /** The lowest and the highest rank that names can hold. */
  readonly rankRange: readonly [least: number, most: number]
}

const curator = {
  items: (path: ZnodePath) => path,
  claims: (path: ZnodePath): ZnodePath => `${path}-claims`,
  isFramed: true,
  isTimed: false,
  isAppendOnly: false,
  defaultRank: 0,
  rankRange: [-0x8000_0000, 0x7fff_ffff],
} as const

/** The place of a name that matches `pattern`, whose last group is the number. */
function placeBy(pattern: RegExp, rankOf: (match: RegExpExecArray) => number): (name: string) => Place | undefined {
  return (name) => {
    const match = pattern.exec(name)
    const sequence = sequenceFrom(match?.at(-1) ?? '')
    if (match === null || sequence === undefined) return undefined
    return { name, rank: rankOf(match), sequence }
  }
}

const kazoo: QueueLayout = {
  items: (path) => path,
  claims: (path): ZnodePath => `${path}-claims`,
  isFramed: false,
  isTimed: false,
  isAppendOnly: false,
  defaultRank: 100,
  rankRange: [0, 999],
  name: (rank) => `entry-${`${rank}`.padStart(3, '0')}-`,
  place: placeBy(/^entry-(\d{3})-(-?\d+)$/, (match) => Number(match[1])),
}

export const layouts = {
  /** Curator's DistributedQueue. */
  plain: {
    ...curator,
    isAppendOnly: true,
    rankRange: [0, 0],
    name: () => 'queue-',
    place: placeBy(/^queue-(-?\d+)$/, () => 0),
  },
  /** Curator's DistributedPriorityQueue: `0` or `1` for the sign, and the priority as eight hex digits. */
  priority: {
    ...curator,
    name: (rank) => `queue-${rank >= 0 ? 1 : 0}${(rank >>> 0).toString(16).toUpperCase().padStart(8, '0')}`,
    place: placeBy(/^queue-[01]([0-9A-F]{8})(-?\d+)$/, (match) => Number.parseInt(match[1] as string, 16) | 0),
  },
  /** Curator's DistributedDelayQueue: the time when the item is due, in hex. */
  delay: {
    ...curator,
    isTimed: true,
    rankRange: [0, Number.MAX_SAFE_INTEGER],
    name: (rank) => `queue-|${Math.trunc(rank).toString(16).toUpperCase().padStart(8, '0')}|`,
    place: placeBy(/^queue-\|([0-9A-F]{1,16})\|(-?\d+)$/, (match) => Number.parseInt(match[1] as string, 16)),
  },
  /** kazoo's LockingQueue: three digits of priority, lower first. */
  kazooLocking: {
    ...kazoo,
    items: (path) => below(path, 'entries'),
    claims: (path) => below(path, 'taken'),
  },
  /** kazoo's Queue. Its own consumers make no claims. */
  kazooQueue: kazoo,
} as const satisfies Record<string, QueueLayout>

/** The items among `names`, in the order in which consumers take them. */
export function inOrder(layout: QueueLayout, names: readonly string[]): Place[] {
  return names
    .map((name) => layout.place(name))
    .filter((place) => place !== undefined)
    .sort((a, b) => a.rank - b.rank || bySequence(a, b))
}

export type Next =
  | { readonly kind: 'take'; readonly place: Place }
  /** No item can be taken before `at`, milliseconds since 1970, unless something changes. */
  | { readonly kind: 'wait'; readonly at: number }

/** The first item that no consumer has claimed; `places` are in order. */
export function nextItem(
  layout: QueueLayout,
  places: readonly Place[],
  isClaimed: (name: string) => boolean,
  now: number,
): Next {
  for (const place of places) {
    if (isClaimed(place.name)) continue
    return layout.isTimed && place.rank > now ? { kind: 'wait', at: place.rank } : { kind: 'take', place }
  }
  return { kind: 'wait', at: Number.POSITIVE_INFINITY }
}
