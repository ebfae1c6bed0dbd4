/** How far a view in memory may be trusted. */
import { jsonable } from './json-form.ts'

/** `live` from a transaction on, with every change as it comes; `stale` since the connection was lost. */
export type Freshness =
  | { readonly kind: 'live'; readonly zxid: bigint }
  /** What was known last still stands. */
  | { readonly kind: 'stale'; readonly since: Date }

/** Up to date as of this transaction; `JSON.stringify` has its zxid in hex. */
export function live(zxid: bigint): Freshness {
  return jsonable({ kind: 'live', zxid })
}
