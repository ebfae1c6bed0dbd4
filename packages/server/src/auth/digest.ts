/** The `digest` scheme: user and password in clear, hashed into an id (DigestAuthenticationProvider.java). */
import { createHash } from 'node:crypto'

/** `user:base64(sha1("user:password"))` for `user:password`; a colon in the password stays in it. */
export function digestId(credentials: Uint8Array): string {
  const text = Buffer.from(credentials).toString('utf8')
  const colon = text.indexOf(':')
  const user = colon < 0 ? text : text.slice(0, colon)
  return `${user}:${createHash('sha1').update(credentials).digest('base64')}`
}

/** Two parts around a colon once empty parts at the end are dropped, as Java splits: `a:b` and `:b`, not `a:` or `a:b:c`. */
export function isValidDigestId(id: string): boolean {
  const parts = id.split(':')
  while (parts.at(-1) === '') parts.pop()
  return parts.length === 2
}
