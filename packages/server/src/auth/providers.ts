/** Authentication schemes a server knows: what an auth packet adds, what may stand in an ACL, what matches. */
import type { Id } from '@lightkeeper/protocol'
import { digestId, isValidDigestId } from './digest.ts'
import { ipIdOf, ipMatches, isValidIpId } from './ip.ts'

export interface AuthProvider {
  /** Whether ids of this scheme prove who somebody is: only those replace an `auth` entry of an ACL. */
  readonly isAuthenticated: boolean
  /** Identities that a packet with these bytes adds; undefined when it is refused. */
  authenticate(credentials: Uint8Array, remoteHost: string): readonly Id[] | undefined
  /** Whether this identity, which was added, looks like a wrong password for another: Apache lets it pass all the same. */
  isSuspect?(id: string): boolean
  isValid(id: string): boolean
  matches(id: string, aclId: string): boolean
  /** What whoAmI shows of an id. */
  userName(id: string): string
}

/** `superDigest` is `user:<base64 sha1>`; who knows its password passes every ACL. */
export function authProviders(options: {
  readonly superDigest?: string | undefined
}): ReadonlyMap<string, AuthProvider> {
  const digest: AuthProvider = {
    isAuthenticated: true,
    authenticate(credentials) {
      const id = digestId(credentials)
      const own: Id = { scheme: 'digest', id }
      return id === options.superDigest ? [{ scheme: 'super', id: '' }, own] : [own]
    },
    isSuspect: (id) =>
      options.superDigest !== undefined && id !== options.superDigest && userOf(id) === userOf(options.superDigest),
    isValid: isValidDigestId,
    matches: (id, aclId) => id === aclId,
    userName: userOf,
  }
  const ip: AuthProvider = {
    isAuthenticated: false,
    authenticate: (_credentials, remoteHost) => [{ scheme: 'ip', id: ipIdOf(remoteHost) }],
    isValid: isValidIpId,
    matches: ipMatches,
    userName: (id) => id,
  }
  return new Map([
    ['digest', digest],
    ['ip', ip],
  ])
}

function userOf(digestId: string): string {
  return digestId.split(':', 1)[0] ?? digestId
}
