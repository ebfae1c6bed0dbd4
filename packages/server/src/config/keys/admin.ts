/** What operators may ask: four-letter words, and Apache's web pages and metrics, which this server has not. */
import { ConfigError } from '../config-error.ts'
import { idleKeys, type Room } from '../room.ts'
import { type SettingsFor, setting } from '../setting.ts'

export interface AdminOptions {
  /** Four-letter words that are answered: a comma list, `*` for all. Default `srvr`. */
  readonly fourLetterWordWhitelist?: string
}

const wanted = 'a comma list of four-letter words, or *'

const settings = {
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
} satisfies SettingsFor<AdminOptions>

export const admin = {
  settings,
  idle: idleKeys([
    ...['admin.enableServer', 'admin.serverAddress', 'admin.serverPort', 'admin.commandURL', 'admin.idleTimeout'],
    ...['admin.httpVersion', 'admin.rateLimiterIntervalInMS', 'admin.snapshot.enabled', 'admin.restore.enabled'],
    ...['admin.needClientAuth', 'admin.forceHttps', 'admin.portUnification', 'metricsProvider.className'],
    ...['metricsProvider.httpHost', 'metricsProvider.httpPort', 'metricsProvider.exportJvmInfo'],
    ...['metricsProvider.numWorkerThreads', 'metricsProvider.maxQueueSize', 'metricsProvider.workerShutdownTimeoutMs'],
  ]),
  idleFamilies: [/^metricsProvider\./],
} as const satisfies Room
