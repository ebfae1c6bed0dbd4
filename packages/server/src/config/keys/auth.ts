/** Who clients are and what they may do. */
import { digestHash, isDigestOf } from '../../auth/digest.ts'
import { jaasUsers } from '../../auth/sasl/jaas-users.ts'
import { SaslUsers } from '../../auth/sasl/users.ts'
import type { AuthScheme } from '../../auth/settings.ts'
import { ConfigError } from '../config-error.ts'
import { exactlyYes, looseBoolean } from '../java-values.ts'
import { type FamilyTools, idleKeys, isOff, type Room } from '../room.ts'
import { flag, type SettingsFor, setting } from '../setting.ts'
import { jaasKey, readJaas } from './jaas-file.ts'

export interface AuthOptions {
  /** Skip every ACL check. Default false. */
  readonly skipACL?: boolean
  /** Serve the scheme `digest`. Default true. */
  readonly digestAuthEnabled?: boolean
  /** Java's name of the hash of digest identities: `SHA1`, `SHA-256`, `SHA-512`, `SHA3-256` and so on. Default SHA1. */
  readonly digestAlg?: string
  /**
   * `user:<base64 of the hash of user:password>`, whatever the user: a client that authenticates so passes every ACL.
   * Default none.
   */
  readonly superDigest?: string | undefined
  /** Passwords of the users that may log in by SASL DIGEST-MD5, by name. Default none: no login is offered. */
  readonly saslUsers?: Readonly<Record<string, string>> | SaslUsers | undefined
  /** Schemes whose ids may stand in ACLs, besides `ip` and `digest`. Default `sasl` where there are users, else none. */
  readonly authProviders?: readonly AuthScheme[]
  /** Users of SASL that pass every ACL. Default none. */
  readonly superUsers?: readonly string[]
  /** Serve a client whose SASL login failed, without the identity. Default false. */
  readonly allowSaslFailedClients?: boolean
  /** An id of the scheme `sasl` that every user of it matches in an ACL. Default none. */
  readonly letAnySaslUserDoX?: string | undefined
  /** Subject of the client certificate that passes every ACL, in the form of RFC 2253. Default none. */
  readonly x509SuperUser?: string | undefined
  /** Names of the ensemble that a client may expect by the scheme `ensemble`. Default: any. */
  readonly ensembleAuthName?: readonly string[] | string
  /** Refuse each request of a connection that has no identity of one of these schemes. Default none: all are served. */
  readonly enforcedAuthSchemes?: readonly string[]
}

/** One of each length. */
const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']

const schemes: readonly AuthScheme[] = ['digest', 'ip', 'x509', 'sasl', 'ensemble']

/** A list of names. */
const names = (given: unknown, name: string, wanted: string): readonly string[] => {
  if (Array.isArray(given) && given.every((each) => typeof each === 'string' && each !== '')) return given as string[]
  throw new ConfigError(name, given, wanted)
}

const optionalText = (key: string): ReturnType<typeof setting<string | undefined>> =>
  setting<string | undefined>({
    key,
    byDefault: undefined,
    check(given, name) {
      if (typeof given === 'string') return given
      throw new ConfigError(name, given, 'a text')
    },
    show: (value) => value ?? '',
  })

