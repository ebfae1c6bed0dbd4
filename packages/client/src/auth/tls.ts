/** Connections over TLS. The options are read again before each connection, so that certificates reload. */
import type { Link, LinkEvents, Network, TlsOptions } from '@lightkeeper/runtime'
import { messageOf } from '../thrown.ts'

/**
 * `true` for the authorities that Node trusts; options of node:tls; or a function that returns them, called before every
 * connection.
 */
export type Tls = boolean | TlsOptions | (() => TlsOptions | Promise<TlsOptions>)

/** The same network, with TLS on every connection; unchanged where `tls` is false or undefined. */
export function withTls(network: Network, tls: Tls | undefined): Network {
  if (tls === undefined || tls === false) return network
  // The properties are not copied: those of a network that is a class are on its prototype, and may be private.
  return new Proxy(network, {
    get(target, name) {
      if (name === 'connect') {
        return (address: string, events: LinkEvents, options?: Parameters<Network['connect']>[2]): Link => {
          const open = (given: TlsOptions): Link => target.connect(address, events, { ...options, tls: given })
          return typeof tls === 'function' ? new LinkToCome(address, events, tls, open) : open(tls === true ? {} : tls)
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A link whose options are not known yet. */
class LinkToCome implements Link {
  readonly remote: string
  #link: Link | undefined
  readonly #events: LinkEvents
  #isDestroyed = false

  constructor(
    address: string,
    events: LinkEvents,
    ask: () => TlsOptions | Promise<TlsOptions>,
    open: (options: TlsOptions) => Link,
  ) {
    this.remote = address
    this.#events = events
    // In a turn of its own: a user's function must not run inside the protocol loop.
    Promise.resolve()
      .then(ask)
      .then((options) => {
        // Without options the connection would not be encrypted.
        if (typeof options !== 'object' || options === null) throw new TypeError('the function returned none')
        if (!this.#isDestroyed) this.#link = open(options)
      })
      .catch((error: unknown) => {
        if (this.#isDestroyed) return
        this.#isDestroyed = true
        events.closed(new Error(`no TLS options: ${messageOf(error)}`, { cause: error }))
      })
  }

  get queuedBytes(): number {
    return this.#link?.queuedBytes ?? 0
  }

  /** The session writes nothing before `opened`. */
  write(chunk: Uint8Array): boolean {
    return this.#link?.write(chunk) ?? true
  }

  get keepAlive(): Link['keepAlive'] {
    return this.#link?.keepAlive?.bind(this.#link)
  }

  pause(): void {
    this.#link?.pause()
  }

  resume(): void {
    this.#link?.resume()
  }

  end(): void {
    if (this.#link === undefined) this.destroy()
    else this.#link.end()
  }

  destroy(): void {
    if (this.#link !== undefined) this.#link.destroy()
    else if (!this.#isDestroyed) {
      this.#isDestroyed = true
      void Promise.resolve().then(() => this.#events.closed())
    }
  }
}
