/** How current a view in memory is. */
import { jsonable } from './json-form.ts'

/**
 * `live`: up to date with this transaction, and every change arrives as it happens. `stale`: the connection was lost at that time,
 * or the view ended.
 */
export type Freshness =
  | { readonly kind: 'live'; readonly zxid: bigint }
  /** The last known state stays readable. */
  | { readonly kind: 'stale'; readonly since: Date }

/** `JSON.stringify` writes the zxid in hex. */
export function live(zxid: bigint): Freshness {
  return jsonable({ kind: 'live', zxid })
}
