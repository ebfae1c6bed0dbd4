/** Where clients are accepted, without TLS and with it. */
import { parseHost } from '@lightkeeper/runtime'
import { ConfigError } from '../config-error.ts'
import { atLeast, looseBoolean, parsedInt } from '../java-values.ts'
import type { Room } from '../room.ts'
import { type ConfigOf, flag, integer, type Setting, type SettingsFor, setting } from '../setting.ts'

export interface ListeningOptions {
  /** Port for clients with TLS alone; 0 takes a free one. It needs `tls`. Default none. */
  readonly secureClientPort?: number
  /** Address to listen on with TLS. Default 127.0.0.1; `::` or 0.0.0.0 for all interfaces. */
  readonly secureClientPortAddress?: string
  /** Accept clients with TLS on `clientPort` too, beside those without. It needs `tls`. Default false. */
  readonly clientPortUnification?: boolean
  /** Port for clients; 0 takes a free one. Default 2181; none, -1, where there is a `secureClientPort`. */
  readonly clientPort?: number
  /** Short for `clientPort`. */
  readonly port?: number
  /** Address to listen on. Default 127.0.0.1; `::` or 0.0.0.0 for all interfaces. */
  readonly clientPortAddress?: string
  /** Short for `clientPortAddress`. */
  readonly host?: string
  /** Connections the system may hold before they are accepted; -1 leaves it to the system. Default -1. */
  readonly clientPortListenBacklog?: number
}

const wanted = 'a host name or an IP address, without a port; :: or 0.0.0.0 for all addresses'

function address(key: string): Setting<string> {
  return setting({
    key,
    // Java reads an empty name as the loopback address.
    read: (value) => (value === '' ? '127.0.0.1' : value),
    byDefault: '127.0.0.1',
    check(given, name) {
      if (typeof given !== 'string') throw new ConfigError(name, given, wanted)
      try {
        return parseHost(given)
      } catch {
        throw new ConfigError(name, given, wanted)
      }
    },
  })
}

const port = { min: 0, max: 65535 }

const settings = {
  // -1 is none. It stands before `clientPort`, whose default depends on it.
  secureClientPort: integer({ key: 'secureClientPort', byDefault: -1, ...port }),
  secureClientPortAddress: address('secureClientPortAddress'),
  clientPortUnification: flag({ key: 'client.portUnification', read: looseBoolean, byDefault: false }),
  clientPort: integer({
    key: 'clientPort',
    byDefault: ({ value }) => (value('secureClientPort') === -1 ? 2181 : -1),
    ...port,
  }),
  clientPortAddress: address('clientPortAddress'),
  clientPortListenBacklog: integer({
    key: 'clientPortListenBacklog',
    read: atLeast(-1, parsedInt, true),
    byDefault: -1,
    min: -1,
  }),
} satisfies SettingsFor<Omit<ListeningOptions, 'port' | 'host'>>

export const listening = {
  settings,
  aliases: { port: 'clientPort', host: 'clientPortAddress' },
  check({ clientPort, secureClientPort, clientPortUnification }: ConfigOf<typeof settings>) {
    if (clientPortUnification && clientPort < 0) {
      throw new ConfigError('clientPort', undefined, 'a port, since clientPortUnification is true')
    }
    if (clientPort > 0 && clientPort === secureClientPort) {
      throw new ConfigError('secureClientPort', secureClientPort, 'another port than clientPort')
    }
  },
} as const satisfies Room
