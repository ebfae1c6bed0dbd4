/** What happens between the handshake of a connection and the first request of a user: SASL, identities, watches, in this order. */
import { KeeperError, opCode } from '@lightkeeper/protocol'
import { parseAddress, type Random } from '@lightkeeper/runtime'
import { plainCredentials } from '../arguments/connect-options.ts'
import type { SaslMechanism } from '../auth/sasl.ts'
import type { AuthOption } from '../options.ts'
import type { Connection } from './connection.ts'
import { setWatchesFrames } from './rearm.ts'
import type { RequestSpec } from './request.ts'
import { logIn, saslRequest } from './sasl-login.ts'
import type { WatchPaths, WatchRegistry } from './watch-registry.ts'

/** What the client sets up on every connection. */
export interface ConnectionSetup {
  readonly sasl: SaslMechanism | undefined
  readonly auth: readonly AuthOption[]
  readonly watches: WatchRegistry
  readonly lastZxid: bigint
  readonly requestBytesMax: number
}

export interface PreparationHost {
  readonly random: Random
  onLogin(mechanism: string): void
  /** The server refused the credentials: another attempt would end in the same way. */
  onRefusal(scheme: string, reason?: string): void
}

/** Resolves to false when the connection was lost meanwhile. Rejects where something was refused or lost. */
export async function prepare(connection: Connection, setup: ConnectionSetup, host: PreparationHost): Promise<boolean> {
  const { sasl, watches, lastZxid, requestBytesMax } = setup
  if (sasl !== undefined) {
    await showSasl(connection, sasl, host)
    if (!isOpen(connection)) return false
    host.onLogin(sasl.name)
  }
  const credentials = await Promise.all(
    setup.auth.map(async (option) => ({ scheme: option.scheme, bytes: await credentialBytes(option) })),
  )
  if (!isOpen(connection)) return false
  const replies = credentials.map(({ scheme, bytes }) => showIdentity(connection, scheme, bytes, host))
  const frames = setWatchesFrames(knownPaths(connection, watches), lastZxid, requestBytesMax)
  for (const spec of frames) replies.push(connection.request(spec))
  connection.flush()
  await Promise.all(replies)
  return isOpen(connection)
}

function isOpen({ phase }: Connection): boolean {
  return phase === 'preparing'
}

async function showSasl(connection: Connection, mechanism: SaslMechanism, host: PreparationHost): Promise<void> {
  const context = { host: parseAddress(connection.server).host, random: host.random }
  try {
    await logIn(mechanism, context, (token) => {
      // A mechanism may be slow: its token must not go to a later connection.
      if (!isOpen(connection)) return Promise.reject(new KeeperError('CONNECTION_LOSS', { operation: 'sasl' }))
      return connection.request(saslRequest(mechanism.name, token))
    })
  } catch (error) {
    if (isOpen(connection) && KeeperError.is(error, 'AUTH_FAILED')) {
      host.onRefusal('sasl', error.message.slice('AUTH_FAILED: '.length))
    }
    throw error
  }
}

/** Shows an identity on a new or existing connection. */
export function showIdentity(
  connection: Connection,
  scheme: string,
  bytes: Uint8Array,
  host: Pick<PreparationHost, 'onRefusal'>,
): Promise<void> {
  const spec: RequestSpec<void> = {
    type: opCode.auth,
    operation: 'auth',
    encode(writer) {
      writer.int(0)
      writer.ustring(scheme)
      writer.buffer(bytes)
    },
    decode() {},
  }
  return connection.request(spec).catch((error: unknown) => {
    if (KeeperError.is(error, 'AUTH_FAILED')) host.onRefusal(scheme)
    throw error
  })
}

/** Restores the watches that have a request for it. Streams restore theirs themselves. */
function knownPaths(connection: Connection, watches: WatchRegistry): WatchPaths {
  const paths = watches.paths()
  const hasPersistent = !connection.lacks(opCode.setWatches2) && !connection.lacks(opCode.addWatch)
  const known = hasPersistent ? paths : { ...paths, persistent: [], recursive: [] }
  if (!connection.lacks(opCode.setWatches)) return known
  watches.sessionEnded()
  return { ...known, data: [], exists: [], children: [] }
}

/** Asks for credentials, in a turn of its own: a user's function must not run inside the protocol loop. */
export async function credentialBytes(option: AuthOption): Promise<Uint8Array> {
  const { credentials } = option
  const value = typeof credentials === 'function' ? await Promise.resolve().then(credentials) : credentials
  const given = plainCredentials(value)
  if (given === undefined)
    throw new TypeError(`credentials of scheme ${option.scheme}: neither text nor a Uint8Array was given`)
  return typeof given === 'string' ? new TextEncoder().encode(given) : given
}
