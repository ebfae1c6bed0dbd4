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
  readonly minVersion?: TlsVersion | undefined
  readonly maxVersion?: TlsVersion | undefined
  readonly ciphers?: string | undefined
  readonly sigalgs?: string | undefined
  readonly ecdhCurve?: string | undefined
  readonly dhparam?: Text | undefined
  /** Smallest Diffie-Hellman group that is accepted, bits. Default 1024. */
  readonly minDHSize?: number | undefined
  readonly honorCipherOrder?: boolean | undefined
  readonly secureOptions?: number | undefined
  readonly secureProtocol?: string | undefined
  /** The result of `tls.createSecureContext`, instead of options for one. */
  readonly secureContext?: object | undefined
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
  readonly pem: Text
  readonly passphrase?: string | undefined
}

export interface TlsArchive {
  readonly buf: Text
  readonly passphrase?: string | undefined
}

/** The part of a `tls.PeerCertificate` that a check of names needs. */
export interface TlsCertificate {
  readonly subjectaltname?: string | undefined
  readonly fingerprint256: string
  readonly serialNumber: string
  readonly valid_from: string
  readonly valid_to: string
  readonly raw: Uint8Array
}
