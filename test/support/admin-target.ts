/** A server with its admin pages, or its metrics: ours, or Apache 3.9 with the jars that these need. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { optionsOf, startServer } from '@lightkeeper/server'
import { apache, freePorts } from '@lightkeeper/testing'
import { missingTarget, targetName } from './target.ts'

export interface AdminTarget extends AsyncDisposable {
  /** The port of clients. */
  readonly port: number
  /** `http://127.0.0.1:8080`, of the admin pages or of the metrics. */
  readonly url: string
  /** The port for clients with TLS; -1 where `keys` asks for none. */
  readonly securePort: number
}

/** Keys of a zoo.cfg. With `ssl.keyStore.location` there is a port for clients with TLS too. */
type Keys = Readonly<Record<string, string>>

/** `Authorization` of somebody who may do everything: the password of the super user below. */
export const superAuthorization = 'digest super:secret'
const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
/** So long that a second request is refused, in the milliseconds of the documentation and the microseconds of snapshots in 3.9.5. */
const rateLimit = 100_000_000

const netty = 'org.apache.zookeeper.server.NettyServerCnxnFactory'
const jars = fileURLToPath(new URL('../../.cache/apache-3.9-admin', import.meta.url))

/** Why the target cannot be started, undefined where it can. Only 3.9 has the pages as they are here. */
export function missingAdminTarget(): string | undefined {
  if (targetName === 'ours') return undefined
  if (targetName !== 'apache-3.9') return `${targetName} has other pages`
  return (
    missingTarget() ?? (existsSync(jars) ? undefined : 'its web server was not fetched; node scripts/peers.mjs does it')
  )
}

export async function startAdminTarget(what: 'pages' | 'metrics', keys: Keys = {}): Promise<AdminTarget> {
  return targetName === 'ours' ? startOurs(what, keys) : startApache(what, keys)
}

function isSecure(keys: Keys): boolean {
  return 'ssl.keyStore.location' in keys
}

async function startOurs(what: 'pages' | 'metrics', keys: Keys): Promise<AdminTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-admin-'))
  const secure = isSecure(keys) ? { secureClientPort: '0' } : {}
  const server = await startServer({
    adminRateLimiterIntervalMs: rateLimit,
    ...optionsOf(Object.entries({ ...keys, ...secure })).options,
    port: 0,
    dataDir,
    preAllocSize: 64,
    tickTime: 2000,
    superDigest,
    ...(what === 'pages'
      ? { adminEnableServer: true, adminServerPort: 0 }
      : { metricsProviderClassName: 'PrometheusMetricsProvider', metricsHttpHost: '127.0.0.1', metricsHttpPort: 0 }),
  })
  return {
    port: server.port,
    url: `http://${what === 'pages' ? server.adminAddress : server.metricsAddress}`,
    securePort: server.securePort ?? -1,
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function startApache(what: 'pages' | 'metrics', keys: Keys): Promise<AdminTarget> {
  const [port = 0, securePort = -1] = await freePorts(2)
  const { 'admin.rateLimiterIntervalInMS': interval = rateLimit, ...others } = keys
  const config: Record<string, string | number> =
    what === 'pages'
      ? {
          'admin.enableServer': 'true',
          'admin.serverAddress': '127.0.0.1',
          'admin.serverPort': port,
          'admin.rateLimiterIntervalInMS': interval,
        }
      : {
          'metricsProvider.className': 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
          'metricsProvider.httpHost': '127.0.0.1',
          'metricsProvider.httpPort': port,
        }
  const server = await apache({
    version: '3.9',
    jars: `${jars}/*`,
    config: {
      ...config,
      'zookeeper.DigestAuthenticationProvider.superDigest': superDigest,
      ...Object.fromEntries(Object.entries(others).map(([key, value]) => [`zookeeper.${key}`, value])),
      ...(isSecure(keys) ? { secureClientPort: securePort, 'zookeeper.serverCnxnFactory': netty } : {}),
    },
  })
  return {
    port: server.ports[0] as number,
    url: `http://127.0.0.1:${port}`,
    securePort: isSecure(keys) ? securePort : -1,
    [Symbol.asyncDispose]: () => server.close(),
  }
}