const settings = {
  skipACL: flag({ key: 'skipACL', read: exactlyYes, words: ['yes', 'no'], byDefault: false }),
  digestAuthEnabled: flag({ key: 'DigestAuthenticationProvider.enabled', read: looseBoolean, byDefault: true }),
  digestAlg: setting<string>({
    key: 'DigestAuthenticationProvider.digestAlg',
    byDefault: 'SHA1',
    check(given, name) {
      if (typeof given === 'string' && digestHash(given) !== undefined) return given
      throw new ConfigError(
        name,
        given,
        'a hash by its name in Java: SHA1, SHA-256, SHA-512, SHA3-256 or MD5, for example',
      )
    },
  }),
  superDigest: setting<string | undefined>({
    key: 'DigestAuthenticationProvider.superDigest',
    byDefault: undefined,
    isLive: true,
    // Never shown: with the hash, passwords can be tried.
    isSecret: true,
    check(given, name) {
      if (typeof given === 'string' && hashes.some((hash) => isDigestOf(given, hash))) return given
      throw ConfigError.refused(name, 'is not of the form user:<base64 of the hash of "user:password">')
    },
  }),
  saslUsers: setting<SaslUsers | undefined>({
    byDefault: undefined,
    isLive: true,
    isSecret: true,
    check(given, name) {
      if (given instanceof SaslUsers) return given
      const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given)
      const entries = isRecord ? Object.entries(given) : []
      if (isRecord && entries.every(([user, password]) => user !== '' && typeof password === 'string')) {
        return new SaslUsers(new Map(entries as [string, string][]))
      }
      throw ConfigError.refused(name, 'is not an object of passwords by the names of users')
    },
    show: (value) => value?.fingerprint ?? '',
  }),
  authProviders: setting<readonly AuthScheme[]>({
    byDefault: ({ value }) => (value('saslUsers') === undefined ? [] : ['sasl']),
    check(given, name) {
      const wanted = `a list of ${schemes.join(', ')}`
      const list = names(given, name, wanted)
      if (list.every((each) => (schemes as readonly string[]).includes(each))) return list as AuthScheme[]
      throw new ConfigError(name, list.join(','), wanted)
    },
    show: (value) => value.join(','),
  }),
  superUsers: setting<readonly string[]>({
    byDefault: [],
    isLive: true,
    check: (given, name) => names(given, name, 'a list of users'),
    show: (value) => value.join(','),
  }),
  allowSaslFailedClients: flag({ key: 'allowSaslFailedClients', read: looseBoolean, byDefault: false }),
  letAnySaslUserDoX: optionalText('letAnySaslUserDoX'),
  x509SuperUser: optionalText('X509AuthenticationProvider.superUser'),
  ensembleAuthName: setting<readonly string[]>({
    key: 'ensembleAuthName',
    byDefault: [],
    check: (given, name) =>
      typeof given === 'string'
        ? given.split(',').map((each) => each.trim())
        : names(given, name, 'a comma list of names'),
    show: (value) => value.join(','),
  }),
  enforcedAuthSchemes: setting<readonly string[]>({
    byDefault: [],
    check: (given, name) => names(given, name, 'a list of schemes, sasl for example'),
    show: (value) => value.join(','),
  }),
} satisfies SettingsFor<AuthOptions>

const classes: Readonly<Record<string, AuthScheme>> = {
  DigestAuthenticationProvider: 'digest',
  IPAuthenticationProvider: 'ip',
  SASLAuthenticationProvider: 'sasl',
  X509AuthenticationProvider: 'x509',
  EnsembleAuthenticationProvider: 'ensemble',
}
const providerKey = /^authProvider(\..*)?$/
const sectionKey = 'sasl.serverconfig'
const superPasswordKey = 'SASLAuthenticationProvider.superPassword'

function providersOf(values: ReadonlyMap<string, string>): readonly AuthScheme[] {
  const found: AuthScheme[] = []
  for (const [key, value] of values) {
    if (!providerKey.test(key) || isOff(value)) continue
    const scheme = classes[/^org\.apache\.zookeeper\.server\.auth\.(\w+)$/.exec(value)?.[1] ?? '']
    if (scheme === undefined) {
      throw new ConfigError(
        key,
        value,
        `one of Apache's classes ${Object.keys(classes).join(', ')}, with their package`,
      )
    }
    if (!found.includes(scheme)) found.push(scheme)
  }
  return found
}

function usersOf(values: ReadonlyMap<string, string>, tools: FamilyTools): SaslUsers | undefined {
  const path = values.get(jaasKey)
  if (path === undefined) return undefined
  return readJaas(path, tools, (text) => {
    const section = values.get(sectionKey)
    const users = jaasUsers(text, section, values.get(superPasswordKey))
    // A file of members may have their sections alone.
    const isOfMembers = section === undefined && /^true$/i.test(tools.all.get('quorum.auth.enableSasl') ?? '')
    if (users === undefined && !isOfMembers)
      tools.note(`${path} has no section ${section ?? 'Server'}: no client can log in by SASL`)
    return users
  })
}

/** Which schemes a client must have one of (AuthenticationHelper.java). */
function enforcedOf(values: ReadonlyMap<string, string>, { all }: FamilyTools): readonly string[] {
  const isOn = (key: string): boolean => values.get(key)?.toLowerCase() === 'true'
  const listed = (key: string): string[] =>
    (values.get(key) ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean)
  if (isOn('sessionRequireClientSASLAuth')) return demanded('sessionRequireClientSASLAuth', ['sasl'], all)
  if (isOn('enforce.auth.enabled')) {
    const key = 'enforce.auth.schemes'
    const wanted = listed(key)
    if (wanted.length > 0) return demanded(key, wanted, all)
    throw ConfigError.refused(
      key,
      'is missing, and enforce.auth.enabled=true needs it: name a scheme, sasl for example',
    )
  }
  const onlyNamed = 'enforce.auth.schemes'
  if (values.get('enforce.auth.enabled') === undefined && !isOff(values.get(onlyNamed) ?? '')) {
    throw ConfigError.refused(
      onlyNamed,
      'names schemes, and enforce.auth.enabled=true is missing; set it, or false where strangers are served',
    )
  }
  // Old files ask by this key. Apache serves strangers all the same; a file that asks for authentication gets it here.
  const old = 'requireClientAuthScheme'
  return isOff(values.get(old) ?? '') ? [] : demanded(old, listed(old), all)
}

