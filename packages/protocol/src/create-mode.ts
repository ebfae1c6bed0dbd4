/** The seven ways to create a znode and their number on the wire: an enumeration, not a bit set (CreateMode.java). */

export interface CreateModeRow {
  /** The number on the wire. */
  readonly flags: number
  /** The znode goes with its session. */
  readonly ephemeral: boolean
  /** The server appends a counter of the parent to the name. */
  readonly sequential: boolean
  /** The server deletes the znode after its last child has gone. */
  readonly container: boolean
  /** The server deletes the znode when it has had no children and no write for its TTL. */
  readonly ttl: boolean
}

export const createModes = {
  persistent: { flags: 0, ephemeral: false, sequential: false, container: false, ttl: false },
  ephemeral: { flags: 1, ephemeral: true, sequential: false, container: false, ttl: false },
  persistentSequential: { flags: 2, ephemeral: false, sequential: true, container: false, ttl: false },
  ephemeralSequential: { flags: 3, ephemeral: true, sequential: true, container: false, ttl: false },
  container: { flags: 4, ephemeral: false, sequential: false, container: true, ttl: false },
  persistentTtl: { flags: 5, ephemeral: false, sequential: false, container: false, ttl: true },
  persistentSequentialTtl: { flags: 6, ephemeral: false, sequential: true, container: false, ttl: true },
} as const satisfies Record<string, CreateModeRow>

export type CreateModeName = keyof typeof createModes

const byFlags: readonly CreateModeRow[] = Object.values(createModes)

/** The mode for a number on the wire; undefined if no mode has it. */
export function createModeOf(flags: number): CreateModeRow | undefined {
  return byFlags[flags]
}

/** Longest TTL a znode can have, in milliseconds: 40 bits (EphemeralType.java). */
export const ttlMsMax = 0xff_ffff_ffff
