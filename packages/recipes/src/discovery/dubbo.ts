/**
 * Dubbo's interface registry (ZookeeperRegistry, URL). An instance is a znode below /dubbo/<interface>/providers. Its name is the
 * whole URL in form encoding; its data has no meaning. A provider's default weight is 100, which is 1 here.
 */
import type { ZnodePath } from '@lightkeeper/client'
import { below } from '../common/paths.ts'
import { weightOf } from './curator.ts'
import type { Format } from './format.ts'
import type { ServiceInstance } from './instance.ts'

const weightUnit = 100
/** Dubbo reads a weight as a 32-bit integer. */
const weightMax = 0x7fff_ffff

/** As java.net.URLEncoder. */
export function formEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

/** As java.net.URLDecoder. @throws URIError for text in another encoding. */
export function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

export interface DubboUrl {
  readonly protocol: string
  readonly host: string
  readonly port: number | undefined
  readonly path: string
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The parameters are in the order of their keys, as `URL.toFullString` writes them: a process that deletes the znode must make the
 * same text.
 */
export function formatDubboUrl({ protocol, host, port, path, parameters }: DubboUrl): string {
  const pairs = Object.entries(parameters)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => `${key}=${value.trim()}`)
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`
  return `${protocol}://${host}${port === undefined ? '' : `:${port}`}${path === '' ? '' : `/${path}`}${query}`
}

/** @throws TypeError for text that is no Dubbo URL. */
export function parseDubboUrl(text: string): DubboUrl {
  const parts = /^([\w.+-]+):\/\/(?:[^@/?]*@)?(\[[^\]]*\]|[^:/?]*)(?::(\d+))?(?:\/([^?]*))?(?:\?(.*))?$/.exec(text)
  if (parts === null) throw new TypeError(`not a URL of Dubbo's: ${text}`)
  const [, protocol = '', host = '', port, path = '', query = ''] = parts
  const parameters: Record<string, string> = {}
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=')
    if (pair === '') continue
    // A key without a value is its own value, as in Dubbo.
    if (at === -1) parameters[pair] = pair
    else parameters[pair.slice(0, at)] = pair.slice(at + 1)
  }
  return { protocol, host, port: port === undefined ? undefined : Number(port), path, parameters }
}

/** Parameters that come from fields of the instance, not from its metadata. */
const own = new Set(['protocol', 'path', 'interface', 'weight', 'zone', 'timestamp', 'enabled', 'id'])

/** Only a weight of 0 is written as 0, which means no calls. */
function weightText(weight: number): string {
  const least = weight > 0 ? 1 : 0
  return String(Math.min(weightMax, Math.max(least, Math.round(weight * weightUnit))))
}

export const dubbo: Format = {
  base: '/dubbo',
  parents: 'persistent',
  directory: (base: ZnodePath, name: string) => below(below(base, formEncode(name)), 'providers'),
  serviceName: (child) => formDecode(child),
  nodeName(instance) {
    const { name, address, port, weight, zone, metadata, registeredAt, enabled } = instance
    const { protocol = 'dubbo', path = name } = metadata
    const said = Object.fromEntries(Object.entries(metadata).filter(([key]) => !own.has(key)))
    const parameters = {
      side: 'provider',
      category: 'providers',
      ...said,
      interface: name,
      ...(weight === 1 ? {} : { weight: weightText(weight) }),
      ...(zone === undefined ? {} : { zone }),
      ...(registeredAt === undefined ? {} : { timestamp: String(registeredAt.getTime()) }),
      ...(enabled ? {} : { enabled: 'false' }),
    }
    return formEncode(formatDubboUrl({ protocol, host: address, port, path, parameters }))
  },
  encode: () => new Uint8Array(0),
  decode(service, nodeName): ServiceInstance {
    const url = parseDubboUrl(formDecode(nodeName))
    const { protocol, host, port, path, parameters } = url
    if (host === '' || protocol === 'empty') throw new TypeError('the URL names no provider')
    const { weight, zone, timestamp, enabled } = parameters
    return {
      name: parameters['interface'] ?? service,
      id: port === undefined ? host : `${host}:${port}`,
      address: host,
      port,
      sslPort: undefined,
      weight: weight === undefined ? 1 : weightOf(weight) / weightUnit,
      zone,
      metadata: { ...parameters, protocol, path },
      enabled: enabled !== 'false',
      registeredAt: timestamp === undefined ? undefined : new Date(Number(timestamp)),
      payload: undefined,
    }
  },
}
