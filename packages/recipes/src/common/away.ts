/** Calls without a timeout that wait for other clients. They wait for a client without a limit, but not for a server. */
import { type Client, KeeperError, type Timer } from '@lightkeeper/client'
import { LinkedAbort } from './linked.ts'

/** How long such a call waits for a server, milliseconds. */
export const awayMs = 10_000

/** A signal that follows `signal`, and aborts with TIMEOUT when no server was reached for `awayMs`. Its disposal ends it. */
export class Away implements Disposable {
  readonly #abort: LinkedAbort
  readonly #end = new AbortController()

  constructor(zk: Client, operation: string, path: string, signal: AbortSignal | undefined) {
    this.#abort = new LinkedAbort(signal)
    void this.#follow(zk, operation, path)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  [Symbol.dispose](): void {
    this.#end.abort()
    this.#abort[Symbol.dispose]()
  }

  async #follow(zk: Client, operation: string, path: string): Promise<void> {
    let timer: Timer | undefined
    const giveUp = (): void => {
      const message = `no server was reached for ${awayMs} ms`
      this.#abort.abort(new KeeperError('TIMEOUT', { operation, path, outcome: 'unknown', message }))
    }
    for await (const { kind } of zk.states({ signal: this.#end.signal })) {
      if (kind === 'connected') {
        timer?.cancel()
        timer = undefined
      } else timer ??= zk.clock.after(awayMs, giveUp)
    }
    timer?.cancel()
  }
}
