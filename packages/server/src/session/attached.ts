/** Which connection of this server speaks for which session: one at a time, the one that came last. */

export class Attached<C> {
  readonly #connections = new Map<bigint, C>()

  /** The connection of the session, undefined while it has none here. */
  of(session: bigint): C | undefined {
    return this.#connections.get(session)
  }

  /** `connection` speaks for the session from now on. */
  attach(session: bigint, connection: C): void {
    this.#connections.set(session, connection)
  }

  /** `connection` is gone. Changes nothing where another one speaks for the session by now. */
  detach(session: bigint, connection: C): void {
    if (this.#connections.get(session) === connection) this.#connections.delete(session)
  }
}
