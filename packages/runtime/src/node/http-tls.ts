/** Connections of an HTTP server with TLS, until they are greeted: the first byte says whether a handshake begins. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpTls } from '../http.ts'
import { acceptTls, verdictOn } from './tls-server.ts'

/** The type of the first record of a handshake; no request of HTTP begins with it. */
const handshakeRecord = 0x16

/** Certificates of peers that were let in and showed one. */
const certificates = new WeakMap<Socket, Uint8Array>()

/** The verified certificate of the peer, DER; undefined where it showed none. */
export function certificateOf(socket: Socket): Uint8Array | undefined {
  return certificates.get(socket)
}

/** An IPv4 address that comes in the form of IPv6 is the IPv4 address. */
export function plainHost(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

export class GreetedSockets {
  readonly #tls: HttpTls
  /** What the HTTP server does with a connection. */
  readonly #serve: (socket: Socket) => void
  /** Not served yet, with what bounds their time. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>()

  /** Takes the connections of `server`, which does not listen yet. */
  constructor(server: Server, tls: HttpTls) {
    this.#tls = tls
    // The server itself stays the one that listens: it counts connections and bounds the time of their requests.
    const own = server.listeners('connection') as ((socket: Socket) => void)[]
    this.#serve = (socket) => {
      for (const each of own) each.call(server, socket)
    }
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => this.#greet(socket))
  }

  /** Closes what is not served yet. */
  close(): void {
    for (const socket of [...this.#waiting.keys()]) socket.destroy()
  }

  #greet(socket: Socket): void {
    const host = plainHost(socket.remoteAddress ?? '')
    const late = setTimeout(() => socket.destroy(new Error('the handshake took too long')), this.#tls.handshakeMs)
    this.#waiting.set(socket, late)
    let isHandshake = false
    const failed = (error: Error): void => {
      if (isHandshake && this.#waiting.has(socket)) this.#tls.failed(host, error.message)
    }
    socket.once('error', failed)
    socket.once('close', () => this.#done(socket))
    socket.once('data', (chunk: Uint8Array) => {
      socket.pause()
      isHandshake = chunk[0] === handshakeRecord
      if (isHandshake) this.#shakeHands(socket, chunk, failed)
      else if (!this.#tls.mayBePlain) socket.destroy()
      else {
        this.#done(socket)
        socket.removeListener('error', failed)
        socket.unshift(chunk)
        this.#serve(socket)
        socket.resume()
      }
    })
  }

  #shakeHands(socket: Socket, chunk: Uint8Array, failed: (error: Error) => void): void {
    const context = this.#tls.context()
    const secure: TLSSocket = acceptTls(socket, context, [chunk])
    secure.on('_tlsError', failed)
    secure.on('error', failed)
    secure.once('close', () => {
      this.#done(socket)
      socket.destroy()
    })
    secure.once('secure', () => {
      const { certificate, refusal } = verdictOn(secure, context)
      if (refusal !== undefined) {
        failed(refusal)
        this.#done(socket)
        secure.destroy()
        return
      }
      this.#done(socket)
      if (certificate !== undefined) certificates.set(secure, certificate)
      this.#serve(secure)
    })
  }

  /** The socket is served or closed. */
  #done(socket: Socket): void {
    clearTimeout(this.#waiting.get(socket))
    this.#waiting.delete(socket)
  }
}
