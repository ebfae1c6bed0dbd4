/** What an auth packet makes of the identities of a connection (ServerCnxn, AuthenticationProvider). */
import { type Id, MalformedFrameError, type Reader, readAuthPacket } from '@lightkeeper/protocol'
import type { AuthProvider } from './providers.ts'

/** Characters of an identity. */
const identityMax = 4096

export type Authentication =
  /** All identities that the connection has now; `isSuspect` where it looks like one of many guesses. */
  | { readonly kind: 'authenticated'; readonly identities: readonly Id[]; readonly isSuspect: boolean }
  | { readonly kind: 'failed'; readonly scheme: string }
  | { readonly kind: 'tooMany' }

/** `known` are the identities of the connection until now; an identity that it has already is not added again. */
export function authenticate(
  providers: ReadonlyMap<string, AuthProvider>,
  body: Reader,
  remoteHost: string,
  known: readonly Id[],
  maxIdentities: number,
): Authentication {
  let added: readonly Id[] | undefined
  let scheme = ''
  try {
    const packet = readAuthPacket(body)
    scheme = packet.scheme
    added = providers.get(scheme)?.authenticate(packet.auth ?? new Uint8Array(0), remoteHost)
  } catch (error) {
    if (!(error instanceof MalformedFrameError)) throw error
  }
  if (added === undefined || added.some(({ id }) => id.length > identityMax)) return { kind: 'failed', scheme }
  const isNew = (id: Id): boolean => !known.some((own) => own.scheme === id.scheme && own.id === id.id)
  const identities = added.filter(isNew)
  if (known.length + identities.length > maxIdentities) return { kind: 'tooMany' }
  const isSuspect = added.some(({ id }) => providers.get(scheme)?.isSuspect?.(id) === true)
  return { kind: 'authenticated', identities: identities.length === 0 ? known : [...known, ...identities], isSuspect }
}
