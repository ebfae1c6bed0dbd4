/** TLS between the members of an ensemble: Apache's keys `sslQuorum` and `ssl.quorum.*` (QuorumPeerConfig.java, QuorumX509Util.java). */
import type { ServerTlsOptions } from '../../tls/options.ts'
import { ConfigError } from '../config-error.ts'
import { type Read, strictBoolean } from '../java-values.ts'
import { type Family, type FamilyTools, isOff } from '../room.ts'
import { flag, type SettingsFor } from '../setting.ts'
import { type TlsKeys, tlsOptionOf, tlsOptionsOf, tlsSetting } from './tls-keys.ts'

export interface QuorumTlsOptions {
  /** Members reach each other with TLS alone. It needs `quorumTls`. Default false. */
  readonly sslQuorum?: boolean
  /**
   * Members are accepted with TLS and without it, while TLS is switched on or off one server after the other. It needs `quorumTls`.
   * Default false.
   */
  readonly portUnification?: boolean
  /** The certificate that this member shows to the others, and whose they may show. Default none. */
  readonly quorumTls?: ServerTlsOptions
  /** Whether the certificate of a member must be for the host of its line. Default true. */
  readonly quorumHostnameVerification?: boolean
  /** The same for members that dial this one. Default true; false where `quorumHostnameVerification` is. */
  readonly quorumClientHostnameVerification?: boolean
}

/** What stands behind a key of TLS may be a secret in the wrong line, so it is not shown. */
const unshown: Read = (value, key) => {
  try {
    return strictBoolean(value, key)
  } catch {
    throw ConfigError.refused(key, 'is neither true nor false')
  }
}

export const quorumTlsSettings = {
  sslQuorum: flag({ key: 'sslQuorum', byDefault: false }),
  portUnification: flag({ key: 'portUnification', byDefault: false }),
  quorumTls: tlsSetting('quorumTls'),
  quorumHostnameVerification: flag({ key: 'ssl.quorum.hostnameVerification', read: unshown, byDefault: true }),
  quorumClientHostnameVerification: flag({
    key: 'ssl.quorum.clientHostnameVerification',
    read: unshown,
    byDefault: true,
  }),
} satisfies SettingsFor<QuorumTlsOptions>

const reload = 'sslQuorumReloadCertFiles'
const detection = 'ssl.quorum.handshakeDetectionTimeoutMillis'
const keys: TlsKeys = {
  prefix: 'ssl.quorum.',
  others: { certReload: reload, handshakeDetectionTimeoutMillis: detection },
}

/** Undefined where no port between members speaks TLS: then these are keys of the admin port, or of nothing. */
function quorumTlsOf(values: ReadonlyMap<string, string>, { all }: FamilyTools): ServerTlsOptions | undefined {
  if (isOff(all.get('sslQuorum') ?? '') && isOff(all.get('portUnification') ?? '')) return undefined
  // What only tunes it asks for no certificate.
  if (![...values].some(([key, value]) => tlsOptionOf(keys, key) !== undefined && value !== '')) return undefined
  const millis = values.get(detection)
  return tlsOptionsOf(keys, values, {
    // Apache does not look at the files again by default.
    certReload: !isOff(values.get(reload) ?? ''),
    ...(millis === undefined ? {} : { handshakeDetectionTimeoutMillis: Number(millis) }),
  })
}

export const quorumTlsFamilies: readonly Family[] = [
  {
    keys: /^(ssl\.quorum\.(?!(client)?[hH]ostnameVerification$)|sslQuorumReloadCertFiles$)/,
    option: 'quorumTls',
    read: quorumTlsOf,
  },
]

const unchecked = 'asks that issuers be asked for revoked certificates, which this server does not do'

export const quorumTlsRefusals = [
  { keys: /^ssl\.quorum\.(crl|ocsp)$/, why: `${unchecked}; give it their lists with ssl.quorum.crlLocation` },
  {
    keys: /^ssl\.quorum\.context\.supplier\.class$/,
    why: 'names a class of Java',
    isHarmless: (value: string) => value === '',
  },
]

/** @throws ConfigError where TLS between members has no certificate, or may not check the one of the others. */
export function refuseHalfOfQuorumTls(config: {
  readonly members: unknown
  readonly sslQuorum: boolean
  readonly portUnification: boolean
  readonly quorumTls: { readonly trustStore: unknown } | undefined
}): void {
  const { members, sslQuorum, portUnification, quorumTls } = config
  const asks = sslQuorum ? 'sslQuorum' : portUnification && members !== undefined ? 'portUnification' : undefined
  const keyStore = 'ssl.quorum.keyStore.location, or the option quorumTls'
  if (asks !== undefined && quorumTls === undefined) {
    throw ConfigError.refused(
      asks,
      `asks for TLS between members, and there is no certificate for it: ${keyStore}, is missing`,
    )
  }
  if (quorumTls === undefined) return
  if (quorumTls.trustStore === undefined) {
    const why = 'is missing: it says whose certificates other members may show'
    throw ConfigError.refused('ssl.quorum.trustStore.location', why)
  }
  if (!sslQuorum && !portUnification) {
    throw ConfigError.refused('quorumTls', 'has no port: set sslQuorum, or portUnification, to true')
  }
}
