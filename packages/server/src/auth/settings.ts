/**
 * The settings about identities, as `ServerConfig` has them: which schemes there are, who passes every ACL, who is served at all.
 * Those that a reload may change are read anew each time.
 */
import type { SaslUsers } from './sasl/users.ts'

/** Schemes that a file may ask for. `ip` is always there. */
export type AuthScheme = 'digest' | 'ip' | 'x509' | 'sasl' | 'ensemble'

export interface AuthSettings {
  /** Every ACL is skipped. */
  readonly skipACL: boolean
  /** Identities of one connection. */
  readonly maxIdentities: number
  readonly digestAuthEnabled: boolean
  /** Java's name of the hash of digest identities. */
  readonly digestAlg: string
  /** `user:<base64 of the hash of "user:password">`. May change. */
  readonly superDigest: string | undefined
  /** The schemes whose ids may stand in ACLs, besides `ip` and `digest`. */
  readonly authProviders: readonly AuthScheme[]
  /** With TLS certificates are identities, whether `authProviders` says so or not. */
  readonly tls?: object | undefined
  /** Subject of the certificate that passes every ACL. */
  readonly x509SuperUser: string | undefined
  /** Undefined where no SASL login is offered: a token is answered with a null one then. May change. */
  readonly saslUsers: SaslUsers | undefined
  /** Users of SASL that pass every ACL. May change. */
  readonly superUsers: readonly string[]
  /** A client whose SASL login failed is served on, without the identity. */
  readonly allowSaslFailedClients: boolean
  /** An id in an ACL that every user of SASL matches. */
  readonly letAnySaslUserDoX: string | undefined
  /** Names of ensembles that a client may expect; empty where any will do. */
  readonly ensembleAuthName: readonly string[]
  /** A connection needs an identity of one of these schemes before it may ask for anything; empty where it needs none. */
  readonly enforcedAuthSchemes: readonly string[]
}
