/**
 * A session as this process knows it. There is one object for each, which the connection that speaks for the session and the clock
 * that lets it expire share: a request touches its session without looking anything up.
 */
export class Session {
  readonly id: bigint
  /** Negotiated, in milliseconds; a reconnect may change it. */
  timeoutMs: number
  /** A closeSession is on its way: writes of the session are refused, its ephemerals are about to go. */
  isClosing = false
  /** Who speaks for it, where transactions are made: the own orderer, or the link of another server. */
  owner: object | undefined = undefined

  constructor(id: bigint, timeoutMs: number) {
    this.id = id
    this.timeoutMs = timeoutMs
  }
}
