/** Logins of members among each other: Apache's keys `quorum.auth.*` (QuorumPeerConfig.java, QuorumAuth.java). */
import { jaasMembers, jaasOwnLogin } from '../../auth/sasl/jaas-users.ts'
import { MemberSasl, OwnLogin } from '../../auth/sasl/member-sasl.ts'
import { SaslUsers } from '../../auth/sasl/users.ts'
import { ConfigError } from '../config-error.ts'
import { strictBoolean } from '../java-values.ts'
import type { Family, FamilyTools } from '../room.ts'
import { type SettingsFor, setting } from '../setting.ts'
import { jaasKey, readJaas } from './jaas-file.ts'

/** Members log in to each other by SASL DIGEST-MD5. */
export interface MemberSaslOptions {
  /** Who this member is where it connects to another one. */
  readonly username: string
  readonly password: string
  /** Passwords of the users that may connect as members, by name. Default: `username` alone. */
  readonly users?: Readonly<Record<string, string>> | undefined
  /** Log in where this member connects to another one. Default true. */
  readonly learnerRequireSasl?: boolean | undefined
  /** Refuse a member that connects and does not log in. Default true. */
  readonly serverRequireSasl?: boolean | undefined
}

export interface QuorumSaslOptions {
  /** How members log in to each other. Default: they do not. */
  readonly quorumSasl?: MemberSaslOptions | MemberSasl | undefined
}

export const quorumSaslSettings = {
  quorumSasl: setting<MemberSasl | undefined>({
    byDefault: undefined,
    check(given, name) {
      return given instanceof MemberSasl ? given : ofOptions({ ...(given as Partial<MemberSaslOptions>) }, name)
    },
    show: (value) =>
      value === undefined
        ? ''
        : `${value.own === undefined ? 'does not log in' : `logs in as ${value.own.username}`}, ` +
          `takes ${value.users.names.join(' ')}, ${value.isRequired ? 'refuses' : 'also takes'} who does not log in`,
    identityOf: (value) => (value === undefined ? '' : value.fingerprint),
  }),
} satisfies SettingsFor<QuorumSaslOptions>

function ofOptions(given: Partial<MemberSaslOptions>, name: string): MemberSasl {
  const { username, password, users, learnerRequireSasl = true, serverRequireSasl = true } = given
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
  if (!isText(username) || !isText(password)) {
    throw ConfigError.refused(name, 'needs the texts username and password, with which this member logs in')
  }
  const passwords = Object.entries({ ...(users ?? { [username]: password }) })
  if (passwords.length === 0 || !passwords.every(([user, each]) => user !== '' && typeof each === 'string')) {
    throw ConfigError.refused(`${name}.users`, 'is not an object of passwords by the names of users')
  }
  for (const [key, value] of Object.entries({ learnerRequireSasl, serverRequireSasl })) {
    if (typeof value !== 'boolean') throw ConfigError.refused(`${name}.${key}`, 'is neither true nor false')
  }
  if (serverRequireSasl && !learnerRequireSasl) {
    throw ConfigError.refused(
      `${name}.serverRequireSasl`,
      'asks others to log in, so learnerRequireSasl must be true too',
    )
  }
  const own = learnerRequireSasl ? new OwnLogin(username, password) : undefined
  return new MemberSasl(own, new SaslUsers(new Map(passwords)), serverRequireSasl)
}

const key = {
  enable: 'quorum.auth.enableSasl',
  learner: 'quorum.auth.learnerRequireSasl',
  server: 'quorum.auth.serverRequireSasl',
  learnerSection: 'quorum.auth.learner.saslLoginContext',
  serverSection: 'quorum.auth.server.saslLoginContext',
  principal: 'quorum.auth.kerberos.servicePrincipal',
} as const
const known: ReadonlySet<string> = new Set([...Object.values(key), jaasKey])

function memberSaslOf(values: ReadonlyMap<string, string>, tools: FamilyTools): MemberSasl | undefined {
  for (const each of values.keys()) if (!known.has(each)) throw ConfigError.refused(each, 'is no key of Apache')
  const isOn = (name: string): boolean => strictBoolean(values.get(name) ?? 'false', name)
  const isRequired = isOn(key.server)
  const logsIn = isOn(key.learner)
  const needs = (name: string, other: string): ConfigError =>
    ConfigError.refused(name, `is true, and ${other} is not, which it needs, as in Apache`)
  if (!isOn(key.enable)) {
    if (isRequired) throw needs(key.server, key.enable)
    if (logsIn) throw needs(key.learner, key.enable)
    return undefined
  }
  if (isRequired && !logsIn) throw needs(key.server, key.learner)
  const path = values.get(jaasKey)
  if (path === undefined) {
    const why = `is true, and no file has the passwords: name one with ${jaasKey}, here or by -D in SERVER_JVMFLAGS`
    throw ConfigError.refused(key.enable, why)
  }
  return readJaas(path, tools, (text) => {
    // Apache reads both sections, whether it needs them or not.
    const own = sectionOf(path, values.get(key.learnerSection) ?? 'QuorumLearner', (section) =>
      jaasOwnLogin(text, section),
    )
    const users = sectionOf(path, values.get(key.serverSection) ?? 'QuorumServer', (section) =>
      jaasMembers(text, section),
    )
    return new MemberSasl(logsIn ? new OwnLogin(own.username, own.password) : undefined, users, isRequired)
  })
}

function sectionOf<T>(path: string, section: string, read: (section: string) => T | undefined): T {
  const found = read(section)
  if (found !== undefined) return found
  throw ConfigError.refused(
    key.enable,
    `is true, and ${path} has no section ${section}; add it, or name another with ${key.learnerSection} or ${key.serverSection}`,
  )
}

export const quorumSaslFamilies: readonly Family[] = [
  { keys: /^(java\.security\.auth\.login\.config|quorum\.auth\..*)$/, option: 'quorumSasl', read: memberSaslOf },
]
