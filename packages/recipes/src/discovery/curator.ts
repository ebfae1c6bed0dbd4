/**
 * The JSON of Curator's x-discovery (ServiceInstance, JsonInstanceSerializer; fields in the order of Jackson), and the payload of
 * Spring Cloud ZooKeeper in it. The JSON has no fields for weight and zone: they are in the payload, under the names that Spring's
 * balancer reads.
 */
import type { ZnodePath } from '@lightkeeper/client'
import { below } from '../common/paths.ts'
import type { Format } from './format.ts'
import type { ServiceInstance } from './instance.ts'

const mapClass = 'java.util.LinkedHashMap'
const springClass = 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance'

/** `{scheme}://{address}:{port}`, which Spring needs. */
const uriSpec = {
  parts: [
    { value: 'scheme', variable: true },
    { value: '://', variable: false },
    { value: 'address', variable: true },
    { value: ':', variable: false },
    { value: 'port', variable: true },
  ],
}

type Payload = (instance: ServiceInstance) => unknown

/** Null instead of an empty payload: consumers without a payload class cannot read an empty one. */
const mapPayload: Payload = ({ weight, zone, metadata }) => {
  const said = { ...(weight === 1 ? {} : { weight }), ...(zone === undefined ? {} : { zone }), ...metadata }
  return Object.keys(said).length === 0 ? null : { '@class': mapClass, ...said }
}

const springPayload: Payload = ({ id, name, weight, zone, metadata, enabled }) => ({
  '@class': springClass,
  id,
  name,
  metadata: {
    instance_status: enabled ? 'UP' : 'OUT_OF_SERVICE',
    ...(weight === 1 ? {} : { weight: String(weight) }),
    ...(zone === undefined ? {} : { zone }),
    ...metadata,
  },
})

function curatorFormat(payloadOf: Payload, hasUri: boolean): Format {
  return {
    base: '/services',
    parents: 'container',
    directory: (base: ZnodePath, name: string) => below(base, name),
    serviceName: (child) => child,
    nodeName: ({ id }) => id,
    encode(instance) {
      const { name, id, address, port, sslPort, registeredAt, enabled, payload } = instance
      const written = {
        name,
        id,
        address,
        port: port ?? null,
        sslPort: sslPort ?? null,
        payload: payload === undefined ? payloadOf(instance) : payload,
        registrationTimeUTC: registeredAt?.getTime() ?? 0,
        serviceType: 'DYNAMIC',
        uriSpec: hasUri ? uriSpec : null,
        // Readers take a missing field as true, and very old readers fail on the field.
        ...(enabled ? {} : { enabled }),
      }
      return new TextEncoder().encode(JSON.stringify(written))
    },
    decode: (service, nodeName, data) => decode(service, nodeName, data),
  }
}

export const curator: Format = curatorFormat(mapPayload, false)
export const spring: Format = curatorFormat(springPayload, true)

function decode(service: string, nodeName: string, data: Uint8Array): ServiceInstance {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  if (!isRecord(value)) throw new TypeError('the data is not a JSON object')
  const { name, id, address, port, sslPort, payload, registrationTimeUTC, enabled } = value
  if (typeof address !== 'string' || address === '') throw new TypeError('the instance has no address')
  const said = isRecord(payload) ? payload : {}
  const metadata = textsOf(isRecord(said['metadata']) ? said['metadata'] : said)
  const { weight, zone, instance_status: status } = metadata
  return {
    name: typeof name === 'string' ? name : service,
    id: typeof id === 'string' ? id : nodeName,
    address,
    port: portOf(port),
    sslPort: portOf(sslPort),
    weight: weightOf(weight),
    zone,
    metadata,
    enabled: enabled !== false && (status === undefined || status.toUpperCase() === 'UP'),
    registeredAt: typeof registrationTimeUTC === 'number' ? new Date(registrationTimeUTC) : undefined,
    payload: payload ?? undefined,
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textsOf(record: Record<string, unknown>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(record)) {
    if (key === '@class') continue
    if (typeof value === 'string') texts[key] = value
    else if (typeof value === 'number' || typeof value === 'boolean') texts[key] = String(value)
  }
  return texts
}

function portOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined
}

/** 1 where the text is missing or is no weight. */
export function weightOf(text: string | undefined): number {
  const weight = text === undefined || text.trim() === '' ? 1 : Number(text)
  return weight >= 0 && weight < Number.POSITIVE_INFINITY ? weight : 1
}
