/** TLS by node:tls: the options of every connection, and the meaning of its failures. */
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { TlsOptions } from '../tls-options.ts'

/** The arguments of `tls.connect`. */
export function tlsConnection(host: string, port: number, serverName: string, options: TlsOptions): ConnectionOptions {
  // SNI must not contain an IP address (RFC 6066); the certificate is checked against the address anyway.
  const sni = isIP(serverName) === 0 ? { servername: serverName } : {}
  const given = options as ConnectionOptions
  const check = given.checkServerIdentity
  if (typeof check !== 'function') return { ...sni, ...given, host, port }
  return { ...sni, ...given, host, port, checkServerIdentity: refusing(check) }
}

/** A check that throws refuses the peer: Node calls it where a throw would end the process. */
function refusing(check: NonNullable<ConnectionOptions['checkServerIdentity']>): typeof check {
  return (hostname, certificate) => {
    try {
      return check(hostname, certificate)
    } catch (error) {
      return error instanceof Error ? error : new Error('checkServerIdentity failed', { cause: error })
    }
  }
}

/** A socket that says `secureConnect` once the server has shown a certificate for `serverName`. Throws for options that are unusable. */
export function tlsSocket(host: string, port: number, serverName: string, options: TlsOptions): TLSSocket {
  const socket = connect(tlsConnection(host, port, serverName, options))
  socket.setNoDelay(true)
  return socket
}

/** What went wrong, in words, by the code of node:tls or OpenSSL; `{name}` is the server's name. */
const meanings: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate of {name} has expired',
  CERT_NOT_YET_VALID: 'the certificate of {name} is not valid yet',
  CERT_REVOKED: 'the certificate of {name} has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of {name} is signed by an unknown authority: by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of {name} is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate of {name} is signed by an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate of {name} is signed by an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of {name} is signed by an unknown authority',
  CERT_SIGNATURE_FAILURE: 'the certificate of {name} is signed by an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another host than {name}',
  ERR_SSL_WRONG_VERSION_NUMBER: '{name} does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: '{name} does not speak TLS on this port',
  ERR_SSL_HTTP_REQUEST: '{name} does not speak TLS on this port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: '{name} and we share no version of TLS',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: '{name} and we share no version of TLS',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: '{name} wants a certificate of ours',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: '{name} refused the handshake: no cipher in common, or it wants a certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: '{name} refused our certificate, or wants one',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: '{name} refused our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: '{name} refused our certificate: expired',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: '{name} refused our certificate: signed by an authority unknown to it',
}

/** The same failure with a sentence that names it; the original is its cause. */
export function explainTls(error: Error, serverName: string, isSecure: boolean): Error {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const isCutOff = code === 'ECONNRESET' && !isSecure
  const meaning = isCutOff
    ? '{name} closed the connection during the TLS handshake; perhaps it does not speak TLS on this port'
    : meanings[code]
  if (meaning === undefined) return error
  return new Error(`${meaning.replace('{name}', serverName)} (${code})`, { cause: error })
}
