/** The next step towards a znode that must exist, decided from the current state. */

/** The znode that has the name. */
export interface Found {
  /** Session of an ephemeral, else 0. */
  readonly owner: bigint
  readonly data: Uint8Array
}

export interface Wanted {
  readonly isEphemeral: boolean
  readonly data: Uint8Array
}

/**
 * `rest`: it is right. `create`, `write`: it is missing, or has other data. `replace`: an old znode of ours has the name, and would
 * go with its session. `yield`: another client has the name, and keeps it.
 */
export type Step = 'rest' | 'create' | 'write' | 'replace' | 'yield'

/** `isLeftover` is called for a znode that does not belong to `session`. */
export function stepFor(
  found: Found | undefined,
  wanted: Wanted,
  session: bigint,
  isLeftover: (found: Found) => boolean,
): Step {
  if (found === undefined) return 'create'
  if (found.owner !== (wanted.isEphemeral ? session : 0n)) return isLeftover(found) ? 'replace' : 'yield'
  return isEqual(found.data, wanted.data) ? 'rest' : 'write'
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
