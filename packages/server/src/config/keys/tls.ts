/** TLS for clients. There is none yet, so a file that asks for it is refused. */
import { idleKeys, type Room } from '../room.ts'

const noTls = 'asks for TLS, which this server does not speak yet; it would serve without encryption'

export const tls = {
  settings: {},
  idle: idleKeys([
    ...['client.certReload', 'fips-mode', 'serverCnxnFactory', 'netty.server.outstandingHandshake.limit'],
    ...['netty.server.earlyDropSecureConnectionHandshakes', 'netty.advancedFlowControl.enabled'],
  ]),
  refusals: [
    { keys: /^secureClientPort(Address)?$/, why: noTls },
    { keys: /^(client\.)?portUnification$/, why: noTls },
    { keys: /^ssl\./, why: noTls },
  ],
} as const satisfies Room