/** With TLS certificates are identities, whether there is an `authProvider` for them or not. */
function hasTls(values: ReadonlyMap<string, string>): boolean {
  return values.has('secureClientPort') || values.get('client.portUnification')?.toLowerCase() === 'true'
}

/** The schemes, where a client can have them. @throws ConfigError that names `key` where no client could. */
function demanded(key: string, wanted: readonly string[], values: ReadonlyMap<string, string>): readonly string[] {
  const served = ['digest', 'ip', ...(hasTls(values) ? ['x509'] : []), ...providersOf(values)]
  refuseUnmet(key, wanted, served, values.has(jaasKey))
  return wanted
}

/**
 * A server that demands what no client can have would serve nobody.
 * @throws ConfigError that calls the demand `name`.
 */
function refuseUnmet(name: string, wanted: readonly string[], served: readonly string[], hasUsers: boolean): void {
  for (const scheme of wanted) {
    if (served.includes(scheme)) continue
    const className = Object.entries(classes).find(([, each]) => each === scheme)?.[0]
    const key = `authProvider.1=org.apache.zookeeper.server.auth.${className}`
    const how = className === undefined ? '' : `; the option authProviders, or ${key} adds it`
    throw ConfigError.refused(name, `demands the scheme ${scheme}, which this server does not have${how}`)
  }
  if (wanted.length === 1 && wanted[0] === 'sasl' && !hasUsers) {
    const how = `name a file with users by ${jaasKey}, or give the option saslUsers`
    throw ConfigError.refused(name, `demands a login by SASL, and there are no users that could log in; ${how}`)
  }
}

interface Checked {
  readonly digestAuthEnabled: boolean
  readonly digestAlg: string
  readonly superDigest: string | undefined
  readonly saslUsers: SaslUsers | undefined
  readonly authProviders: readonly string[]
  readonly enforcedAuthSchemes: readonly string[]
  readonly tls: object | undefined
}

export const auth = {
  settings,
  families: [
    // A login file without a provider: users log in, and no ACL may name them, as in Apache.
    { keys: /^(authProvider(\..*)?|java\.security\.auth\.login\.config)$/, option: 'authProviders', read: providersOf },
    {
      keys: /^(java\.security\.auth\.login\.config|sasl\.serverconfig|SASLAuthenticationProvider\.superPassword)$/,
      option: 'saslUsers',
      read: usersOf,
    },
    { keys: /^superUser(\..*)?$/, option: 'superUsers', read: (values) => [...values.values()].filter(Boolean) },
    {
      keys: /^(sessionRequireClientSASLAuth|requireClientAuthScheme|enforce\.auth\..*)$/,
      option: 'enforcedAuthSchemes',
      read: enforcedOf,
    },
  ],
  idle: idleKeys([
    ...['IPAuthenticationProvider.usexforwardedfor', 'jaasLoginRenew', 'kinit', 'security.auth_to_local'],
    ...['kerberos.removeHostFromPrincipal', 'kerberos.removeRealmFromPrincipal', 'kerberos.canonicalizeHostNames'],
    ...['sasl.client', 'sasl.clientconfig', 'sasl.client.username'],
  ]),
  check(config) {
    const { digestAuthEnabled, digestAlg, superDigest, saslUsers, authProviders, enforcedAuthSchemes, tls } =
      config as unknown as Checked
    if (superDigest !== undefined && !isDigestOf(superDigest, digestHash(digestAlg) ?? '')) {
      throw ConfigError.refused('superDigest', `is not user:<base64 of a hash by ${digestAlg}>`)
    }
    const served = ['ip', ...authProviders]
    if (digestAuthEnabled) served.push('digest')
    if (tls !== undefined) served.push('x509')
    refuseUnmet('enforcedAuthSchemes', enforcedAuthSchemes, served, saslUsers !== undefined)
  },
} as const satisfies Room
