/** What a key store holds, whatever its format: keys with their certificates, and certificates that are trusted. */

export interface KeyStore {
  readonly keys: readonly KeyEntry[]
  /** Certificates that the store says are trusted, DER. */
  readonly trusted: readonly Uint8Array[]
}

export interface KeyEntry {
  readonly alias: string
  /** PKCS#8, DER, not encrypted. */
  readonly pkcs8: Uint8Array
  /** The certificate of the key first, then the one that signed it, and so on; DER. */
  readonly chain: readonly Uint8Array[]
}
