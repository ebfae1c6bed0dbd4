/** The connection of this server that speaks for a session: only one at a time, the last one that came. */

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

  /** `connection` is gone. Changes nothing if another one speaks for the session by now. */
  detach(session: bigint, connection: C): void {
    if (this.#connections.get(session) === connection) this.#connections.delete(session)
  }
}
