/** How far a view in memory may be trusted. */

/** `live` from a transaction on, with every change as it comes; `stale` since the connection was lost. */
export type Freshness =
  | { readonly kind: 'live'; readonly zxid: bigint }
  /** What was known last still stands. */
  | { readonly kind: 'stale'; readonly since: Date }
