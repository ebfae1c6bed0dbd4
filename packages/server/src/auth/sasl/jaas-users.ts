/** The users that a JAAS file names: those who may log in to this server, and this member where it logs in to others (DigestLoginModule.java). */
import { JaasError, parseJaas } from './jaas.ts'
import { SaslUsers } from './users.ts'

const digestLogin = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const userPrefix = 'user_'

/**
 * Undefined where the file has no such section: SASL is off then, as in Apache (ServerCnxnFactory.java, configureSaslLogin).
 * @param section default `Server`; `sasl.serverconfig` of a zoo.cfg names another.
 * @param superPassword takes the place of the one of the user `super`, where there is such a user.
 * @throws JaasError for a file that cannot be read, and for a section that asks for another kind of login.
 */
export function jaasUsers(text: string, section = 'Server', superPassword?: string): SaslUsers | undefined {
  const why =
    'which this server does not speak: the package kerberos gives a server no function that signs its last token. ' +
    `Use ${digestLogin}, or client certificates`
  const passwords = passwordsIn(text, section, why)
  if (passwords === undefined) return undefined
  if (superPassword !== undefined && passwords.has('super')) passwords.set('super', superPassword)
  return new SaslUsers(passwords)
}

const noKerberosBetweenMembers = `which members of this version do not speak. Use ${digestLogin}, or certificates with sslQuorum=true`

/** Who may log in as a member. Undefined where the file has no such section. @throws JaasError as `jaasUsers`. */
export function jaasMembers(text: string, section: string): SaslUsers | undefined {
  const passwords = passwordsIn(text, section, noKerberosBetweenMembers)
  return passwords && new SaslUsers(passwords)
}

/**
 * Who this member is where it logs in. Undefined where the file has no such section.
 * @throws JaasError as `jaasUsers`, and for a section without `username` or `password`.
 */
export function jaasOwnLogin(
  text: string,
  section: string,
): { readonly username: string; readonly password: string } | undefined {
  const modules = digestModules(text, section, noKerberosBetweenMembers)
  if (modules === undefined) return undefined
  const { options, line } = modules.find((each) => each.options.has('username')) ?? { line: modules[0]?.line ?? 1 }
  const username = options?.get('username')
  const password = options?.get('password')
  if (username === undefined || password === undefined) {
    throw new JaasError(
      line,
      `the section ${section} needs username="…" and password="…": this member logs in with them`,
    )
  }
  return { username, password }
}

function passwordsIn(text: string, section: string, whyNoKerberos: string): Map<string, string> | undefined {
  const modules = digestModules(text, section, whyNoKerberos)
  if (modules === undefined) return undefined
  const passwords = new Map<string, string>()
  for (const { options } of modules) {
    for (const [option, value] of options) {
      if (option.startsWith(userPrefix)) passwords.set(option.slice(userPrefix.length), value)
    }
  }
  return passwords
}

function digestModules(text: string, section: string, whyNoKerberos: string) {
  const modules = parseJaas(text).get(section)
  for (const { name, line } of modules ?? []) {
    if (name.endsWith('.Krb5LoginModule')) {
      throw new JaasError(line, `the section ${section} asks for Kerberos (${name}), ${whyNoKerberos}`)
    }
    if (name !== digestLogin) {
      throw new JaasError(line, `the section ${section} asks for ${name}; this server knows ${digestLogin} alone`)
    }
  }
  return modules
}
