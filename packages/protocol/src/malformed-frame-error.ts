/** Bytes that do not follow the protocol. This is the only error that decoding throws. */
export class MalformedFrameError extends Error {
  override readonly name = 'MalformedFrameError'
  /** The code to match. */
  readonly code = 'MALFORMED_FRAME'
  /** Offset in the decoded bytes where the bytes stopped making sense. */
  readonly offset: number

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`)
    this.offset = offset
  }
}
