/** Authentication schemes a server knows: what an auth packet adds, what may stand in an ACL, what matches (ProviderRegistry.java). */
import type { Id } from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'
import { digestHash, digestId, isValidDigestId, userOfDigest } from './digest.ts'
import { ipIdOf, ipMatches, isValidIpId } from './ip.ts'
import { isKerberosName } from './kerberos-name.ts'
import { isSameText } from './secrets.ts'
import type { AuthScheme, AuthSettings } from './settings.ts'
import { isDistinguishedName } from './subject.ts'

export interface AuthProvider {
  /** Whether ids of this scheme are proved: only those replace an `auth` entry of an ACL. */
  readonly isAuthenticated: boolean
  /** Identities that a packet with these bytes adds; undefined when it is refused. */
  authenticate(credentials: Uint8Array, client: PacketSender): readonly Id[] | undefined
  /** Whether a packet that is refused closes the connection without an answer, so that the client tries another server. */
  readonly refusesInSilence?: boolean
  /** Identities of the holder of a certificate that was verified; undefined when it is refused. */
  authenticateCertificate?(certificate: Certificate): readonly Id[] | undefined
  /** Whether this identity, which was added, looks like a wrong password for another: Apache lets it pass all the same. */
  isSuspect?(id: string): boolean
  isValid(id: string): boolean
  matches(id: string, aclId: string): boolean
  /** What whoAmI shows of an id. */
  userName(id: string): string
}

/** The connection that an auth packet came on. */
export interface PacketSender {
  readonly remoteHost: string
  /** The certificate that it showed. */
  readonly certificate?: Certificate | undefined
}

export interface Certificate {
  /** The subject as an ACL names it: RFC 2253, as Java's X500Principal.getName() writes it. */
  readonly subject: string
}

/** By scheme. `settings` may change later, where they say so. */
export function authProviders(settings: AuthSettings): ReadonlyMap<string, AuthProvider> {
  const schemes = new Set<AuthScheme>(['ip', ...settings.authProviders])
  if (settings.digestAuthEnabled) schemes.add('digest')
  if (settings.tls !== undefined) schemes.add('x509')
  return new Map([...schemes].map((scheme) => [scheme, makers[scheme](settings)]))
}

const ip: AuthProvider = {
  isAuthenticated: false,
  authenticate: (_credentials, { remoteHost }) => [{ scheme: 'ip', id: ipIdOf(remoteHost) }],
  isValid: isValidIpId,
  matches: ipMatches,
  userName: (id) => id,
}

function digest(settings: AuthSettings): AuthProvider {
  const hash = digestHash(settings.digestAlg)
  assert(hash !== undefined, 'the algorithm of digests was checked')
  return {
    isAuthenticated: true,
    authenticate(credentials) {
      const id = digestId(credentials, hash)
      const own: Id = { scheme: 'digest', id }
      const { superDigest } = settings
      return superDigest !== undefined && isSameText(id, superDigest) ? [{ scheme: 'super', id: '' }, own] : [own]
    },
    isSuspect(id) {
      const { superDigest } = settings
      return superDigest !== undefined && id !== superDigest && userOfDigest(id) === userOfDigest(superDigest)
    },
    isValid: isValidDigestId,
    matches: (id, aclId) => id === aclId,
    userName: userOfDigest,
  }
}

function x509({ x509SuperUser: superUser }: AuthSettings): AuthProvider {
  const authenticateCertificate = ({ subject }: Certificate): readonly Id[] => {
    const own: Id = { scheme: 'x509', id: subject }
    return subject === superUser ? [{ scheme: 'super', id: subject }, own] : [own]
  }
  return {
    isAuthenticated: true,
    authenticate: (_credentials, { certificate }) =>
      certificate === undefined ? undefined : authenticateCertificate(certificate),
    authenticateCertificate,
    isValid: isDistinguishedName,
    matches: (id, aclId) => id === aclId || id === superUser,
    userName: (id) => id,
  }
}

function sasl({ letAnySaslUserDoX: anyUser }: AuthSettings): AuthProvider {
  return {
    isAuthenticated: true,
    // A login has packets of its own.
    authenticate: () => undefined,
    isValid: isKerberosName,
    // The user `super` matches every entry of the scheme, and no entry of another one.
    matches: (id, aclId) => id === 'super' || id === aclId || (anyUser !== undefined && aclId === anyUser),
    userName: (id) => id,
  }
}

/** No identity: a client says which ensemble it means to talk to (EnsembleAuthenticationProvider.java). */
function ensemble({ ensembleAuthName: names }: AuthSettings): AuthProvider {
  return {
    isAuthenticated: false,
    refusesInSilence: true,
    authenticate(credentials) {
      const isMeant =
        credentials.length === 0 || names.length === 0 || names.includes(Buffer.from(credentials).toString())
      return isMeant ? [] : undefined
    },
    isValid: () => false,
    matches: () => false,
    userName: () => '',
  }
}

const makers: Readonly<Record<AuthScheme, (settings: AuthSettings) => AuthProvider>> = {
  digest,
  ip: () => ip,
  x509,
  sasl,
  ensemble,
}
