/** An instance of a service: its address, and what balancing needs. */
import { boolean, type Check, looking, wrongType } from '@lightkeeper/client/arguments'
import { optionsOf } from '../arguments/options.ts'
import { nodeName } from '../arguments/places.ts'
import { number, text } from '../arguments/values.ts'

/** One instance of a service: where it can be reached, and what it says about itself. */
export interface ServiceInstance {
  /** Name of the service. */
  readonly name: string
  /** Unique within the service. */
  readonly id: string
  /** Its address: a host name or an IP address. */
  readonly address: string
  /** The port, from 0 to 65535; undefined where it has none. */
  readonly port: number | undefined
  /** The port for TLS, from 0 to 65535; undefined where it has none, or the format does not store it. */
  readonly sslPort: number | undefined
  /** Share of the calls, relative to the other instances. Default 1; 0 means no calls. */
  readonly weight: number
  /** Where it runs, for consumers that prefer near instances. */
  readonly zone: string | undefined
  /** Other properties, as text. */
  readonly metadata: Readonly<Record<string, string>>
  /** False: it is visible, but gets no calls. */
  readonly enabled: boolean
  /** When it was registered, if the format stores that. */
  readonly registeredAt: Date | undefined
  /** The payload in the form of the format; undefined where the format has none. */
  readonly payload: unknown
}

/** An instance to register. */
export interface Registering {
  /** Name of the service, not empty. */
  readonly name: string
  /** Default: a random UUID. An id that stays the same after a restart replaces the znode of the earlier process at once. */
  readonly id?: string | undefined
  /** Its address: a host name or an IP address, not empty. */
  readonly address: string
  /** The port, from 0 to 65535. Default: none. */
  readonly port?: number | undefined
  /** The port for TLS, from 0 to 65535. Default: none. */
  readonly sslPort?: number | undefined
  /** Share of the calls, relative to the other instances: 0 or more; 0 means no calls. Default 1. */
  readonly weight?: number | undefined
  /** Where it runs, for consumers that prefer near instances. Default: none. */
  readonly zone?: string | undefined
  /** Other properties, as text. Default: none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** False: it is visible, but gets no calls. Default true. */
  readonly enabled?: boolean | undefined
  /** Written instead of the payload that the format makes of weight, zone and metadata. For consumers with their own classes. */
  readonly payload?: unknown
}

const port = number('', 0, 65_535)
const metadata: Check<Readonly<Record<string, string>>> = (value, name, operation) =>
  looking(name, operation, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(operation, name, 'an object of texts', value)
    }
    const entries = Object.entries(value as Record<string, unknown>)
    return Object.fromEntries(entries.map(([key, each]) => [key, text(each, `${name}.${key.slice(0, 60)}`, operation)]))
  })
/** A payload is written as JSON. A value without a JSON form is refused; the copy cannot change later. */
const payload: Check<never> = (value, name, operation) => {
  try {
    const written = JSON.stringify(value)
    if (written !== undefined) return JSON.parse(written) as never
  } catch (cause) {
    throw new TypeError(`${operation}: ${name} has no JSON form`, { cause })
  }
  throw wrongType(operation, name, 'a value that JSON can write', value)
}
const notEmpty: Check<string> = (value, name, operation) => {
  const own = text(value, name, operation)
  if (own === '') throw wrongType(operation, name, 'a string that is not empty', value)
  return own
}

const changeable = {
  address: notEmpty,
  port,
  sslPort: port,
  weight: number('', 0, Number.MAX_VALUE, false),
  zone: text,
  metadata,
  enabled: boolean,
  payload,
}
const registering = optionsOf<Registering>({ name: notEmpty, id: nodeName, ...changeable })
const changing = optionsOf<InstanceChange>(changeable)

/** Only the named properties change; undefined removes one. */
export type InstanceChange = Partial<Omit<Registering, 'name' | 'id'>>

/** A copy of an instance to register. @throws TypeError or RangeError that names the property. */
export function checkRegistering(instance: unknown, operation: string): Registering {
  const own = registering(instance as Registering, operation, 'instance')
  for (const needed of ['name', 'address'] as const) {
    if (own[needed] === undefined) throw wrongType(operation, `instance.${needed}`, 'a string', own[needed])
  }
  return own
}

/** A copy of a change, with undefined for each property that it removes. */
export function checkChange(change: unknown, operation: string): InstanceChange {
  const own = changing(change as InstanceChange, operation, 'change')
  const taken = looking('change', operation, () => Object.keys(change as object).filter((key) => !(key in own)))
  return { ...own, ...Object.fromEntries(taken.map((key) => [key, undefined])) }
}
