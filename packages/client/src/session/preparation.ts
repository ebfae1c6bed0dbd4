/** What comes between the handshake of a connection and the first request of a user: SASL, identities, watches, in this order. */
import { KeeperError, opCode } from '@lightkeeper/protocol'
import { parseAddress, type Random } from '@lightkeeper/runtime'
import { plainCredentials } from '../arguments/connect-options.ts'
import type { SaslMechanism } from '../auth/sasl.ts'
import type { AuthOption } from '../options.ts'
import { setWatchesFrames } from './rearm.ts'
import type { RequestSpec } from './request.ts'
import { logIn, saslRequest } from './sasl-login.ts'
import type { WatchPaths, WatchRegistry } from './watch-registry.ts'

/** What is shown to every server. */
export interface Belongings {
  readonly sasl: SaslMechanism | undefined
  readonly auth: readonly AuthOption[]
  readonly watches: WatchRegistry
  readonly lastZxid: bigint
}

/** A connection whose handshake is done. */
export interface FreshConnection {
  readonly server: string
  readonly random: Random
  /** False once it is gone or given up. */
  isOpen(): boolean
  /** Whether its server has said that it does not know requests of this type. */
  lacks(type: number): boolean
  /** Sends a request ahead of the user's. */
  request<T>(spec: RequestSpec<T>): Promise<T>
  flush(): void
  onLogin(mechanism: string): void
  /** Credentials were refused: no other attempt could end otherwise. */
  onRefusal(scheme: string, reason?: string): void
}

/** False when the connection went away meanwhile. Rejects where something was refused or lost. */
export async function prepare(connection: FreshConnection, belongings: Belongings): Promise<boolean> {
  const { sasl, watches, lastZxid } = belongings
  if (sasl !== undefined) {
    await showSasl(connection, sasl)
    if (!connection.isOpen()) return false
    connection.onLogin(sasl.name)
  }
  const credentials = await Promise.all(
    belongings.auth.map(async (option) => ({ scheme: option.scheme, bytes: await credentialBytes(option) })),
  )
  if (!connection.isOpen()) return false
  const replies = credentials.map(({ scheme, bytes }) => showIdentity(connection, scheme, bytes))
  for (const spec of setWatchesFrames(knownPaths(connection, watches), lastZxid)) replies.push(connection.request(spec))
  connection.flush()
  await Promise.all(replies)
  return connection.isOpen()
}

async function showSasl(connection: FreshConnection, mechanism: SaslMechanism): Promise<void> {
  const { host } = parseAddress(connection.server)
  try {
    await logIn(mechanism, { host, random: connection.random }, (token) => {
      // A mechanism may have taken its time: the token is not for a connection that came after.
      if (!connection.isOpen()) return Promise.reject(new KeeperError('CONNECTION_LOSS', { operation: 'sasl' }))
      return connection.request(saslRequest(mechanism.name, token))
    })
  } catch (error) {
    if (connection.isOpen() && KeeperError.is(error, 'AUTH_FAILED')) {
      connection.onRefusal('sasl', error.message.slice('AUTH_FAILED: '.length))
    }
    throw error
  }
}

/** Shows an identity on a connection, new or old. */
export function showIdentity(
  connection: Pick<FreshConnection, 'request' | 'onRefusal'>,
  scheme: string,
  bytes: Uint8Array,
): Promise<void> {
  const spec: RequestSpec<void> = {
    type: opCode.auth,
    operation: 'auth',
    write(writer) {
      writer.int(0)
      writer.ustring(scheme)
      writer.buffer(bytes)
    },
    read() {},
  }
  return connection.request(spec).catch((error: unknown) => {
    if (KeeperError.is(error, 'AUTH_FAILED')) connection.onRefusal(scheme)
    throw error
  })
}

/** The watches a server is to be told of: those it has a request for. Streams look after the rest themselves. */
function knownPaths(connection: FreshConnection, watches: WatchRegistry): WatchPaths {
  const paths = watches.paths()
  const hasPersistent = !connection.lacks(opCode.setWatches2) && !connection.lacks(opCode.addWatch)
  const known = hasPersistent ? paths : { ...paths, persistent: [], recursive: [] }
  if (!connection.lacks(opCode.setWatches)) return known
  watches.sessionEnded()
  return { ...known, data: [], exists: [], children: [] }
}

/** Asks for credentials, in a turn of their own: a user's function must not run inside the protocol loop. */
export async function credentialBytes(option: AuthOption): Promise<Uint8Array> {
  const { credentials } = option
  const value = typeof credentials === 'function' ? await Promise.resolve().then(credentials) : credentials
  const given = plainCredentials(value)
  if (given === undefined)
    throw new TypeError(`credentials of scheme ${option.scheme}: neither text nor a Uint8Array was given`)
  return typeof given === 'string' ? new TextEncoder().encode(given) : given
}
