/** Who belongs to an ensemble and who has a say in it: what voting and leading need of a configuration. */

export interface Voter {
  readonly sid: number
  /** Group of a hierarchical quorum (`group.N`). Without groups everybody is in the same one. */
  readonly group: number
  /** Share of this server in its group (`weight.N`). 0: it votes, and counts for nothing. */
  readonly weight: number
}

export interface Membership {
  /** 0 as long as nobody changes it at run time. */
  readonly version: bigint
  readonly voters: readonly Voter[]
  /** sids of the servers that listen and have no say. */
  readonly observers: readonly number[]
  /** The lines as other servers read them, `server.1=…`. */
  readonly text: Uint8Array
}

/** An ensemble in which every voter counts the same. */
export function equalMembers(voters: readonly number[], observers: readonly number[] = []): Membership {
  return {
    version: 0n,
    voters: voters.map((sid) => ({ sid, group: 0, weight: 1 })),
    observers,
    text: new Uint8Array(0),
  }
}
