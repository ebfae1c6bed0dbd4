/** HTTP by node:http, which is loaded when the first server listens. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TLSSocket } from 'node:tls'
import { formatAddress, parseAddress } from '../address.ts'
import type { Http, HttpAnswer, HttpListener, HttpOptions, HttpRequest } from '../http.ts'
import { type Log, silentLog } from '../log.ts'
import { certificateOf, GreetedSockets, plainHost } from './http-tls.ts'

/** Bytes of a request line with its headers. */
const headerBytesMax = 8 * 1024
/** How long a peer may take for these, milliseconds. */
const headersTimeoutMs = 10_000

/** What a handler throws goes to `log`, and the peer reads that something failed. */
export function nodeHttp(log: Log = silentLog): Http {
  return {
    async listen(address, answer, options): Promise<HttpListener> {
      const { host, port } = parseAddress(address)
      const { createServer } = await import('node:http')
      const server = createServer({ maxHeaderSize: headerBytesMax }, (message, response) => {
        void serve(message, response, answer, log)
      })
      bound(server, options)
      const greeted = options.tls === undefined ? undefined : new GreetedSockets(server, options.tls)
      return new Promise((resolve, reject) => {
        server.once('error', reject)
        // Without a host Node takes all addresses of IPv6 and IPv4, or of IPv4 alone where there is no other.
        server.listen({ port, ...(host === '::' ? {} : { host }) }, () => {
          server.removeListener('error', reject)
          server.on('error', (error) => log('warn', 'the HTTP server cannot accept', { cause: error.message }))
          resolve(listenerOf(server, host, greeted))
        })
      })
    },
  }
}

function bound(server: Server, { idleTimeoutMs, connectionsMax }: HttpOptions): void {
  server.headersTimeout = headersTimeoutMs
  // An upload may take long; one that stands still is closed by the timeout of its socket.
  server.requestTimeout = 0
  server.timeout = idleTimeoutMs
  server.keepAliveTimeout = Math.min(5_000, idleTimeoutMs)
  server.maxConnections = connectionsMax
  // Nothing here speaks another protocol.
  server.on('upgrade', (_message, socket) => socket.destroy())
  server.on('connect', (_message, socket) => socket.destroy())
}

function listenerOf(server: Server, host: string, greeted: GreetedSockets | undefined): HttpListener {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return {
    address: formatAddress(host, port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        greeted?.close()
        server.closeAllConnections()
      }),
  }
}

async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  answer: (request: HttpRequest) => Promise<HttpAnswer>,
  log: Log,
): Promise<void> {
  try {
    const { status, headers, body } = await answer(requestOf(message))
    // What is left of a body that nobody read must not be taken for the next request.
    const isWhole = message.complete || message.method === 'GET' || message.method === 'HEAD'
    if (!isWhole) response.setHeader('connection', 'close')
    if (typeof body === 'string') {
      const bytes = Buffer.from(body)
      response.writeHead(status, { ...headers, 'content-length': bytes.length })
      response.end(message.method === 'HEAD' ? undefined : bytes)
      return
    }
    response.writeHead(status, headers)
    await pipeline(Readable.from(body, { objectMode: false }), response)
  } catch (error) {
    log('warn', 'an HTTP request could not be answered', { cause: (error as Error).message })
    if (response.headersSent) response.destroy()
    else response.writeHead(500, { 'content-type': 'text/plain', connection: 'close' }).end('internal error\n')
  }
}

function requestOf(message: IncomingMessage): HttpRequest {
  return {
    method: message.method ?? 'GET',
    target: message.url ?? '/',
    remoteHost: plainHost(message.socket.remoteAddress ?? ''),
    isSecure: message.socket instanceof TLSSocket,
    peerCertificate: certificateOf(message.socket),
    header(name) {
      const value = message.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    body: message,
  }
}
