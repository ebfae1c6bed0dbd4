/** TCP by node:net, and TLS by node:tls if the options ask for it. */
import { lookup, resolveSrv } from 'node:dns/promises'
import { createConnection, createServer, isIP, type Server, Socket } from 'node:net'
import { formatAddress, parseAddress } from '../address.ts'
import { type Log, silentLog } from '../log.ts'
import type { Link, LinkEvents, LinkOptions, Listener, Network } from '../network.ts'
import type { TlsOptions } from '../tls-options.ts'
import type { TlsContext } from '../tls-server.ts'
import { DescriptorGate } from './descriptor-gate.ts'
import { type Report, reportTo } from './report.ts'
import { ThreadedLink } from './threaded-link.ts'
import { explainTls, tlsSocket } from './tls.ts'
import { acceptTls, nodeTlsContext, verdictOn } from './tls-server.ts'

/** The buffer that all sockets read into in turn. It bypasses their streams, which cost a tenth of a round trip. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

function copyOfRead(size: number): Uint8Array {
  // Small arrays live in V8's own heap; large ones need not be zeroed first.
  const own = size <= 1024 ? new Uint8Array(size) : new Uint8Array(Buffer.allocUnsafeSlow(size).buffer, 0, size)
  own.set(readBuffer.subarray(0, size))
  return own
}

/** The addresses of a name. @throws the system's error. */
type Resolve = (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

/**
 * An error that a listener of a link throws ends that link and goes to `log`; it never reaches the process. `resolve` finds the addresses
 * of a name to listen at.
 */
export function nodeNetwork(log: Log = silentLog, resolve: Resolve = (name) => lookup(name, { all: true })): Network {
  const report = reportTo(log)
  return {
    tlsContext: nodeTlsContext,
    connect(address, events, options) {
      try {
        return dial(address, events, options, report)
      } catch (error) {
        // An unusable address or option is an ordinary failure, reported after this call has returned.
        return new SocketLink(failedSocket(error as Error), address, () => events, report)
      }
    },
    async service(name) {
      const records = await resolveSrv(name)
      // Servers with a larger weight tend to come first, within each priority.
      const order = records.map((record) => ({ record, chance: Math.random() ** (1 / Math.max(0.01, record.weight)) }))
      order.sort((a, b) => a.record.priority - b.record.priority || b.chance - a.chance)
      return order.map(({ record }) => formatAddress(record.name, record.port))
    },
    async listen(address, accept, options): Promise<Listener> {
      const { host, port } = parseAddress(address)
      const own = isIP(host) === 0 ? await addressOf(host, resolve) : host
      const gate = new DescriptorGate(log)
      const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
        if (gate.admits(socket)) accepted(socket, accept, report)
      })
      return new Promise((resolve, reject) => {
        server.once('error', reject)
        // Without a host Node takes all addresses of IPv6 and IPv4, or of IPv4 alone where there is no other.
        const where = own === '::' ? {} : { host: own }
        const backlog = options?.backlog === undefined ? {} : { backlog: options.backlog }
        server.listen({ port, ...where, ...backlog }, () => {
          server.removeListener('error', reject)
          // Errors of accept must not end the process; the peer sees a closed socket.
          server.on('error', (error) => gate.failed(error))
          resolve(listenerOf(server, host))
        })
      })
    },
  }
}

function accepted(socket: Socket, accept: (link: Link) => LinkEvents, report: Report): void {
  const { remoteAddress, remotePort } = socket
  // The peer has already sent a reset: the connection is gone.
  if (remoteAddress === undefined || remotePort === undefined) {
    socket.on('error', () => {})
    socket.destroy()
    return
  }
  const remote = formatAddress(plainHost(remoteAddress), remotePort)
  let events: LinkEvents | undefined
  const link = new SocketLink(socket, remote, () => events, report)
  try {
    events = accept(link)
  } catch (error) {
    report('accepting a connection failed; it is closed', error, { peer: remote })
    socket.destroy()
  }
}

function dial(address: string, events: LinkEvents, options: LinkOptions | undefined, report: Report): Link {
  if (options?.hasThread) return new ThreadedLink(address, events, options, report)
  const { host, port } = parseAddress(address)
  if (options?.tls !== undefined) return secureLink(address, events, options.tls, options, report)
  let link: SocketLink
  const onread = {
    buffer: readBuffer,
    callback: (size: number) => {
      link.received(copyOfRead(size))
      return true
    },
  }
  const socket = createConnection({ host, port, noDelay: true, onread })
  link = new SocketLink(socket, address, () => events, report)
  socket.once('connect', () => link.opened())
  return link
}

