/**
 * A session as this process knows it. There is one object for each. Its connection and its clock share the object, so a request
 * touches its session without a look-up.
 */
export class Session {
  readonly id: bigint
  /** Negotiated, in milliseconds; a reconnect may change it. */
  timeoutMs: number
  /** A closeSession is under way: writes of the session are refused, and its ephemerals will be deleted. */
  isClosing = false
  /** What speaks for it, where transactions are made: this server's own orderer, or the link of another server. */
  owner: object | undefined = undefined

  constructor(id: bigint, timeoutMs: number) {
    this.id = id
    this.timeoutMs = timeoutMs
  }
}
