/** The parts of a server that is a member of an ensemble. Loaded only then. */
import type { ServerConfig } from '../config/config.ts'
import type { Service, ServiceHouse } from '../service.ts'
import { ApacheSessionIds, ApacheSessionKeys } from '../session/apache-sessions.ts'
import { SessionIds } from '../session/session-ids.ts'
import type { SessionKeys } from '../session/session-keys.ts'
import type { Credentials } from '../tls/credentials.ts'
import { readDirectory } from './directory.ts'
import { Member } from './member.ts'
import { neighboursOf } from './neighbours.ts'
import { memberPorts } from './ports.ts'

/**
 * Clients move among the members, and every member checks their passwords: by the secret that all of them share, or, beside servers of
 * Apache, as these compute them. `wall` is milliseconds since 1970.
 */
export function memberIdentity({ sessionSecretFile, myid = 0 }: ServerConfig, keys: SessionKeys, wall: number) {
  if (sessionSecretFile !== undefined) return { keys, ids: new SessionIds(keys, myid, wall) }
  return { keys: new ApacheSessionKeys(), ids: new ApacheSessionIds(myid, wall) }
}

/**
 * `credentials` are those of the ports between members, where these speak TLS.
 * @throws EpochFileError; Error where there is no data directory.
 */
export async function memberService(house: ServiceHouse, credentials: Credentials | undefined): Promise<Service> {
  const { runtime, storage, config } = house
  if (storage === undefined) throw new Error('a member of an ensemble needs a dataDir')
  const neighbours = neighboursOf(config)
  const directory = await readDirectory(runtime, storage, neighbours.hasVote)
  return new Member(house, storage, directory, neighbours, memberPorts(house, credentials, neighbours))
}
