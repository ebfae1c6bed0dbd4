/** TLS of accepted sockets by node:tls. */
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { TlsContext, TlsServerOptions } from '../tls-server.ts'

/** SSL_OP_NO_RENEGOTIATION, which Node has no name for: a client cannot make the server work by renegotiating. */
const noRenegotiation = 0x4000_0000

interface NodeTlsContext extends TlsContext {
  readonly secureContext: SecureContext
}

/** @throws Error for what node:tls cannot use. */
export function nodeTlsContext(options: TlsServerOptions): TlsContext {
  const secureContext = createSecureContext({
    key: options.keys.map(({ key }) => key),
    cert: options.keys.map(({ cert }) => cert),
    // Without authorities nobody is trusted; Node would trust its own list.
    ca: [...options.ca],
    minVersion: options.minVersion,
    maxVersion: options.maxVersion,
    secureOptions: noRenegotiation | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
    // A client that resumes a session is refused without one.
    sessionIdContext: 'lightkeeper',
    ...(options.ciphers === undefined ? {} : { ciphers: options.ciphers }),
    ...(options.crl === undefined ? {} : { crl: options.crl }),
  })
  const context: NodeTlsContext = { secureContext, clientCertificate: options.clientCertificate }
  return context
}

/**
 * A socket over an accepted one, whose bytes so far are `received`. It says `secure` when the handshake is over and `_tlsError` when that
 * failed; `refusalOf` then says whether the peer is let in.
 */
export function acceptTls(socket: Socket, context: TlsContext, received: readonly Uint8Array[]): TLSSocket {
  const { secureContext, clientCertificate } = context as NodeTlsContext
  // From the last to the first: each one goes to the front.
  for (let i = received.length - 1; i >= 0; i--) socket.unshift(received[i] as Uint8Array)
  return new TLSSocket(socket, {
    isServer: true,
    secureContext,
    requestCert: clientCertificate !== 'none',
    rejectUnauthorized: clientCertificate === 'need',
  })
}

interface TlsHandle {
  readonly _handle?: { verifyError?(): (Error & { readonly code?: string }) | null } | null
}

/** Why the peer must not be let in; undefined where it may. `certificate` is its own, verified; undefined where it has none. */
export function verdictOn(
  socket: TLSSocket,
  context: TlsContext,
): { readonly certificate?: Uint8Array | undefined; readonly refusal?: Error } {
  const { clientCertificate } = context
  if (clientCertificate === 'none') return {}
  const certificate = socket.getPeerX509Certificate()?.raw
  if (certificate === undefined) {
    return clientCertificate === 'want' ? {} : { refusal: new Error('the client showed no certificate') }
  }
  const error = (socket as unknown as TlsHandle)._handle?.verifyError?.()
  if (error === undefined || error === null) return { certificate: new Uint8Array(certificate) }
  const why = error.code === undefined || error.message.includes(error.code) ? '' : ` (${error.code})`
  return { refusal: new Error(`the certificate of the client is not trusted: ${error.message}${why}`) }
}
