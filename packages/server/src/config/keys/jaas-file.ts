/** The JAAS file that a file of settings names: logins of clients, and of members among each other. */
import { JaasError } from '../../auth/sasl/jaas.ts'
import { latin1Bytes } from '../../latin1.ts'
import { ConfigError } from '../config-error.ts'
import type { FamilyTools } from '../room.ts'

export const jaasKey = 'java.security.auth.login.config'

/** What `work` makes of the text of the file. @throws ConfigError for a file that cannot be read, or used. */
export function readJaas<T>(path: string, { readFile }: Pick<FamilyTools, 'readFile'>, work: (text: string) => T): T {
  if (readFile === undefined) throw ConfigError.refused(jaasKey, 'names a file with users, which was not read')
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw ConfigError.refused(jaasKey, `cannot be read: ${(error as Error).message}`)
  }
  try {
    // Files of settings are read as ISO 8859-1, and this one is in UTF-8.
    return work(new TextDecoder().decode(latin1Bytes(text)))
  } catch (error) {
    if (!(error instanceof JaasError)) throw error
    throw ConfigError.refused(jaasKey, `names ${path}, ${error.message}`)
  }
}
