/** Where clients are accepted. */
import { parseHost } from '@lightkeeper/runtime'
import { ConfigError } from '../config-error.ts'
import { atLeast, parsedInt } from '../java-values.ts'
import type { Room } from '../room.ts'
import { integer, type SettingsFor, setting } from '../setting.ts'

export interface ListeningOptions {
  /** Port for clients; 0 takes a free one. Default 2181. */
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

const settings = {
  clientPort: integer({ key: 'clientPort', byDefault: 2181, min: 0, max: 65535 }),
  clientPortAddress: setting({
    key: 'clientPortAddress',
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
  }),
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
} as const satisfies Room
