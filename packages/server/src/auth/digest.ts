/** The `digest` scheme: user and password in clear, hashed into an id (DigestAuthenticationProvider.java). */
import { createHash, getHashes } from 'node:crypto'

/** `user:base64(hash("user:password"))` for `user:password`; a colon in the password stays in it. `hash` as `digestHash` gives it. */
export function digestId(credentials: Uint8Array, hash = 'sha1'): string {
  // Through text, as in Java: what is no UTF-8 becomes U+FFFD.
  const text = Buffer.from(credentials).toString('utf8')
  return `${userOfDigest(text)}:${createHash(hash).update(text).digest('base64')}`
}

/** Two parts around a colon once empty parts at the end are dropped, as Java splits: `a:b` and `:b`, not `a:` or `a:b:c`. */
export function isValidDigestId(id: string): boolean {
  const parts = id.split(':')
  while (parts.at(-1) === '') parts.pop()
  return parts.length === 2
}

export function userOfDigest(id: string): string {
  const colon = id.indexOf(':')
  return colon < 0 ? id : id.slice(0, colon)
}

/** Node's name for an algorithm that Java names, `SHA1`, `SHA-256` or `SHA3-256` for example; undefined where there is none. */
export function digestHash(javaName: string): string | undefined {
  const name = javaName.toLowerCase()
  const hash = /^sha-?1?$/.test(name)
    ? 'sha1'
    : name.startsWith('sha3-')
      ? name
      : name.replace(/^sha-/, 'sha').replace('/', '-')
  if (!/^(md5|sha1|sha(224|256|384|512)|sha512-(224|256)|sha3-(224|256|384|512))$/.test(hash)) return undefined
  return getHashes().includes(hash) ? hash : undefined
}

/** Whether `id` is `user:<base64 of a hash of that length>`. */
export function isDigestOf(id: string, hash: string): boolean {
  const [user, base64, ...rest] = id.split(':')
  if (user === undefined || base64 === undefined || rest.length > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
    return false
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 && bytes.length === createHash(hash).digest().length
}

/** SHA-256 of a text, in base64. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
