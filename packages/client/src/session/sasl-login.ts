/**
 * A login by SASL on a ZooKeeper connection (ZooKeeperSaslClient.java, ZooKeeperServer.java processSasl): both ends exchange tokens
 * in requests of type 102, after the handshake and before everything else.
 */
import {
  KeeperError,
  opCode,
  type Reader,
  readSetSASLResponse,
  type Writer,
  writeGetSASLRequest,
} from '@lightkeeper/protocol'
import type { SaslContext, SaslMechanism } from '../auth/sasl.ts'
import type { RequestSpec } from './request.ts'

/** Runs the exchange. Rejects with KeeperError AUTH_FAILED where another attempt would also fail. */
export async function logIn(
  mechanism: SaslMechanism,
  context: SaslContext,
  send: (token: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  // In a turn of its own: a user's function must not run inside the protocol loop.
  const exchange = await Promise.resolve().then(() => mechanism.start(context))
  let challenge = await send(exchange.first)
  for (;;) {
    // Servers answer so if no login is configured, or if they accept clients whose login failed.
    if (challenge === undefined) {
      throw refused(mechanism.name, 'the server ended the exchange without a login: it has none, or it failed there')
    }
    const { token, isDone } = await exchange.respond(challenge)
    if (token !== undefined) challenge = await send(token)
    else if (!isDone) throw refused(mechanism.name, 'the mechanism has no answer to the server')
    if (isDone) return
  }
}

/** Sends our token and returns the server's answer, undefined for none. */
export function saslRequest(mechanism: string, token: Uint8Array): RequestSpec<Uint8Array | undefined> {
  return {
    type: opCode.sasl,
    operation: 'sasl',
    encode: (writer: Writer) => writeGetSASLRequest(writer, { token }),
    decode: (reader: Reader) => readSetSASLResponse(reader).token?.slice(),
    onError(err) {
      const error = KeeperError.fromNumber(err)
      const isRefusal = error.code === 'AUTH_FAILED' || error.code === 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
      if (isRefusal) throw refused(mechanism, `the server answered ${error.message}`)
      return undefined
    },
  }
}

function refused(mechanism: string, why: string): KeeperError {
  return new KeeperError('AUTH_FAILED', { message: `SASL ${mechanism}: ${why}` })
}
