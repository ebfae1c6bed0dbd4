/** How far a view in memory may be trusted. */
import { jsonable } from './json-form.ts'

/** `live`: up to date with this transaction, and every change comes as it happens. `stale`: the connection is lost since then. */
export type Freshness =
  | { readonly kind: 'live'; readonly zxid: bigint }
  /** What was known last stays readable. */
  | { readonly kind: 'stale'; readonly since: Date }

/** `JSON.stringify` writes the zxid in hex. */
export function live(zxid: bigint): Freshness {
  return jsonable({ kind: 'live', zxid })
}
