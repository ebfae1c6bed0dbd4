/** TCP by node:net, with TLS by node:tls where asked for. */
import { resolveSrv } from 'node:dns/promises'
import { createConnection, createServer, type Server, Socket } from 'node:net'
import { formatAddress, parseAddress } from '../address.ts'
import type { Link, LinkEvents, LinkOptions, Listener, Network } from '../network.ts'
import type { TlsOptions } from '../tls-options.ts'
import { ThreadedLink } from './threaded-link.ts'
import { explainTls, tlsSocket } from './tls.ts'

/** What sockets read into, one after the other: around their streams, which cost a tenth of a round trip. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

function copyOfRead(size: number): Uint8Array {
  // Small arrays live in V8's own heap; large ones need not be zeroed first.
  const own = size <= 1024 ? new Uint8Array(size) : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer, 0, size)
  own.set(readBuffer.subarray(0, size))
  return own
}

export function nodeNetwork(): Network {
  return {
    connect(address, events, options) {
      if (options?.hasThread) return new ThreadedLink(address, events, options)
      const { host, port } = parseAddress(address)
      if (options?.tls !== undefined) return secureLink(address, events, options.tls, options)
      const onread = {
        buffer: readBuffer,
        callback: (size: number) => {
          events.data(copyOfRead(size))
          return true
        },
      }
      const socket = createConnection({ host, port, noDelay: true, onread })
      socket.once('connect', () => events.opened?.())
      return new SocketLink(socket, address, () => events)
    },
    async service(name) {
      const records = await resolveSrv(name)
      // Heavier ones tend to come first, each in its priority.
      const order = records.map((record) => ({ record, chance: Math.random() ** (1 / Math.max(0.01, record.weight)) }))
      order.sort((a, b) => a.record.priority - b.record.priority || b.chance - a.chance)
      return order.map(({ record }) => formatAddress(record.name, record.port))
    },
    listen(address, accept, options): Promise<Listener> {
      const { host, port } = parseAddress(address)
      const server = createServer({ noDelay: true, allowHalfOpen: false, pauseOnConnect: false }, (socket) => {
        const remote = formatAddress(plainHost(socket.remoteAddress ?? ''), socket.remotePort ?? 0)
        let events: LinkEvents | undefined
        const link = new SocketLink(socket, remote, () => events)
        events = accept(link)
      })
      return new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port, ...(options?.backlog === undefined ? {} : { backlog: options.backlog }) }, () => {
          server.removeListener('error', reject)
          // Accept errors (no file descriptors left) must not end the process; the peer sees a closed socket.
          server.on('error', () => {})
          resolve(listenerOf(server, host))
        })
      })
    },
  }
}

function secureLink(address: string, events: LinkEvents, tls: TlsOptions, options: LinkOptions): Link {
  const { host, port } = parseAddress(address)
  const name = options.serverName ?? host
  let isSecure = false
  let socket: Socket
  try {
    socket = tlsSocket(host, port, name, tls)
  } catch (error) {
    // A certificate or key that cannot be read: a failure like any other, which the next attempt may not have.
    socket = new Socket()
    socket.destroy(new Error(`unusable TLS options: ${(error as Error).message}`, { cause: error }))
  }
  socket.once('secureConnect', () => {
    isSecure = true
    events.opened?.()
  })
  return new SocketLink(
    socket,
    address,
    () => events,
    (error) => explainTls(error, name, isSecure),
  )
}

function listenerOf(server: Server, host: string): Listener {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return {
    address: formatAddress(host, port),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** `::ffff:10.0.0.7` is how a dual-stack listener shows 10.0.0.7. */
function plainHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host
}

class SocketLink implements Link {
  readonly remote: string
  readonly #socket: Socket

  constructor(
    socket: Socket,
    remote: string,
    events: () => LinkEvents | undefined,
    explain: (error: Error) => Error = (error) => error,
  ) {
    this.remote = remote
    this.#socket = socket
    let reason: Error | undefined
    // Nothing comes here from a socket that has `onread`. A plain Uint8Array: slice() of a Buffer would be a view that pins the whole chunk, not a copy.
    socket.on('data', (chunk: Uint8Array) => {
      events()?.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
    })
    socket.on('drain', () => events()?.drained?.())
    socket.on('error', (error) => {
      reason = explain(error)
    })
    socket.on('close', () => events()?.closed(reason))
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  write(chunk: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return true
    return this.#socket.write(chunk)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
