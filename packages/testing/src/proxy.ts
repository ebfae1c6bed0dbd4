/** A TCP proxy between a client and a server, for faults on the wire. */

import { createConnection, createServer, type Socket } from 'node:net'
import { callable, interval, OptionSet } from '@lightkeeper/client/arguments'

/** A proxy in front of a server, made by `proxy`. It cuts and silences connections when a test asks for it. */
export interface Proxy extends AsyncDisposable {
  /** The port of this machine where it listens. */
  readonly port: number
  /** `127.0.0.1` with this port. */
  readonly connectString: string
  /** Resets every connection; new connections are accepted. */
  cut(): void
  /** Drops what servers send from now on, without closing anything: replies are lost. */
  swallowReplies(): void
  /**
   * The cable is unplugged: nothing passes in either direction, and nothing is closed. New connections open and receive nothing.
   * What was sent meanwhile, ends of connections too, arrives after `heal`, as with TCP after a partition.
   */
  hang(): void
  /** Passes everything again, on old and new connections. */
  heal(): void
  /** Refuses new connections until `heal`. */
  refuse(): void
  /** `refuse` and `cut`: no client is served until `heal`. */
  down(): void
  /**
   * The next piece from a client that `matches` reaches the server, but no answer on that connection reaches the client. The
   * connection ends when the server answers: the request was executed, and its reply is lost.
   */
  loseReplyTo(matches: (request: Buffer) => boolean): void
  /** Number of connections accepted so far. */
  readonly accepted: number
  /** The largest number of connections that were open at the same time. */
  readonly openMax: number
  /** Number of bytes that clients have sent so far. */
  readonly sentBytes: number
  /** Ends `hang`, cuts every connection, and stops listening. Resolves when all clients' connections are closed. Never rejects. */
  close(): Promise<void>
}

/** The options of `proxy`. */
export interface ProxyOptions {
  /**
   * Gets the first bytes of a client, and returns what to pass on instead; undefined until enough bytes have arrived. It is for
   * protocols in which a client names an address. Default: everything is passed on unchanged.
   */
  readonly opening?: (bytes: Buffer) => Buffer | undefined
  /**
   * How long a new connection waits for a listener behind the proxy, milliseconds. Without this wait a caller that
   * retries after a refusal would see a connection that ends at once. Default 0.
   */
  readonly patience?: number
}

const proxyOptions = new OptionSet<ProxyOptions>({ opening: callable, patience: interval })

/**
 * Starts a proxy on a free port in front of `port` of this machine.
 * @throws TypeError or RangeError for an option that does not exist or cannot be used.
 */
export async function proxy(port: number, given: ProxyOptions = {}): Promise<Proxy> {
  const options = proxyOptions.of(given, 'proxy')
  const sockets = new Set<Socket>()
  let swallows = false
  let refuses = false
  let isHung = false
  let sentBytes = 0
  let accepted = 0
  let open = 0
  let openMax = 0
  let losing: ((request: Buffer) => boolean) | undefined
  /** What to do when the cable is plugged in again. */
  const afterHang: (() => void)[] = []
  const whenPassing = (act: () => void): void => {
    if (isHung) afterHang.push(act)
    else act()
  }
  // A four-letter word is answered after the sender has closed its half.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (refuses) {
      client.destroy()
      return
    }
    accepted++
    openMax = Math.max(openMax, ++open)
    sockets.add(client)
    client.on('error', () => {})
    client.on('close', () => {
      open--
      sockets.delete(client)
    })
    // No byte is lost while the other half is being opened.
    client.pause()
    whenPassing(() => dial(client, Date.now() + (options.patience ?? 0)))
  })
  /** Opens the other half; `giveUpAt` is in milliseconds since 1970. */
  const dial = (client: Socket, giveUpAt: number): void => {
    if (client.destroyed) return
    const upstream = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
    upstream.once('connect', () => join(client, upstream))
    upstream.once('error', () => {
      if (Date.now() < giveUpAt) setTimeout(() => whenPassing(() => dial(client, giveUpAt)), 20)
      else whenPassing(() => void client.destroy())
    })
  }
  const join = (client: Socket, upstream: Socket): void => {
    let opening = options.opening
    let first: Buffer = Buffer.alloc(0)
    let isLost = false
    const opened = (chunk: Buffer): Buffer | undefined => {
      if (opening === undefined) return chunk
      first = Buffer.concat([first, chunk])
      const passed = opening(first)
      if (passed !== undefined) opening = undefined
      return passed
    }
    sockets.add(upstream)
    upstream.on('close', () => sockets.delete(upstream))
    upstream.on('error', () => {})
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk) => {
        if (from === client) {
          sentBytes += chunk.length
          if (losing?.(chunk) === true) {
            losing = undefined
            isLost = true
          }
        } else if (isLost) {
          client.destroy()
          return
        } else if (swallows) return
        const passed = from === client ? opened(chunk) : chunk
        if (passed !== undefined) to.write(passed)
      })
      from.on('close', () => whenPassing(() => void to.destroy()))
      from.on('end', () => whenPassing(() => void to.end()))
      if (isHung) from.pause()
    }
    if (client.destroyed) upstream.destroy()
    else if (!isHung) client.resume()
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy()
  }
  const heal = (): void => {
    swallows = false
    refuses = false
    if (!isHung) return
    isHung = false
    for (const act of afterHang.splice(0)) act()
    for (const socket of sockets) if (socket.listenerCount('data') > 0) socket.resume()
  }
  const close = async (): Promise<void> => {
    heal()
    cut()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port: own,
    connectString: `127.0.0.1:${own}`,
    cut,
    swallowReplies() {
      swallows = true
    },
    hang() {
      isHung = true
      for (const socket of sockets) socket.pause()
    },
    heal,
    refuse() {
      refuses = true
    },
    down() {
      refuses = true
      cut()
    },
    loseReplyTo(matches) {
      losing = matches
    },
    get accepted() {
      return accepted
    },
    get openMax() {
      return openMax
    },
    get sentBytes() {
      return sentBytes
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