function secureLink(address: string, events: LinkEvents, tls: TlsOptions, options: LinkOptions, report: Report): Link {
  const { host, port } = parseAddress(address)
  const name = options.serverName ?? host
  let isSecure = false
  let socket: Socket
  try {
    socket = tlsSocket(host, port, name, tls)
  } catch (error) {
    // A certificate or key cannot be read. This is a failure like any other; the next attempt may succeed.
    socket = failedSocket(new Error(`unusable TLS options: ${(error as Error).message}`, { cause: error }))
  }
  const link = new SocketLink(
    socket,
    address,
    () => events,
    report,
    (error) => explainTls(error, name, isSecure),
  )
  socket.once('secureConnect', () => {
    isSecure = true
    link.opened()
  })
  return link
}

/** A socket that fails with `reason` and closes after the caller has returned. */
function failedSocket(reason: Error): Socket {
  const socket = new Socket()
  socket.destroy(reason)
  return socket
}

/**
 * Where to listen for a name: at its IPv4 address, if it has one, as a server in Java does. A program in Java that knows the name dials
 * that one alone, and others dial all of them.
 */
async function addressOf(name: string, resolve: Resolve): Promise<string> {
  const all = await resolve(name)
  return (all.find(({ family }) => family === 4) ?? all[0])?.address ?? name
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

/** Where a name has several addresses and none of them can be reached, Node gives an error that says nothing itself. */
function inWords(error: Error): Error {
  if (!(error instanceof AggregateError) || error.message !== '') return error
  const { code } = error as NodeJS.ErrnoException
  const message = error.errors.map((each: Error) => each.message).join('; ')
  return Object.assign(new Error(message, { cause: error }), { code })
}

class SocketLink implements Link {
  readonly remote: string
  peerCertificate: Uint8Array | undefined
  #socket: Socket
  readonly #events: () => LinkEvents | undefined
  readonly #report: Report
  readonly #explain: (error: Error) => Error
  /** Why the link closes. */
  #reason: Error | undefined

  constructor(
    socket: Socket,
    remote: string,
    events: () => LinkEvents | undefined,
    report: Report,
    explain: (error: Error) => Error = (error) => error,
  ) {
    this.remote = remote
    this.#socket = socket
    this.#events = events
    this.#report = report
    this.#explain = explain
    this.#listen(socket)
  }

  /** The events of `socket` as long as it is the one in use: `startTls` puts another one in its place. */
  #listen(socket: Socket): void {
    const events = this.#events
    const isUsed = (): boolean => socket === this.#socket
    // A socket with `onread` never calls this. A plain Uint8Array: slice() of a Buffer would be a view that pins the
    // whole chunk, not a copy.
    socket.on('data', (chunk: Uint8Array) => {
      if (isUsed()) this.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
    })
    socket.on('drain', () => {
      try {
        if (isUsed()) events()?.drained?.()
      } catch (error) {
        this.#broken('drained', error)
      }
    })
    // Node ends our side by itself, except for accepted sockets, whose peer may wait for an answer.
    socket.on('end', () => {
      try {
        if (!socket.allowHalfOpen || !isUsed() || events()?.ended?.()) return
      } catch (error) {
        this.#broken('ended', error)
      }
      socket.end()
    })
    socket.on('error', (error) => {
      this.#reason ??= this.#explain(inWords(error))
    })
    socket.on('close', () => {
      try {
        if (isUsed()) events()?.closed(this.#reason)
      } catch (error) {
        this.#report('an error after a connection was closed', error, { peer: this.remote })
      }
    })
  }

  startTls(context: TlsContext, received: readonly Uint8Array[]): void {
    const plain = this.#socket
    if (plain.destroyed) return
    plain.pause()
    const secure = acceptTls(plain, context, received)
    this.#socket = secure
    this.#listen(secure)
    secure.on('_tlsError', (error: Error) => {
      this.#reason ??= error
    })
    secure.once('secure', () => {
      const { certificate, refusal } = verdictOn(secure, context)
      if (refusal !== undefined) {
        this.#reason ??= refusal
        secure.destroy()
        return
      }
      this.peerCertificate = certificate
      this.opened()
    })
  }

  opened(): void {
    try {
      this.#events()?.opened?.()
    } catch (error) {
      this.#broken('opened', error)
    }
  }

  received(chunk: Uint8Array): void {
    try {
      this.#events()?.data(chunk)
    } catch (error) {
      this.#broken('data', error)
    }
  }

  /** The listener has failed on this link, so this link must end; other links are not affected. */
  #broken(event: string, error: unknown): void {
    this.#report('an error while serving a connection; it is closed', error, { peer: this.remote, event })
    this.#reason ??= error instanceof Error ? error : new Error(`${event} failed`, { cause: error })
    this.#socket.destroy()
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
