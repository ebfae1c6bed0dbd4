/** The way to the next connection: which server, after what wait, and from which list if a name service has it. */
import type { Runtime, Timer } from '@lightkeeper/runtime'
import type { HostList } from '../host-list.ts'
import { asError } from '../thrown.ts'
import type { Account } from './account.ts'
import { attemptMsMax, type Haste, waitMsMax } from './pace.ts'

/** The source of the list of servers, if it is not the connect string. */
export interface ServerLookUp {
  readonly name: string
  servers(): Promise<readonly string[]>
}

export interface DialerHost {
  readonly runtime: Runtime
  readonly hosts: HostList
  readonly account: Account
  readonly lookUp: ServerLookUp | undefined
  /** How long the search for a server may take. */
  haste(): Haste
  /** False after the client has ended, and while there is a connection. */
  mayDial(): boolean
  /** A server was chosen; `connect` follows after the wait. */
  chosen(server: string): void
  /** Dials the server. `delayMs` is the wait before. */
  connect(server: string, delayMs: number): void
  /** No server is known: it is time for another try. */
  redial(): void
}

export class Dialer {
  readonly #host: DialerHost
  #timer: Timer | undefined
  /** The look-up that counts; an older one that answers late is ignored. */
  #lookingUp: object | undefined

  constructor(host: DialerHost) {
    this.#host = host
  }

  /** Starts again. The host calls this when there is no connection. */
  dial(): void {
    this.#timer?.cancel()
    const { lookUp, hosts } = this.#host
    if (lookUp !== undefined && hosts.isAtStart) void this.#lookUpServers(lookUp)
    else this.#dialNext()
  }

  /** The list may be out of date from now on; a wait for a server goes on. */
  forgetLookUp(): void {
    this.#lookingUp = undefined
  }

  stop(): void {
    this.#timer?.cancel()
    this.#lookingUp = undefined
  }

  /** Looks up the servers again. Where the name cannot be resolved in time, the known servers stay. */
  async #lookUpServers(lookUp: ServerLookUp): Promise<void> {
    const { runtime, hosts, account } = this.#host
    const { clock } = runtime
    const own = {}
    this.#lookingUp = own
    let failure: Error | undefined
    let timer: Timer | undefined
    try {
      // A name service that hangs must not delay an attempt more than a server would.
      const limitMs = attemptMsMax(this.#host.haste())
      const late = new Promise<never>((_, reject) => {
        timer = clock.after(limitMs, () => reject(new Error(`no answer within ${Math.round(limitMs)} ms`)))
      })
      hosts.replace(await Promise.race([lookUp.servers(), late]))
      account.failures.delete(lookUp.name)
    } catch (error) {
      failure = asError(error)
    }
    timer?.cancel()
    if (this.#lookingUp !== own || !this.#host.mayDial()) return
    this.#lookingUp = undefined
    if (failure !== undefined) {
      account.failed(lookUp.name, new Error(`${lookUp.name}: ${failure.message}`, { cause: failure }))
    }
    if (hosts.servers.length > 0) this.#dialNext()
    else this.#timer = clock.after(hosts.wait(waitMsMax(this.#host.haste())), () => this.#host.redial())
  }

  #dialNext(): void {
    const { server, delayMs } = this.#host.hosts.next(waitMsMax(this.#host.haste()))
    this.#host.chosen(server)
    this.#timer = this.#host.runtime.clock.after(delayMs, () => {
      if (!this.#host.mayDial()) return
      // The list may have changed during the wait.
      if (this.#host.hosts.servers.includes(server)) this.#host.connect(server, delayMs)
      else this.dial()
    })
  }
}
