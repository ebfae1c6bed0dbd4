/** Bytes that are not what the protocol says should stand here: the only error decoding ever throws. */
export class MalformedFrameError extends Error {
  override readonly name = 'MalformedFrameError'
  readonly code = 'MALFORMED_FRAME'
  /** Offset in the decoded bytes at which reading stopped making sense. */
  readonly offset: number

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`)
    this.offset = offset
  }
}
