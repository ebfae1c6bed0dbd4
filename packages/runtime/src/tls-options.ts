/**
 * The options of Node's `tls.connect` that concern a client, and those of `tls.createSecureContext`, with Node's names. They are
 * declared here, so that users of these types do not need Node's types; `node/tls.ts` checks that both declarations agree.
 */

type Text = string | Uint8Array

/** What `node:tls` needs for a connection with TLS. The options are passed on to it. */
export interface TlsOptions {
  /** Authorities trusted instead of those Node knows, PEM. */
  readonly ca?: Text | Text[] | undefined
  /** Own certificate chain, PEM. */
  readonly cert?: Text | Text[] | undefined
  /** Key of `cert`, PEM. */
  readonly key?: Text | (Text | TlsKey)[] | undefined
  /** Certificate and key in one, PKCS 12. */
  readonly pfx?: Text | (Text | TlsArchive)[] | undefined
  /** The passphrase of `key` or `pfx`. */
  readonly passphrase?: string | undefined
  /** Lists of revoked certificates, PEM. */
  readonly crl?: Text | Text[] | undefined
  /** Name to ask the server for (SNI); its certificate must contain this name. Default: the host of the connect string. */
  readonly servername?: string | undefined
  /** Whether an unknown authority or another name ends the connection. Default true. */
  readonly rejectUnauthorized?: boolean | undefined
  /** Replaces Node's check of names: undefined accepts the connection. */
  readonly checkServerIdentity?: IdentityCheck['check'] | undefined
  /** The oldest version of TLS that is accepted. Default: that of Node, `TLSv1.2`. */
  readonly minVersion?: TlsVersion | undefined
  /** The newest version of TLS that is offered. Default: that of Node, `TLSv1.3`. */
  readonly maxVersion?: TlsVersion | undefined
  /** Cipher suites in OpenSSL's notation, with colons between them. Default: those of Node. */
  readonly ciphers?: string | undefined
  /** Signature algorithms in OpenSSL's notation, with colons between them. Default: those of OpenSSL. */
  readonly sigalgs?: string | undefined
  /** Curves for the key exchange, with colons between them, or `auto`. Default: those of Node. */
  readonly ecdhCurve?: string | undefined
  /** Parameters for Diffie-Hellman, PEM, or `auto`. Only servers use them. */
  readonly dhparam?: Text | undefined
  /** Smallest Diffie-Hellman group that is accepted, bits. Default 1024. */
  readonly minDHSize?: number | undefined
  /** Whether the server's order of cipher suites counts. Only servers use it. */
  readonly honorCipherOrder?: boolean | undefined
  /** Bits `SSL_OP_…` of OpenSSL, as `crypto.constants` names them. */
  readonly secureOptions?: number | undefined
  /** The name of a method of OpenSSL that fixes the version; not together with `minVersion` and `maxVersion`. */
  readonly secureProtocol?: string | undefined
  /** The result of `tls.createSecureContext`, instead of options for one. */
  readonly secureContext?: object | undefined
  /** Names of protocols to offer by ALPN: texts or bytes, or one buffer of names with their lengths. Default: none. */
  readonly ALPNProtocols?: string[] | Uint8Array[] | Uint8Array | undefined
  /** A TLS session to resume. */
  readonly session?: Uint8Array | undefined
  /** Writes packets of the handshake to standard error. */
  readonly enableTrace?: boolean | undefined
}

/** A method, so that a function that needs all of Node's certificate is accepted too. */
interface IdentityCheck {
  check(hostname: string, certificate: TlsCertificate): Error | undefined
}

export type TlsVersion = 'TLSv1.3' | 'TLSv1.2' | 'TLSv1.1' | 'TLSv1'

export interface TlsKey {
  /** The key, PEM. */
  readonly pem: Text
  /** Its passphrase. Default: the option `passphrase`. */
  readonly passphrase?: string | undefined
}

export interface TlsArchive {
  /** The archive, PKCS 12. */
  readonly buf: Text
  /** Its passphrase. Default: the option `passphrase`. */
  readonly passphrase?: string | undefined
}

/** The part of a `tls.PeerCertificate` that a check of names needs. */
export interface TlsCertificate {
  /** Names that the certificate is for, in the notation of OpenSSL: `DNS:a.example, IP Address:10.0.0.1`. */
  readonly subjectaltname?: string | undefined
  /** SHA-256 of the certificate, in hex with colons. */
  readonly fingerprint256: string
  /** The serial number, in hex. */
  readonly serialNumber: string
  /** The beginning of its validity, as OpenSSL prints it. */
  readonly valid_from: string
  /** The end of its validity, as OpenSSL prints it. */
  readonly valid_to: string
  /** The certificate itself, DER. */
  readonly raw: Uint8Array
}
