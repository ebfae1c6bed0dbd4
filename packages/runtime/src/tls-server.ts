/** The TLS options of a listener, as values: certificates and keys are PEM. */

export interface TlsServerOptions {
  /** Keys with their certificates, of different types (RSA, EC) at the most one each; at least one. */
  readonly keys: readonly TlsServerKey[]
  /** Authorities whose clients are let in, a certificate each. */
  readonly ca: readonly string[]
  /** Lists of revoked certificates. With them, every authority must have one. */
  readonly crl?: string | undefined
  /** `need` refuses a client without a certificate that `ca` trusts; `want` one with a certificate that it does not trust. */
  readonly clientCertificate: 'need' | 'want' | 'none'
  /** The oldest version of TLS that is accepted. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** The newest version of TLS that is accepted. */
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Cipher suites in OpenSSL's form; undefined for those of the host. */
  readonly ciphers?: string | undefined
}

export interface TlsServerKey {
  /** PKCS#8, not encrypted. */
  readonly key: string
  /** The certificate of the key first, then those that signed it. */
  readonly cert: string
}

/** What a host made of the options; it may be used for any number of links. Only the host that made it reads the rest of it. */
export interface TlsContext {
  /** As in the options. */
  readonly clientCertificate: TlsServerOptions['clientCertificate']
}
