/** The users that a JAAS file names for this server (ServerCnxnFactory.java, configureSaslLogin). */
import { JaasError, parseJaas } from './jaas.ts'
import { SaslUsers } from './users.ts'

const digestLogin = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const userPrefix = 'user_'

/**
 * Undefined where the file has no such section: SASL is off then, as in Apache.
 * @param section default `Server`; `sasl.serverconfig` of a zoo.cfg names another.
 * @param superPassword takes the place of the one of the user `super`, where there is such a user.
 * @throws JaasError for a file that cannot be read, and for a section that asks for another kind of login.
 */
export function jaasUsers(text: string, section = 'Server', superPassword?: string): SaslUsers | undefined {
  const modules = parseJaas(text).get(section)
  if (modules === undefined) return undefined
  const passwords = new Map<string, string>()
  for (const { name, options, line } of modules) {
    if (name.endsWith('.Krb5LoginModule')) {
      throw new JaasError(
        line,
        `the section ${section} asks for Kerberos (${name}), which this server does not speak: the package kerberos gives a ` +
          `server no function that signs its last token. Use ${digestLogin}, or client certificates`,
      )
    }
    if (name !== digestLogin) {
      throw new JaasError(line, `the section ${section} asks for ${name}; this server knows ${digestLogin} alone`)
    }
    for (const [option, value] of options) {
      if (option.startsWith(userPrefix)) passwords.set(option.slice(userPrefix.length), value)
    }
  }
  if (superPassword !== undefined && passwords.has('super')) passwords.set('super', superPassword)
  return new SaslUsers(passwords)
}
