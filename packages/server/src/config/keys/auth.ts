/** Who clients are and what they may do. */
import { ConfigError } from '../config-error.ts'
import { exactlyYes } from '../java-values.ts'
import { idleKeys, isOff, type Room } from '../room.ts'
import { flag, type SettingsFor, setting } from '../setting.ts'

export interface AuthOptions {
  /** Skip every ACL check. Default false. */
  readonly skipACL?: boolean
  /** `user:<base64 of the sha1 of user:password>`, whatever the user: who authenticates so passes every ACL. Default none. */
  readonly superDigest?: string | undefined
}

const settings = {
  skipACL: flag({ key: 'skipACL', read: exactlyYes, words: ['yes', 'no'], byDefault: false }),
  superDigest: setting<string | undefined>({
    key: 'DigestAuthenticationProvider.superDigest',
    byDefault: undefined,
    isLive: true,
    // Never shown: with the hash, passwords can be tried.
    isSecret: true,
    check(given, name) {
      // A sha1 in base64: 27 characters and one for the padding.
      if (typeof given === 'string' && /^[^:]*:[A-Za-z0-9+/]{27}=$/.test(given)) return given
      throw ConfigError.refused(name, 'is not of the form user:<base64 of the sha1 of "user:password">')
    },
  }),
} satisfies SettingsFor<AuthOptions>

const noSasl = 'asks that clients prove who they are, which this server would not do; it knows digest and ip alone'

export const auth = {
  settings,
  idle: idleKeys([
    ...['allowSaslFailedClients', 'superUser', 'X509AuthenticationProvider.superUser'],
    ...['IPAuthenticationProvider.usexforwardedfor', 'ensembleAuthName', 'jaasLoginRenew', 'kinit'],
    ...['kerberos.removeHostFromPrincipal', 'kerberos.removeRealmFromPrincipal', 'kerberos.canonicalizeHostNames'],
    ...['sasl.serverconfig', 'sasl.client', 'sasl.clientconfig', 'sasl.client.username'],
    ...['DigestAuthenticationProvider.enabled', 'DigestAuthenticationProvider.digestAlg'],
  ]),
  refusals: [
    {
      keys: /^authProvider(\..*)?$/,
      why: noSasl,
      isHarmless: (value) => isOff(value) || /(^|\.)(Digest|IP)AuthenticationProvider$/.test(value),
    },
    { keys: /^(requireClientAuthScheme|sessionRequireClientSASLAuth|enforce\.auth\.enabled)$/, why: noSasl },
    {
      keys: /^enforce\.auth\..*/,
      why: noSasl,
      isHarmless: (value, other) => isOff(value) || isOff(other('enforce.auth.enabled') ?? 'unset'),
    },
    {
      keys: /^DigestAuthenticationProvider\.digestAlg$/,
      why: 'is not SHA1: identities would have other names than the ACLs say',
      isHarmless: (value) => /^SHA-?1$/i.test(value),
    },
    {
      keys: /^DigestAuthenticationProvider\.enabled$/,
      why: 'is not true: this server always knows digest identities',
      isHarmless: (value) => /^true$/i.test(value),
    },
  ],
} as const satisfies Room
