/**
 * TLS on the admin port and on the port of the metrics. Apache's admin port has the stores of the ports between servers
 * (JettyAdminServer.java), its Prometheus provider has its own (PrometheusMetricsProvider.java).
 */
import type { ServerTlsOptions } from '../../tls/options.ts'
import { ConfigError } from '../config-error.ts'
import { looseBoolean, parsedInt } from '../java-values.ts'
import type { Family, FamilyTools } from '../room.ts'
import { flag, integer, type SettingsFor } from '../setting.ts'
import { type TlsKeys, tlsOptionsOf, tlsSetting } from './tls-keys.ts'

export interface AdminTlsOptions {
  /** Serve the admin pages with TLS alone. It needs `adminTls`. Default false. */
  readonly adminForceHttps?: boolean
  /** Serve the admin pages with TLS and without, on the same port. It needs `adminTls`. Default false. */
  readonly adminPortUnification?: boolean
  /** The certificate of the admin port. Clients need none, unless its `clientAuth` says otherwise. Default none. */
  readonly adminTls?: ServerTlsOptions
  /** The port of the metrics with TLS; 0 takes a free one, and -1 is none. It may be `metricsHttpPort`. Default -1. */
  readonly metricsHttpsPort?: number
  /** The certificate of the metrics, and whether a client needs one. Default none. */
  readonly metricsTls?: ServerTlsOptions
}

export const adminTlsSettings = {
  adminForceHttps: flag({ key: 'admin.forceHttps', read: looseBoolean, byDefault: false }),
  adminPortUnification: flag({ key: 'admin.portUnification', read: looseBoolean, byDefault: false }),
  adminTls: tlsSetting('adminTls', { clientAuth: 'none' }),
  metricsHttpsPort: integer({ key: 'metricsProvider.httpsPort', read: parsedInt, byDefault: -1, min: -1, max: 65535 }),
  metricsTls: tlsSetting('metricsTls'),
} satisfies SettingsFor<AdminTlsOptions>

const needKey = 'admin.needClientAuth'
const adminKeys: TlsKeys = { prefix: 'ssl.quorum.', others: { clientAuth: needKey } }
const metricsKeys: TlsKeys = {
  prefix: 'metricsProvider.ssl.',
  others: { clientAuth: 'metricsProvider.ssl.need.client.auth' },
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true'
}

function asksForTls(values: ReadonlyMap<string, string>): boolean {
  return isTrue(values.get('admin.forceHttps')) || isTrue(values.get('admin.portUnification'))
}

/** Undefined where the admin port speaks no TLS: then these are keys of the ports between servers. */
function adminTlsOf(values: ReadonlyMap<string, string>, { all }: FamilyTools): ServerTlsOptions | undefined {
  if (!asksForTls(all)) return undefined
  return tlsOptionsOf(adminKeys, values, { clientAuth: isTrue(values.get(needKey)) ? 'need' : 'none' })
}

/** A client needs a certificate unless the file says otherwise. */
function metricsTlsOf(values: ReadonlyMap<string, string>): ServerTlsOptions {
  const isOn = (word: string): boolean => isTrue(values.get(`metricsProvider.ssl.${word}.client.auth`) ?? 'true')
  return tlsOptionsOf(metricsKeys, values, { clientAuth: isOn('need') ? 'need' : isOn('want') ? 'want' : 'none' })
}

export const adminTlsFamilies: readonly Family[] = [
  {
    keys: /^(ssl\.quorum\.((keyStore|trustStore)\.(location|password|passwordPath|type)|enabledProtocols|ciphersuites)|admin\.needClientAuth)$/,
    option: 'adminTls',
    read: adminTlsOf,
  },
  {
    keys: /^metricsProvider\.ssl\.((keyStore|trustStore)\.(location|password|passwordPath|type)|enabledProtocols|ciphersuites|(need|want)\.client\.auth)$/,
    option: 'metricsTls',
    read: metricsTlsOf,
  },
]

/**
 * In a file each of these ports has a certificate, and each certificate a port.
 * @throws ConfigError that names the key without its other half.
 */
export function refuseHalfOfAdminTls(options: ReadonlyMap<string, unknown>, values: ReadonlyMap<string, string>): void {
  if (isTrue(values.get(needKey)) && !asksForTls(values)) {
    const how = 'set admin.forceHttps=true'
    throw ConfigError.refused(needKey, `asks for certificates of clients, and the admin port speaks no TLS; ${how}`)
  }
  refuseHalves(Object.fromEntries(options), {
    adminForceHttps: 'admin.forceHttps',
    adminPortUnification: 'admin.portUnification',
    adminTls: 'ssl.quorum.keyStore.location',
    metricsHttpsPort: 'metricsProvider.httpsPort',
    metricsTls: 'metricsProvider.ssl.keyStore.location',
  })
}

type Halves = Readonly<Record<keyof AdminTlsOptions, string>>

/** @throws ConfigError for a port with TLS without its certificate, and the other way round; `names` has what each is called. */
export function refuseHalves(config: Readonly<Record<string, unknown>>, names: Halves): void {
  const { adminForceHttps, adminPortUnification, adminTls, metricsHttpsPort = -1, metricsTls } = config
  const admin =
    adminForceHttps === true ? 'adminForceHttps' : adminPortUnification === true ? 'adminPortUnification' : undefined
  const metrics = metricsHttpsPort === -1 ? undefined : 'metricsHttpsPort'
  const noCertificate = 'asks for TLS, and there is no certificate for it'
  if (admin !== undefined && adminTls === undefined) {
    throw ConfigError.refused(names[admin], `${noCertificate}: ${names.adminTls} is missing`)
  }
  if (metrics !== undefined && metricsTls === undefined) {
    throw ConfigError.refused(names[metrics], `${noCertificate}: ${names.metricsTls} is missing`)
  }
  const noPort = 'asks for TLS, and there is no port for it'
  if (admin === undefined && adminTls !== undefined) {
    throw ConfigError.refused(names.adminTls, `${noPort}: set ${names.adminForceHttps} to true`)
  }
  if (metrics === undefined && metricsTls !== undefined) {
    throw ConfigError.refused(names.metricsTls, `${noPort}: give ${names.metricsHttpsPort}`)
  }
}
