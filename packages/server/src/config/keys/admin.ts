/** What operators may ask: four-letter words, the admin pages, metrics. docs/operations/monitoring.md explains them. */
import { parseHost } from '@lightkeeper/runtime'
import { ConfigError } from '../config-error.ts'
import { atLeast, decoded, looseBoolean, parsedInt } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'
import { flag, integer, type SettingsFor, setting } from '../setting.ts'
import { type AdminTlsOptions, adminTlsFamilies, adminTlsSettings, refuseHalves } from './admin-tls.ts'

export interface AdminOptions extends AdminTlsOptions {
  /** Four-letter words that are answered: a comma list, `*` for all. Default `srvr`. */
  readonly fourLetterWordWhitelist?: string
  /** Whether the admin pages are served by HTTP. Default false here, and true where a zoo.cfg does not say otherwise. */
  readonly adminEnableServer?: boolean
  /** The host of the admin pages. Default 127.0.0.1. */
  readonly adminServerAddress?: string
  /** The port of the admin pages; 0 for any that is free. Default 8080. */
  readonly adminServerPort?: number
  /** The path of the admin pages. Default `/commands`. */
  readonly adminCommandUrl?: string
  /** A connection to the admin pages on which nothing moves for so long is closed, milliseconds. Default 30000. */
  readonly adminIdleTimeout?: number
  /** One snapshot and one restore may be asked for by HTTP in so many milliseconds. Default 300000. */
  readonly adminRateLimiterIntervalMs?: number
  /** Whether a snapshot may be asked for by HTTP. Default true. */
  readonly adminSnapshotEnabled?: boolean
  /** Whether a snapshot may be restored by HTTP. Default true. */
  readonly adminRestoreEnabled?: boolean
  /** Whether logs and snapshots may be read by HTTP, for questions about the past. Default true. Our own setting. */
  readonly adminPastEnabled?: boolean
  /** Host names under which the admin pages may be asked, besides localhost and addresses: a comma list, `*` for any. */
  readonly adminAllowedHosts?: string
  /** `PrometheusMetricsProvider` serves metrics by HTTP. Default `DefaultMetricsProvider`, which serves none. */
  readonly metricsProviderClassName?: string
  /** The host of the metrics. Default 0.0.0.0. */
  readonly metricsHttpHost?: string
  /** The port of the metrics without TLS; 0 takes a free one, and -1 is none. Default 7000; -1 where there is a `metricsHttpsPort`. */
  readonly metricsHttpPort?: number
  /** Whether the metrics of the process are served too. Default true. */
  readonly metricsExportJvmInfo?: boolean
}

const wanted = 'a comma list of four-letter words, or *'
const providers = ['PrometheusMetricsProvider', 'DefaultMetricsProvider', 'NullMetricsProvider']

function host(row: { readonly key: string; readonly byDefault: string }) {
  const wantedHost = 'a host name or an IP address, without a port'
  return setting<string>({
    ...row,
    check(given, name) {
      try {
        if (typeof given === 'string') return parseHost(given)
      } catch {}
      throw new ConfigError(name, given, wantedHost)
    },
  })
}

const settings = {
  ...adminTlsSettings,
  fourLetterWordWhitelist: setting<readonly string[]>({
    key: '4lw.commands.whitelist',
    byDefault: ['srvr'],
    isLive: true,
    check(given, name) {
      if (typeof given !== 'string') throw new ConfigError(name, given, wanted)
      const words = given.split(',').map((word) => word.trim())
      for (const word of words) {
        if (word !== '' && word !== '*' && word.length !== 4) throw new ConfigError(name, word, wanted)
      }
      return words
    },
    show: (words) => words.join(','),
  }),
  adminEnableServer: flag({
    key: 'admin.enableServer',
    // Apache takes the word false alone for no (AdminServerFactory.java).
    read: (value) => value !== 'false',
    byDefault: false,
  }),
  adminServerAddress: host({ key: 'admin.serverAddress', byDefault: '127.0.0.1' }),
  adminServerPort: integer({ key: 'admin.serverPort', read: decoded, byDefault: 8080, min: 0, max: 65535 }),
  adminCommandUrl: setting<string>({
    key: 'admin.commandURL',
    byDefault: '/commands',
    check(given, name) {
      if (typeof given === 'string' && /^(\/[\w.~-]+)+$/.test(given)) return given
      throw new ConfigError(name, given, 'a path like /commands')
    },
  }),
  adminIdleTimeout: integer({ key: 'admin.idleTimeout', read: decoded, byDefault: 30_000, min: 1 }),
  adminRateLimiterIntervalMs: integer({
    key: 'admin.rateLimiterIntervalInMS',
    read: atLeast(0, parsedInt),
    byDefault: 300_000,
    min: 0,
  }),
  adminSnapshotEnabled: flag({
    key: 'admin.snapshot.enabled',
    read: looseBoolean,
    byDefault: true,
    isLive: true,
  }),
  adminRestoreEnabled: flag({
    key: 'admin.restore.enabled',
    read: looseBoolean,
    byDefault: true,
    isLive: true,
  }),
  adminPastEnabled: flag({
    key: 'admin.past.enabled',
    read: looseBoolean,
    byDefault: true,
    isLive: true,
  }),
  adminAllowedHosts: setting<readonly string[]>({
    key: 'admin.allowedHosts',
    byDefault: [],
    check(given, name) {
      const names = typeof given === 'string' ? given.split(',').map((each) => each.trim()) : []
      if (names.length > 0 && names.every((each) => each === '*' || /^[\w.-]+$/.test(each))) return names
      throw new ConfigError(name, given, 'a comma list of host names without ports, or *')
    },
    show: (names) => names.join(','),
  }),
  metricsProviderClassName: setting<string>({
    key: 'metricsProvider.className',
    byDefault: 'DefaultMetricsProvider',
    check(given, name) {
      const found = providers.find((each) => typeof given === 'string' && given.split('.').at(-1) === each)
      if (found !== undefined) return found
      throw new ConfigError(
        name,
        given,
        `${providers.join(', ')}, with its package or without; Java's own classes cannot be loaded`,
      )
    },
  }),
  metricsHttpHost: host({ key: 'metricsProvider.httpHost', byDefault: '0.0.0.0' }),
  metricsHttpPort: integer({
    key: 'metricsProvider.httpPort',
    read: parsedInt,
    byDefault: ({ value }) => (value('metricsHttpsPort') === -1 ? 7000 : -1),
    min: -1,
    max: 65535,
  }),
  metricsExportJvmInfo: flag({ key: 'metricsProvider.exportJvmInfo', read: looseBoolean, byDefault: true }),
} satisfies SettingsFor<AdminOptions>

const ownNames = {
  adminForceHttps: 'adminForceHttps',
  adminPortUnification: 'adminPortUnification',
  adminTls: 'adminTls',
  metricsHttpsPort: 'metricsHttpsPort',
  metricsTls: 'metricsTls',
}

export const admin = {
  settings,
  idle: idleKeys([
    ...['admin.httpVersion', 'metricsProvider.numWorkerThreads', 'metricsProvider.maxQueueSize'],
    'metricsProvider.workerShutdownTimeoutMs',
  ]),
  families: adminTlsFamilies,
  idleFamilies: [/^metricsProvider\./, /^admin\.needClientAuth$/],
  check: (config) => refuseHalves(config, ownNames),
} as const satisfies Room
