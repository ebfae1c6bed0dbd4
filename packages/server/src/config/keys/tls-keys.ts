/** What the ports with TLS share: a setting for their options, and the keys of a file that Apache has for each of them behind a prefix. */
import { resolveTls, type ServerTlsOptions, type StoreSettings, type TlsSettings } from '../../tls/options.ts'
import { type Setting, setting } from '../setting.ts'

/** The options by their keys behind the prefix. */
const optionsByKey: Readonly<Record<string, keyof ServerTlsOptions>> = {
  'keyStore.location': 'keyStoreLocation',
  'keyStore.password': 'keyStorePassword',
  'keyStore.passwordPath': 'keyStorePasswordPath',
  'keyStore.type': 'keyStoreType',
  'trustStore.location': 'trustStoreLocation',
  'trustStore.password': 'trustStorePassword',
  'trustStore.passwordPath': 'trustStorePasswordPath',
  'trustStore.type': 'trustStoreType',
  clientAuth: 'clientAuth',
  protocol: 'protocol',
  enabledProtocols: 'enabledProtocols',
  ciphersuites: 'ciphersuites',
  crlLocation: 'crlLocation',
  authProvider: 'authProvider',
}

/** The keys of one port. */
export interface TlsKeys {
  /** `ssl.` */
  readonly prefix: string
  /** Keys with another form, whole, by the option they give. */
  readonly others?: Readonly<Partial<Record<keyof ServerTlsOptions, string>>>
}

/** The option that a key gives; undefined for a key with another form. */
export function tlsOptionOf({ prefix }: TlsKeys, key: string): keyof ServerTlsOptions | undefined {
  return key.startsWith(prefix) ? optionsByKey[key.slice(prefix.length)] : undefined
}

/**
 * Options that came from a file: `values` are those of keys, and `more` has the others. Errors name the keys.
 * @throws ConfigError for what cannot be used.
 */
export function tlsOptionsOf(
  keys: TlsKeys,
  values: ReadonlyMap<string, string>,
  more: ServerTlsOptions = {},
): ServerTlsOptions {
  const given = [...values].flatMap(([key, value]) => {
    const option = tlsOptionOf(keys, key)
    return option === undefined ? [] : [[option, value] as const]
  })
  const options: ServerTlsOptions = {
    ...Object.fromEntries(given),
    ...more,
    nameOf: (option) => nameIn(keys, option),
  }
  resolveTls(options)
  return options
}

function nameIn({ prefix, others = {} }: TlsKeys, option: string): string {
  const other = Object.entries(others).find(([each]) => each === option)?.[1]
  if (other !== undefined) return other
  const key = Object.entries(optionsByKey).find(([, each]) => each === option)?.[0]
  return `${prefix}${key ?? 'keyStore.location'}`
}

/** The setting `option`; undefined asks for no TLS. `defaults` has those that differ from the ones of a port for clients. */
export function tlsSetting(option: string, defaults: ServerTlsOptions = {}): Setting<TlsSettings | undefined> {
  return setting<TlsSettings | undefined>({
    byDefault: undefined,
    check: (given) => resolveTls(given, option, defaults),
    show(tls) {
      if (tls === undefined) return ''
      const trusted = tls.trustStore === undefined ? 'none' : placeOf(tls.trustStore)
      const stores = `keyStore ${placeOf(tls.keyStore)}, trustStore ${trusted}`
      return `${stores}, clientAuth ${tls.clientAuth}, ${tls.minVersion} to ${tls.maxVersion}`
    },
    identityOf: (tls) => JSON.stringify(tls) ?? '',
  })
}

function placeOf({ location }: StoreSettings): string {
  return location ?? 'given'
}
