/** ACLs for digest identities. The password is sent nowhere (DigestAuthenticationProvider.java). */
import { type Acl, permission } from '@lightkeeper/protocol'
import { sha1 } from './sha1.ts'

/**
 * The ACL for one digest identity: a client that shows these credentials (`auth: [{ scheme: 'digest', credentials }]`) has `perms`,
 * and other clients have no permission. The ACL holds a SHA-1 hash in ZooKeeper's form; the server shows it to everybody who may
 * read ACLs.
 * @param credentials `user:password`, the same text as in `auth`.
 * @param perms bits of `permission`. Default: all.
 * @throws TypeError for credentials of another form; RangeError for bits that are no permissions. No error shows the password.
 */
export function digestAcl(credentials: string, perms: number = permission.all): readonly Acl[] {
  const colon = typeof credentials === 'string' ? credentials.indexOf(':') : -1
  if (colon < 1) throw new TypeError('digestAcl: credentials must be a string of the form user:password')
  if (!Number.isInteger(perms) || perms < 1 || perms > permission.all) {
    throw new RangeError(
      `digestAcl: perms must be a sum of permission bits, 1 to ${permission.all}, not ${String(perms)}`,
    )
  }
  let hash = ''
  for (const byte of sha1(new TextEncoder().encode(credentials))) hash += String.fromCharCode(byte)
  return [{ perms, id: { scheme: 'digest', id: `${credentials.slice(0, colon)}:${btoa(hash)}` } }]
}
