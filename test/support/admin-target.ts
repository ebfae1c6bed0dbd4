/** A server with its admin pages, or its metrics: ours, or Apache 3.9 with the jars that these need. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '@lightkeeper/server'
import { apache, freePorts } from '@lightkeeper/testing'
import { missingTarget, targetName } from './target.ts'

export interface AdminTarget extends AsyncDisposable {
  /** The port of clients. */
  readonly port: number
  /** `http://127.0.0.1:8080`, of the admin pages or of the metrics. */
  readonly url: string
}

/** `Authorization` of somebody who may do everything: the password of the super user below. */
export const superAuthorization = 'digest super:secret'
const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
/** So long that a second request is refused, in the milliseconds of the documentation and the microseconds of snapshots in 3.9.5. */
const rateLimit = 100_000_000

const jars = fileURLToPath(new URL('../../.cache/apache-3.9-admin', import.meta.url))

/** Why the target cannot be started, undefined where it can. Only 3.9 has the pages as they are here. */
export function missingAdminTarget(): string | undefined {
  if (targetName === 'ours') return undefined
  if (targetName !== 'apache-3.9') return `${targetName} has other pages`
  return (
    missingTarget() ?? (existsSync(jars) ? undefined : 'its web server was not fetched; node scripts/peers.mjs does it')
  )
}

export async function startAdminTarget(what: 'pages' | 'metrics'): Promise<AdminTarget> {
  return targetName === 'ours' ? startOurs(what) : startApache(what)
}

async function startOurs(what: 'pages' | 'metrics'): Promise<AdminTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-admin-'))
  const server = await startServer({
    port: 0,
    dataDir,
    preAllocSize: 64,
    tickTime: 2000,
    superDigest,
    ...(what === 'pages'
      ? { adminEnableServer: true, adminServerPort: 0, adminRateLimiterIntervalMs: rateLimit }
      : { metricsProviderClassName: 'PrometheusMetricsProvider', metricsHttpHost: '127.0.0.1', metricsHttpPort: 0 }),
  })
  return {
    port: server.port,
    url: `http://${what === 'pages' ? server.adminAddress : server.metricsAddress}`,
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function startApache(what: 'pages' | 'metrics'): Promise<AdminTarget> {
  const [port = 0] = await freePorts(1)
  const config: Record<string, string | number> =
    what === 'pages'
      ? {
          'admin.enableServer': 'true',
          'admin.serverAddress': '127.0.0.1',
          'admin.serverPort': port,
          'admin.rateLimiterIntervalInMS': rateLimit,
        }
      : {
          'metricsProvider.className': 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
          'metricsProvider.httpHost': '127.0.0.1',
          'metricsProvider.httpPort': port,
        }
  const server = await apache({
    version: '3.9',
    jars: `${jars}/*`,
    config: { ...config, 'zookeeper.DigestAuthenticationProvider.superDigest': superDigest },
  })
  return {
    port: server.ports[0] as number,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.close(),
  }
}
